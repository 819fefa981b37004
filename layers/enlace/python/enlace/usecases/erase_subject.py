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
from enlace.errors import TakenOver
from enlace.usecases import erasure_rows
from enlace.usecases.certify_erasure import Certifier, certificate_id
from enlace.usecases.erase_places import (
    CENSUS,
    CERTIFY,
    CLOSE,
    DONE,
    ERASE,
    FENCE,
    FIND,
    FIRST_RETRY_SECONDS,
    IDENTITY,
    NOTIFY,
    PARTIAL,
    VERIFY,
    ErasePlaces,
    Run,
    there,
)
from enlace.usecases.erasure_ports import ErasureRequest, Fence, Found, Place, Requests, Seal
from enlace.usecases.erasure_rows import LEASE_SECONDS, QUEUE, SAGA, ErasureRows, census_of
from enlace.usecases.rows import Rows

#: In-flight batches have ended by then: a queue's visibility and a minute (docs/privacy.md).
WAIT_SECONDS = 240
#: The last fence lies this far ahead, so that nothing is recorded between it and the tombstones.
MARGIN_SECONDS = 60
#: Restores reach back so far (DynamoDB's point-in-time recovery).
BACKUP_DAYS = 35
#: Phases after which nothing is done.
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
        self._seal = seal
        self._certifier = certifier
        self._tell = tell
        self._announce = announce
        self._clock = clock
        self._wait_seconds = wait_seconds
        # Where functions are done sooner, so are the tombstones.
        self._margin_seconds = min(MARGIN_SECONDS, wait_seconds)
        self._retry_seconds = min(FIRST_RETRY_SECONDS, wait_seconds)
        self.counts: Counter[str] = Counter()
        self._places = ErasePlaces(
            identity,
            places,
            processors,
            requests=requests,
            counts=self.counts,
            first_retry_seconds=self._retry_seconds,
        )
        self._phases: Mapping[str, Callable[[Run], int]] = {
            FIND: self._finding,
            FENCE: self._fencing,
            IDENTITY: self._forgetting,
            CENSUS: self._places.count,
            ERASE: self._places.erase,
            VERIFY: self._places.verify,
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
        run = Run(request, rows, time_left)
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

    def _finding(self, run: Run) -> int:
        found = self._find(run.request.identifier, run.request.whole_customer)
        identifiers = found.identifiers or (run.request.identifier,)
        keys = sorted(one.key for one in identifiers)
        if not run.rows.take(keys):
            run.rows.save(not_before=run.rows.after(self._retry_seconds))
            return self._retry_seconds
        run.rows.keep(identifiers)
        run.rows.save(phase=FENCE, keys=keys, customers=list(found.customer_ids))
        return 0

    def _fencing(self, run: Run) -> int:
        now = run.rows.now()
        self._fence.raise_at(run.rows.keys, now, run.request.request_id)
        # Once the wait is over, nobody remembers them.
        self._retire(run.rows.keys)
        self._requests.advance(run.request.request_id, "fenced")
        not_before = run.rows.after(self._wait_seconds)
        run.rows.save(phase=IDENTITY, fenced_at=now, not_before=not_before)
        return self._wait_seconds

    def _forgetting(self, run: Run) -> int:
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
        rows.enter(there(rows.step(self._identity, round_=1)), status="erased")
        rows.save(phase=CENSUS)
        return 0

    def _certifying(self, run: Run) -> int:
        rows = run.rows
        found = [
            (place.name, place.method, census_of(self._places.step(rows, place)))
            for place in self._places.all()
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

    def _notifying(self, run: Run) -> int:
        rows = run.rows
        if rows.round == 1:
            self._fence.lower(rows.keys)
            self._tell(run.request, rows.subject(), certificate_id(rows.id, rows.round))
        rows.save(phase=CLOSE)
        return 0

    def _closing(self, run: Run) -> int:
        rows = run.rows
        self._announce(rows.id, rows.body["customers"], rows.body["erased_before"])
        self._requests.forget(rows.id)
        self._requests.advance(rows.id, "completed")
        rows.give_back()
        rows.save(phase=DONE)
        self.counts["erasures_completed"] += 1
        return 0
