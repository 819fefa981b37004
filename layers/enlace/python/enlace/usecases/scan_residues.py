"""Look for what should be nowhere in every place of the stack, page by page.

Each place has a row of its own that says how far a round has come and what it has found:
counts by kind, and never a value. Whoever comes after a crash goes on at the last page; a
page that was read, and not entered, is read again. A place that does not answer keeps none
of the others waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from enlace.domain.interaction import epoch_text
from enlace.domain.records import IdentifierRecord, Tombstone
from enlace.domain.residues import UNDER, Piece, Sought, Spot
from enlace.errors import Conflict, EnlaceError
from enlace.usecases.certify_erasure import HEAD, JOURNAL
from enlace.usecases.job_rows import JobRows
from enlace.usecases.rows import Row, Rows

JOB = "scan_residues"
SCANNING, DONE = "scanning", "done"


class Page(NamedTuple):
    """Some of what a place holds, and where to go on; "" at the end."""

    pieces: Iterable[Piece]
    cursor: str


class Place(Protocol):
    """Somewhere that values may be."""

    spot: Spot
    #: From the beginning of a round to that of the next one.
    every_seconds: int

    def page(self, cursor: str, since: str, until: str) -> Page:
        """Read on.

        Parameters
        ----------
        since, until : str
            Contract times; what is only ever added to is read between them alone. "" for
            from its beginning.

        Raises
        ------
        TemporaryFailure
            If the place did not answer; also while the pieces are gone through.
        """


class States(Protocol):
    """Look-up of who an address belongs to."""

    def get_states(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> Mapping[str, IdentifierRecord | Tombstone]: ...


class ScanResidues:
    """The use case.

    Parameters
    ----------
    rows : Rows
    states : States
    sought : callable
        Gives what is looked for; asked once a run, if there is something to do.
    tell : callable
        ``(place, counts by kind)``: at the end of a round that found something; maybe twice.
    warn : callable
        ``(place, error)``: a place that did not answer.
    clock : callable
        Seconds since the epoch.

    Attributes
    ----------
    counts : Counter
        For metrics: ``read``, ``rounds``, ``failed``.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        states: States,
        sought: Callable[[], Sought],
        tell: Callable[[str, Mapping[str, int]], None],
        warn: Callable[[str, EnlaceError], None],
        clock: Callable[[], float],
    ):
        self._jobs = JobRows(rows, JOB, clock)
        self._states = states
        self._make_sought = sought
        self._sought: Sought | None = None
        self._tell = tell
        self._warn = warn
        self._clock = clock
        self.counts: Counter[str] = Counter()

    def run(self, places: Sequence[Place], time_left: Callable[[], bool]) -> bool:
        """Go on with every place, while there is time.

        Returns
        -------
        bool
            Whether nothing is left to do now.

        Raises
        ------
        TemporaryFailure
            If the rows cannot be read.
        """
        known, done = self._jobs.all(), True
        # Those that have waited longest go first: none waits for ever.
        for place in sorted(places, key=lambda one: _began(known.get(one.spot.name))):
            try:
                done &= self._scan(place, known.get(place.spot.name), time_left)
            except Conflict:
                # Somebody took it over when the lease had ended.
                self.counts["leased"] += 1
            except EnlaceError as error:
                self.counts["failed"] += 1
                self._warn(place.spot.name, error)
                done = False
        return done

    def _scan(self, place: Place, row: Row | None, time_left: Callable[[], bool]) -> bool:
        row = row or self._jobs.new(place.spot.name)
        body = row.body
        if self._jobs.leased(row):
            self.counts["leased"] += 1
            return True
        if body.get("phase") != SCANNING:
            if body and self._age(body["began_at"]) < place.every_seconds:
                return True
            body = self._begun(body)
        if not time_left():
            return False
        row = self._jobs.save(row, body)
        while row.body["phase"] == SCANNING:
            if not time_left():
                self._jobs.save(row, row.body, lease=False)
                return False
            after = self._step(place, row.body)
            row = self._jobs.save(row, after, lease=after["phase"] == SCANNING)
        return True

    def _step(self, place: Place, body: Mapping[str, Any]) -> Mapping[str, Any]:
        sought = self._sought = self._sought or self._make_sought()
        page = place.page(body["cursor"], body["since"], body["began_at"])
        hits, read = Counter(body["hits"]), 0
        under: Counter[str] = Counter()
        for piece in page.pieces:
            read += 1
            hits.update(sought.found(piece, place.spot))
            under.update(sought.under(piece, place.spot))
        if residues := self._residues(sought, place.spot, under):
            hits[UNDER] += residues
        self.counts["read"] += read
        after = {**body, "cursor": page.cursor, "read": body["read"] + read, "hits": dict(hits)}
        if page.cursor:
            return after
        if hits:
            self._tell(place.spot.name, hits)
        self.counts["rounds"] += 1
        return {**after, "phase": DONE, "ended_at": self._now()}

    def _residues(self, sought: Sought, spot: Spot, under: Counter[str]) -> int:
        """How many items under erased addresses are not those of somebody new."""
        if not under:
            return 0
        # Looked up after the items were read: whoever has come meanwhile is there.
        states = self._states.get_states(under, consistent=True)
        return sum(
            count
            for key, count in under.items()
            if _is_residue(states.get(key), sought.addresses[key], spot)
        )

    def _begun(self, before: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "phase": SCANNING,
            "since": before.get("began_at", ""),
            "began_at": self._now(),
            "cursor": "",
            "read": 0,
            "hits": {},
        }

    def _now(self) -> str:
        return epoch_text(self._clock())

    def _age(self, moment: str) -> float:
        return self._clock() - datetime.fromisoformat(moment).timestamp()


def erased_addresses(rows: Rows) -> dict[str, str]:
    """Every address key of the journal, and the last moment up to which it was erased."""
    addresses: dict[str, str] = {}
    for row in rows.under(JOURNAL, ""):
        if row.sk != HEAD:
            before = row.body["erased_before"]
            for key in row.body["keys"]:
                addresses[key] = max(addresses.get(key, ""), before)
    return addresses


def _is_residue(state: IdentifierRecord | Tombstone | None, before: str, spot: Spot) -> bool:
    if isinstance(state, IdentifierRecord):
        return state.returned_after < before
    if state is not None and state.erased_before > before:
        # Whoever came after that is being erased as well.
        return False
    return spot.name != "IdentityTable"


def _began(row: Row | None) -> str:
    return str(row.body.get("began_at", "")) if row else ""
