"""What is on record of one erasure: how far it has come, what was counted, whose it is.

``request#<id>`` has ``saga`` (the phase, the lease), ``snapshot`` (the identifiers, sealed),
``step#<round>#<place>`` (what a place held) and ``located#…`` (ids that other places need).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, replace
from datetime import datetime
from typing import Any

from enlace.domain.erasure import HOLD_GROUND, Census, Kept, Subject, SubjectIdentifier
from enlace.domain.interaction import epoch_text
from enlace.errors import Conflict, EnlaceError, NotFound, TakenOver
from enlace.usecases.erasure_ports import Place, Seal
from enlace.usecases.rows import Row, Rows

#: Index partition of erasures under way, see :class:`enlace.usecases.rows.Row`.
QUEUE = "erasures"
#: Partition of legal holds.
HOLDS = "holds"
SAGA, SNAPSHOT, ERASING = "saga", "snapshot", "erasing"
#: Whoever holds an erasure for longer than a run may last is no more.
LEASE_SECONDS = 330
#: An item of DynamoDB has 400 KB.
_IDS_IN_A_ROW = 2000


class ErasureRows:
    """The rows of one erasure, as one run at it reads and writes them.

    Parameters
    ----------
    rows : Rows
    seal : Seal
    request_id : str
    clock : callable
        Seconds since the epoch.
    first, last : str
        The phase that an erasure begins with; those that end it.
    """

    def __init__(
        self,
        rows: Rows,
        seal: Seal,
        request_id: str,
        *,
        clock: Callable[[], float],
        first: str,
        ended: frozenset[str],
    ):
        self.id = request_id
        self._rows = rows
        self._seal = seal
        self._clock = clock
        self._ended = ended
        self._pk = pk_of(request_id)
        self._runner = uuid.uuid4().hex
        self._saga = rows.get(self._pk, SAGA) or Row(
            self._pk, SAGA, {"phase": first, "round": 1, "since": self.now(), "locked": []}
        )

    @property
    def body(self) -> Mapping[str, Any]:
        """How far it has come."""
        return self._saga.body

    @property
    def phase(self) -> str:
        """What is to be done next."""
        return str(self._saga.body["phase"])

    @property
    def round(self) -> int:
        """1, and one more for every release of a hold."""
        return int(self._saga.body["round"])

    @property
    def keys(self) -> list[str]:
        """The subject's address keys."""
        return list(self._saga.body["keys"])

    def now(self) -> str:
        """Contract time."""
        return epoch_text(self._clock())

    def after(self, seconds: float) -> str:
        """Contract time so many seconds from now."""
        return epoch_text(self._clock() + seconds)

    def age(self, moment: str) -> float:
        """Seconds since a contract time."""
        return self._clock() - datetime.fromisoformat(moment).timestamp()

    def busy(self) -> int:
        """Seconds until somebody else's lease ends, or until it is time; 0 to go on at once."""
        if self.body.get("lease_until", "") > self.now():
            return LEASE_SECONDS
        moment = self.body.get("not_before") or ""
        return int(-self.age(moment)) + 1 if moment > self.now() else 0

    def save(self, **changes: Any) -> None:
        """Enter how far it has come, and hold it for one more lease.

        Raises
        ------
        TakenOver
            If another run has it.
        """
        lease = self.after(LEASE_SECONDS)
        after = self._saga.with_body(**changes, lease_until=lease, runner=self._runner)
        ended = after.body["phase"] in self._ended
        # If this run dies, the lease's end is when somebody should look.
        self._write(replace(after, queue="" if ended else QUEUE, next_at="" if ended else lease))

    def release(self) -> None:
        """Let anybody go on from here, when it is time."""
        if self.phase in self._ended or self.body.get("runner") != self._runner:
            return
        free = self._saga.with_body(lease_until="")
        next_at = max(self.body.get("not_before") or "", self.now())
        try:
            self._write(replace(free, queue=QUEUE, next_at=next_at))
        except EnlaceError:
            # The lease runs out by itself.
            return

    def take(self, keys: Iterable[str]) -> bool:
        """Have addresses to itself: of two erasures of one person the second waits.

        In one order for everybody, so that no two wait for each other.
        """
        wanted = sorted(keys)
        self.save(locked=sorted({*self.body["locked"], *wanted}))
        for key in wanted:
            lock = self._rows.get(_lock(key), ERASING)
            if lock is None:
                self._put(Row(_lock(key), ERASING, {"request_id": self.id}))
            elif lock.body["request_id"] != self.id:
                return False
        return True

    def give_back(self) -> None:
        """Let others erase the addresses, and destroy the snapshot."""
        for key in self.body["locked"]:
            lock = self._rows.get(_lock(key), ERASING)
            if lock is not None and lock.body["request_id"] == self.id:
                self._rows.delete(_lock(key), ERASING)
        self._rows.delete(self._pk, SNAPSHOT)

    def keep(self, identifiers: Iterable[SubjectIdentifier]) -> None:
        """Keep the identifiers, sealed, for as long as the erasure takes."""
        text = json.dumps([astuple(one) for one in identifiers])
        known = self._rows.get(self._pk, SNAPSHOT)
        body = {"sealed": self._seal.seal(text, self.id)}
        self._put(Row(self._pk, SNAPSHOT, body, known.version if known else 0))

    def subject(self) -> Subject:
        """The subject as it is known by now; without values once the snapshot is destroyed."""
        snapshot = self._rows.get(self._pk, SNAPSHOT)
        if snapshot is not None:
            known = json.loads(self._seal.open(snapshot.body["sealed"], self.id))
            identifiers = tuple(SubjectIdentifier(*one) for one in known)
        else:
            identifiers = tuple(SubjectIdentifier(k, k.partition("#")[0], "") for k in self.keys)
        located: dict[str, tuple[str, ...]] = {}
        for row in self._rows.under(self._pk, "located#"):
            name = row.body["name"]
            located[name] = tuple(dict.fromkeys((*located.get(name, ()), *row.body["ids"])))
        return Subject(
            self.id,
            self.body["erased_before"],
            identifiers,
            tuple(self.body["customers"]),
            located,
            holds_of(self._rows, self.now()),
        )

    def count(self, place: Place, subject: Subject, *, round_: int = 0) -> None:
        """Write down what a place holds, once, before anything is deleted there."""
        if self.step(place, round_=round_) is not None:
            return
        census = place.census(subject)
        for name, ids in census.located.items():
            for number, at in enumerate(range(0, len(ids), _IDS_IN_A_ROW)):
                sk = f"located#{place.name}#{name}#{number:05d}"
                known = self._rows.get(self._pk, sk)
                part = {"name": name, "ids": list(ids[at : at + _IDS_IN_A_ROW])}
                self._put(Row(self._pk, sk, part, known.version if known else 0))
        body = {
            "found": census.found,
            "kept": [list(astuple(kept)) for kept in census.kept],
            "status": "open",
            "attempts": 0,
            "verified": False,
        }
        for kept in census.kept:
            # Whoever releases the hold finds the erasure that it kept something from.
            if kept.ground.startswith(HOLD_GROUND):
                self._mine_or_new(Row(_held(kept.ground.removeprefix(HOLD_GROUND)), self.id))
        self._put(Row(self._pk, _step_key(place, round_ or self.round), body))

    def step(self, place: Place, *, round_: int = 0) -> Row | None:
        """What is on record of a place in this round."""
        return self._rows.get(self._pk, _step_key(place, round_ or self.round))

    def enter(self, row: Row, **changes: Any) -> None:
        """Write something about a place."""
        self._put(row.with_body(**changes))

    def _put(self, row: Row) -> None:
        try:
            self._rows.put([row])
        except Conflict:
            self._mine(row)

    def _mine_or_new(self, row: Row) -> None:
        if self._rows.get(row.pk, row.sk) is None:
            self._put(row)

    def _write(self, after: Row) -> None:
        try:
            self._saga = self._rows.put([after])[0]
        except Conflict:
            self._saga = self._mine(after)

    def _mine(self, row: Row) -> Row:
        # An acknowledgement that was lost made the client write it again.
        found = self._rows.get(row.pk, row.sk)
        if found is None or found.body != row.body:
            raise TakenOver("another run has the erasure") from None
        return found


