"""The erasure of a subject, as a saga: what was begun is finished, whoever crashes when.

How far it has come is written down after every phase, and every phase may be repeated.
Each place is counted before anything is deleted there, and the count is written once: so
whoever resumes deletes what is left, and certifies what there was.
:mod:`enlace.domain.erasure` tells why the order is as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.interaction import epoch_text
from enlace.errors import EnlaceError, NotFound, TakenOver
from enlace.usecases import erasure_rows
from enlace.usecases.certify_erasure import Certifier, certificate_id
from enlace.usecases.erasure_ports import ErasureRequest, Fence, Found, Place, Requests, Seal
from enlace.usecases.erasure_rows import LEASE_SECONDS, QUEUE, SAGA, ErasureRows, census_of
from enlace.usecases.rows import Row, Rows

#: In-flight batches have ended by then: a queue's visibility and a minute (docs/privacy.md).
WAIT_SECONDS = 240
#: The last fence lies this far ahead, so that nothing is recorded between it and the tombstones.
MARGIN_SECONDS = 60
#: So long are processors asked, and people after that.
PROCESSOR_DAYS = 30
#: Restores reach back so far (DynamoDB's point-in-time recovery).
BACKUP_DAYS = 35
_FIRST_RETRY_SECONDS = 60
_LONGEST_RETRY_SECONDS = 6 * 3600

FIND, FENCE, IDENTITY, CENSUS, ERASE, VERIFY, CERTIFY, NOTIFY, CLOSE = (
    *("find", "fence", "identity", "census", "erase"),
    *("verify", "certify", "notify", "close"),
)
DONE, PARTIAL = "done", "partial"
ENDED = frozenset({DONE, PARTIAL})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    Parameters
    ----------
    phase : str
    again_in : int
        Seconds until it is worth going on; 0 when there is nothing more to do.
    """

    phase: str
    again_in: int = 0


@dataclass(slots=True)
class _Run:
    request: ErasureRequest
    rows: ErasureRows
    time_left: Callable[[], bool]


