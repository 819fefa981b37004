"""The middle of an erasure: every place is counted once, erased until done, counted again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from enlace.errors import EnlaceError, NotFound
from enlace.usecases.erasure_ports import ErasureRequest, NotYet, Place, Requests
from enlace.usecases.erasure_rows import ErasureRows
from enlace.usecases.rows import Row

#: So long are processors asked, and people after that.
PROCESSOR_DAYS = 30
FIRST_RETRY_SECONDS = 60
_LONGEST_RETRY_SECONDS = 6 * 3600


FIND, FENCE, IDENTITY, CENSUS, ERASE, VERIFY, CERTIFY, NOTIFY, CLOSE = (
    *("find", "fence", "identity", "census", "erase"),
    *("verify", "certify", "notify", "close"),
)
DONE, PARTIAL = "done", "partial"


@dataclass(slots=True)
class Run:
    """One run at an erasure."""

    request: ErasureRequest
    rows: ErasureRows
    time_left: Callable[[], bool]


class ErasePlaces:
    """The phases ``census``, ``erase`` and ``verify``; each gives the seconds to wait.

    Parameters
    ----------
    identity : Place
        Is erased before, and counted again with the others.
    places, processors : sequence of Place
        See :class:`enlace.usecases.erase_subject.EraseSubject`.
    requests : Requests
    counts : Counter
        For metrics.
    first_retry_seconds : int
        After which a place that did not answer is asked again for the first time.
    """

    def __init__(
        self,
        identity: Place,
        places: Sequence[Place],
        processors: Sequence[Place],
        *,
        requests: Requests,
        counts: Counter[str],
        first_retry_seconds: int,
    ):
        self._identity = identity
        self._places = (*places, *processors)
        self._processors = frozenset(place.name for place in processors)
        self._requests = requests
        self._counts = counts
        self._retry_seconds = first_retry_seconds

    def all(self) -> tuple[Place, ...]:
        """Every place, that of identities first."""
        return self._identity, *self._places

    def step(self, rows: ErasureRows, place: Place) -> Row:
        """What was entered of a place.

        Raises
        ------
        NotFound
            If it was not counted.
        """
        # Identities are gone after the first round, and what its row says holds for all.
        return there(rows.step(place, round_=1 if place is self._identity else rows.round))

    def count(self, run: Run) -> int:
        """Count each place, and enter it."""
        for place in self._places:
            if not run.time_left():
                return 1
            run.rows.count(place, run.rows.subject())
        run.rows.save(phase=ERASE)
        return 0

    def erase(self, run: Run) -> int:
        """Erase each place, whatever becomes of the others."""
        rows, open_, not_yet = run.rows, list[str](), list[float]()
        subject = rows.subject()
        for place in self._places:
            step = rows.step(place)
            if step is None:
                # A place that this version knows and the last one did not.
                rows.save(phase=CENSUS)
                return 0
            if step.body["status"] == "erased":
                continue
            if not run.time_left():
                return 1
            try:
                done = place.erase(subject, run.time_left)
            except NotYet as error:
                rows.enter(step, reason=str(error))
                open_.append(place.name)
                not_yet.append(error.seconds)
                continue
            except EnlaceError as error:
                # The others need not wait for one that does not answer.
                rows.enter(step, attempts=step.body["attempts"] + 1, reason=str(error))
                self._counts["place_failures"] += 1
                open_.append(place.name)
                continue
            if not done:
                return 1
            rows.enter(step, status="erased", reason="")
            self._counts["places_erased"] += 1
        if open_:
            # Who says how long is asked then, and not counted as one that did not answer.
            told = max(not_yet) if len(not_yet) == len(open_) else 0.0
            return self._wait_for(run, open_, told)
        self._requests.advance(rows.id, "verifying")
        rows.save(phase=VERIFY, not_before="")
        return 0

    def _wait_for(self, run: Run, open_: Sequence[str], told: float) -> int:
        rows = run.rows
        outside = self._processors.issuperset(open_)
        if outside and rows.age(rows.body["fenced_at"]) > PROCESSOR_DAYS * 86_400:
            reason = f"no answer in {PROCESSOR_DAYS} days: {', '.join(open_)}"
            self._requests.advance(rows.id, "partial", reason=reason)
            rows.save(phase=PARTIAL)
            self._counts["erasures_partial"] += 1
            return 0
        if outside:
            self._requests.advance(rows.id, "awaiting_processors")
        if told:
            rows.save(not_before=rows.after(ceil(told)))
            return ceil(told)
        tries = rows.body.get("tries", 0)
        wait: int = min(self._retry_seconds << min(tries, 12), _LONGEST_RETRY_SECONDS)
        rows.save(tries=tries + 1, not_before=rows.after(wait))
        return wait

    def verify(self, run: Run) -> int:
        """Count again: nothing is left but what is kept."""
        rows, subject = run.rows, run.rows.subject()
        for place in self.all():
            step = self.step(rows, place)
            if step.body.get("verified"):
                continue
            if not run.time_left():
                return 1
            census = place.census(subject)
            residue = census.found - census.retained
            if residue:
                return self._again(run, place, step, residue)
            rows.enter(step, verified=True)
        rows.save(phase=CERTIFY)
        return 0

    def _again(self, run: Run, place: Place, step: Row, residue: int) -> int:
        """Something came late: erase it as well, and certify it."""
        if step.body["status"] == "erased":
            run.rows.enter(step, status="open", found=step.body["found"] + residue)
            self._counts["residues"] += residue
        late = run.rows.body.get("late", 0) + 1
        wait = 0 if late < 3 else self._retry_seconds
        phase = IDENTITY if place is self._identity else ERASE
        run.rows.save(phase=phase, late=late, not_before=run.rows.after(wait))
        return wait


def there(row: Row | None) -> Row:
    """A row that must be there; raises ``NotFound``."""
    if row is None:
        raise NotFound("the place was not counted")
    return row