def census_of(step: Row) -> Census:
    """What was counted."""
    return Census(step.body["found"], tuple(Kept(*kept) for kept in step.body["kept"]))


def holds_of(rows: Rows, now: str) -> dict[tuple[str, str], str]:
    """Records that legal holds keep: place and record id to the hold's id."""
    held: dict[tuple[str, str], str] = {}
    for row in rows.under(HOLDS, ""):
        if row.body.get("released_at") or (row.body["until"] and row.body["until"] <= now):
            continue
        for place, record in row.body["records"]:
            held[place, record] = row.sk
    return held


def held_by(rows: Rows, hold_id: str) -> list[str]:
    """The requests whose erasure a hold kept something from."""
    return [row.sk for row in rows.under(_held(hold_id), "")]


def reopen(rows: Rows, request_id: str, phase: str, *, only_from: str, now: str) -> bool:
    """Begin another round of an erasure that has ended.

    Returns
    -------
    bool
        False where it has not: then it finds out by itself.

    Raises
    ------
    NotFound
        If there is no such erasure.
    """
    row = rows.get(pk_of(request_id), SAGA)
    if row is None:
        raise NotFound("no such erasure")
    if row.body["phase"] != only_from:
        return False
    after = row.with_body(phase=phase, round=row.body["round"] + 1, not_before="", lease_until="")
    rows.put([replace(after, queue=QUEUE, next_at=now)])
    return True


def pk_of(request_id: str) -> str:
    """The partition of a request."""
    return f"request#{request_id}"


def _held(hold_id: str) -> str:
    return f"hold#{hold_id}"


def _lock(key: str) -> str:
    return f"subject#{key}"


def _step_key(place: Place, round_: int) -> str:
    return f"step#{round_:02d}#{place.name}"
