"""Check every certificate of an erasure: that it is there, unaltered, signed, and in the chain.

The journal lists them by number, and its head names the last one. A round goes over all that
there were when it began; its row says how far it has come, and whoever comes after a crash
goes on there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from enlace.domain.certificate import NO_PREVIOUS, hash_of
from enlace.domain.interaction import epoch_text
from enlace.errors import Conflict
from enlace.usecases.certify_erasure import HEAD, JOURNAL, certificate_key
from enlace.usecases.job_rows import JobRows
from enlace.usecases.restore_hold import Marks
from enlace.usecases.rows import Row, Rows

JOB, ALL = "verify_certificates", "all"
CHECKING, DONE = "checking", "done"
#: From the beginning of a round to that of the next one; runs begin an hour apart.
EVERY_SECONDS = 23 * 3600
#: Certificates between two looks at the time.
_BATCH = 20
#: So many broken ones are named; there is one reason to look, whatever their number.
_NAMED = 50

# Why a certificate is none.
NO_ENTRY, MISSING, ALTERED, CHAIN, SIGNATURE = (
    "the journal lacks its entry",
    "it is missing",
    "it is not as the journal says",
    "it does not follow the one before it",
    "its signature does not hold",
)
#: Of the journal itself.
TRUNCATED = "the journal lacks its end"


class Verify(Protocol):
    """See :class:`enlace.aws.kms_keys.Verifier`."""

    def holds(self, message: bytes, value: str) -> bool: ...


class VerifyCertificates:
    """The use case.

    Parameters
    ----------
    rows : Rows
    verifier : Verify
        By the key of this deployment, whatever key a certificate names.
    marks : Marks
        Of a table: it knows of more erasures than a journal whose end was taken away.
    tell : callable
        ``(number, reason)``: of one that is broken; maybe twice.
    clock : callable
        Seconds since the epoch.

    Attributes
    ----------
    counts : Counter
        For metrics: ``checked``, ``broken``.
    """

    def __init__(
        self,
        rows: Rows,
        verifier: Verify,
        marks: Marks,
        *,
        tell: Callable[[int, str], None],
        clock: Callable[[], float],
    ):
        self._rows = rows
        self._jobs = JobRows(rows, JOB, clock)
        self._verifier = verifier
        self._marks = marks
        self._tell = tell
        self._clock = clock
        self.counts: Counter[str] = Counter()

    def run(self, time_left: Callable[[], bool]) -> bool:
        """Go on with the round, while there is time.

        Returns
        -------
        bool
            Whether nothing is left to do now.

        Raises
        ------
        TemporaryFailure
            If the table or KMS did not answer; the next run goes on.
        """
        row = self._jobs.all().get(ALL) or self._jobs.new(ALL)
        body = row.body
        if self._jobs.leased(row):
            return True
        if body.get("phase") != CHECKING:
            if body and self._age(body["began_at"]) < EVERY_SECONDS:
                return True
            body = self._begun()
        try:
            row = self._jobs.save(row, body)
            while row.body["phase"] == CHECKING:
                if not time_left():
                    self._jobs.save(row, row.body, lease=False)
                    return False
                after = self._step(row.body)
                row = self._jobs.save(row, after, lease=after["phase"] == CHECKING)
        except Conflict:
            # Somebody took it over when the lease had ended.
            return True
        return True

    def _begun(self) -> Mapping[str, Any]:
        head = self._rows.get(JOURNAL, HEAD)
        return {
            "phase": CHECKING,
            "began_at": epoch_text(self._clock()),
            "last": head.body["number"] if head else 0,
            "last_hash": head.body["hash"] if head else NO_PREVIOUS,
            "checked": 0,
            "previous": NO_PREVIOUS,
            "broken": [],
        }

    def _step(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        first, last = body["checked"] + 1, body["last"]
        previous, broken = body["previous"], list(body["broken"])
        number = first - 1
        for number in range(first, min(first + _BATCH, last + 1)):
            entry = self._rows.get(JOURNAL, f"{number:09d}")
            if reason := self._broken(number, entry, previous):
                self._note(broken, number, reason)
            # One that is broken does not make all after it look so.
            previous = entry.body["hash"] if entry else ""
            self.counts["checked"] += 1
        after = {**body, "checked": number, "previous": previous, "broken": broken}
        if number < last:
            return after
        done, all_ = self._marks.behind()
        # A table is told of an erasure right before the journal is.
        if previous != body["last_hash"] or done > all_ + 1:
            self._note(broken, last, TRUNCATED)
        return {**after, "phase": DONE, "ended_at": epoch_text(self._clock())}

    def _broken(self, number: int, entry: Row | None, previous: str) -> str:
        """Why one is broken; "" where it is not."""
        if entry is None:
            return NO_ENTRY
        pk, sk = f"request#{entry.body['request_id']}", certificate_key(entry.body["round"])
        row = self._rows.get(pk, sk)
        if row is None:
            return MISSING
        hash_ = hash_of(row.body)
        if hash_ != entry.body["hash"] or row.body.get("number") != number:
            return ALTERED
        if previous and row.body.get("previous_hash") != previous:
            return CHAIN
        value = (row.body.get("signature") or {}).get("value", "")
        return "" if self._verifier.holds(bytes.fromhex(hash_), value) else SIGNATURE

    def _note(self, broken: list[list[Any]], number: int, reason: str) -> None:
        self.counts["broken"] += 1
        self._tell(number, reason)
        if len(broken) < _NAMED:
            broken.append([number, reason])

    def _age(self, moment: str) -> float:
        return self._clock() - datetime.fromisoformat(moment).timestamp()