class EraseSubject:
    """The saga.

    Parameters
    ----------
    rows : Rows
    requests : Requests
    find : callable
        ``(identifier, whole_customer)`` to :class:`Found`.
    fence : Fence
    retire : callable
        ``(address keys)``: from then on nothing is written for them under the subject's data
        keys, see :class:`enlace.aws.subject_keys.SubjectKeys`.
    identity : Place
        Goes first: from then on nobody is known by the identifiers.
    places, processors : sequence of Place
        In this order; processors are outside, and may not answer for weeks.
    seal : Seal
    certifier : Certifier
    tell : callable
        ``(request, subject, certificate id)``: tells the subject that it is done; may be
        repeated.
    announce : callable
        ``(request_id, customer ids, occurred_at)``: publishes ``customer.erased``.
    clock : callable
        Seconds since the epoch.
    wait_seconds : int
        Between the fence and what follows.

    Attributes
    ----------
    counts : Counter
        For metrics: what the runs did.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        requests: Requests,
        find: Callable[[SubjectIdentifier, bool], Found],
        fence: Fence,
        identity: Place,
        places: Sequence[Place],
        processors: Sequence[Place] = (),
        seal: Seal,
        certifier: Certifier,
        tell: Callable[[ErasureRequest, Subject, str], None],
        announce: Callable[[str, Sequence[str], str], None],
        clock: Callable[[], float],
        wait_seconds: int = WAIT_SECONDS,
        retire: Callable[[Sequence[str]], None] = lambda keys: None,
    ):
        self._rows = rows
        self._requests = requests
        self._find = find
        self._fence = fence
        self._retire = retire
        self._identity = identity
        self._places = (*places, *processors)
        self._processors = frozenset(place.name for place in processors)
        self._seal = seal
        self._certifier = certifier
        self._tell = tell
        self._announce = announce
        self._clock = clock
        self._wait_seconds = wait_seconds
        # Where functions are done sooner, so are the tombstones.
        self._margin_seconds = min(MARGIN_SECONDS, wait_seconds)
        self._retry_seconds = min(_FIRST_RETRY_SECONDS, wait_seconds)
        self.counts: Counter[str] = Counter()
        self._phases: Mapping[str, Callable[[_Run], int]] = {
            FIND: self._finding,
            FENCE: self._fencing,
            IDENTITY: self._forgetting,
            CENSUS: self._counting,
            ERASE: self._erasing,
            VERIFY: self._verifying,
            CERTIFY: self._certifying,
            NOTIFY: self._notifying,
            CLOSE: self._closing,
        }

    def run(self, request_id: str, time_left: Callable[[], bool] = lambda: True) -> Outcome:
        """Go on with an erasure, while there is time.

        Raises
        ------
        NotFound
            If there is no verified erasure of this id.
        TemporaryFailure
            If a service did not do its part; run it again.
        """
        rows = ErasureRows(
            self._rows, self._seal, request_id, clock=self._clock, first=FIND, ended=ENDED
        )
        if rows.phase in ENDED:
            return Outcome(rows.phase)
        request = self._requests.erasure(request_id)
        if wait := rows.busy():
            return Outcome(rows.phase, wait)
        run = _Run(request, rows, time_left)
        try:
            rows.save()
            while rows.phase not in ENDED:
                wait = self._phases[rows.phase](run)
                if wait or not time_left():
                    return Outcome(rows.phase, 0 if rows.phase in ENDED else max(wait, 1))
            return Outcome(rows.phase)
        except TakenOver:
            return Outcome(rows.phase, LEASE_SECONDS)
        finally:
            rows.release()

    def overdue(self, limit: int = 25) -> list[str]:
        """Erasures that somebody has to go on with: whose message was lost, or came to nothing."""
        rows = self._rows.due(QUEUE, epoch_text(self._clock()), limit)
        return [row.pk.partition("#")[2] for row in rows if row.sk == SAGA]

    def reopen(self, request_id: str) -> bool:
        """Begin another round, for what a legal hold kept; see :func:`erasure_rows.reopen`."""
        now = epoch_text(self._clock())
        return erasure_rows.reopen(self._rows, request_id, CENSUS, only_from=DONE, now=now)

    # Each phase gives the seconds to wait before the next; 0 to go on at once.

    def _finding(self, run: _Run) -> int:
        found = self._find(run.request.identifier, run.request.whole_customer)
        identifiers = found.identifiers or (run.request.identifier,)
        keys = sorted(one.key for one in identifiers)
        if not run.rows.take(keys):
            run.rows.save(not_before=run.rows.after(self._retry_seconds))
            return self._retry_seconds
        run.rows.keep(identifiers)
        run.rows.save(phase=FENCE, keys=keys, customers=list(found.customer_ids))
        return 0

    def _fencing(self, run: _Run) -> int:
        now = run.rows.now()
        self._fence.raise_at(run.rows.keys, now, run.request.request_id)
        # Once the wait is over, nobody remembers them.
        self._retire(run.rows.keys)
        self._requests.advance(run.request.request_id, "fenced")
        not_before = run.rows.after(self._wait_seconds)
        run.rows.save(phase=IDENTITY, fenced_at=now, not_before=not_before)
        return self._wait_seconds

    def _forgetting(self, run: _Run) -> int:
        rows = run.rows
        if not rows.body.get("erased_before"):
            rows.save(erased_before=rows.after(self._margin_seconds))
        self._fence.raise_at(rows.keys, rows.body["erased_before"], rows.id)
        subject = rows.subject()
        rows.count(self._identity, subject, round_=1)
        self._requests.advance(rows.id, "running")
        if not self._identity.erase(subject, run.time_left):
            return 1
        if rows.now() > rows.body["erased_before"]:
            # It took longer than was thought: what was recorded meanwhile goes as well.
            later = rows.after(self._margin_seconds)
            self._fence.raise_at(rows.keys, later, rows.id)
            rows.save(erased_before=later)
        rows.enter(_there(rows.step(self._identity, round_=1)), status="erased")
        rows.save(phase=CENSUS)
        return 0

    def _counting(self, run: _Run) -> int:
        for place in self._places:
            if not run.time_left():
                return 1
            run.rows.count(place, run.rows.subject())
        run.rows.save(phase=ERASE)
        return 0

    def _erasing(self, run: _Run) -> int:
        rows, open_ = run.rows, []
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
            except EnlaceError as error:
                # The others need not wait for one that does not answer.
                rows.enter(step, attempts=step.body["attempts"] + 1, reason=str(error))
                self.counts["place_failures"] += 1
                open_.append(place.name)
                continue
            if not done:
                return 1
            rows.enter(step, status="erased", reason="")
            self.counts["places_erased"] += 1
        if open_:
            return self._wait_for(run, open_)
        self._requests.advance(rows.id, "verifying")
        rows.save(phase=VERIFY, not_before="")
        return 0

    def _wait_for(self, run: _Run, open_: Sequence[str]) -> int:
        rows = run.rows
        outside = self._processors.issuperset(open_)
        if outside and rows.age(rows.body["fenced_at"]) > PROCESSOR_DAYS * 86_400:
            reason = f"no answer in {PROCESSOR_DAYS} days: {', '.join(open_)}"
            self._requests.advance(rows.id, "partial", reason=reason)
            rows.save(phase=PARTIAL)
            self.counts["erasures_partial"] += 1
            return 0
        if outside:
            self._requests.advance(rows.id, "awaiting_processors")
        tries = rows.body.get("tries", 0)
        wait: int = min(self._retry_seconds << min(tries, 12), _LONGEST_RETRY_SECONDS)
        rows.save(tries=tries + 1, not_before=rows.after(wait))
        return wait

    def _verifying(self, run: _Run) -> int:
        rows, subject = run.rows, run.rows.subject()
        for place in (self._identity, *self._places):
            step = self._step(rows, place)
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

    def _again(self, run: _Run, place: Place, step: Row, residue: int) -> int:
        """Something came late: erase it as well, and certify it."""
        if step.body["status"] == "erased":
            run.rows.enter(step, status="open", found=step.body["found"] + residue)
            self.counts["residues"] += residue
        late = run.rows.body.get("late", 0) + 1
        wait = 0 if late < 3 else self._retry_seconds
        phase = IDENTITY if place is self._identity else ERASE
        run.rows.save(phase=phase, late=late, not_before=run.rows.after(wait))
        return wait

    def _certifying(self, run: _Run) -> int:
        rows = run.rows
        found = [
            (place.name, place.method, census_of(self._step(rows, place)))
            for place in (self._identity, *self._places)
        ]
        self._certifier(
            rows.id,
            round_=rows.round,
            keys=rows.keys,
            places=found,
            erased_before=rows.body["erased_before"],
            backup_expires_at=rows.after(BACKUP_DAYS * 86_400),
        )
        rows.save(phase=NOTIFY)
        return 0

    def _notifying(self, run: _Run) -> int:
        rows = run.rows
        if rows.round == 1:
            self._fence.lower(rows.keys)
            self._tell(run.request, rows.subject(), certificate_id(rows.id, rows.round))
        rows.save(phase=CLOSE)
        return 0

    def _closing(self, run: _Run) -> int:
        rows = run.rows
        self._announce(rows.id, rows.body["customers"], rows.body["erased_before"])
        self._requests.forget(rows.id)
        self._requests.advance(rows.id, "completed")
        rows.give_back()
        rows.save(phase=DONE)
        self.counts["erasures_completed"] += 1
        return 0

    def _step(self, rows: ErasureRows, place: Place) -> Row:
        # Identities are gone after the first round, and what its row says holds for all.
        return _there(rows.step(place, round_=1 if place is self._identity else rows.round))


def _there(row: Row | None) -> Row:
    if row is None:
        raise NotFound("the place was not counted")
    return row
