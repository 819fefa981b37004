"""The clock of data subjects' requests: alerts before a deadline, and nothing left lying."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from enlace.domain.interaction import utc_text
from enlace.domain.privacy_request import CLOSED, VERIFIED, PrivacyPolicy
from enlace.errors import Conflict, EnlaceError
from enlace.usecases.request_rows import QUEUE, REQUEST
from enlace.usecases.rows import Row, Rows

_PAGE = 50
#: When a verified request that is not under way is looked at again.
AGAIN = timedelta(hours=1)


class PrivacyDeadlines:
    """The use case; whatever it does is written on the request, so a repetition does nothing.

    Parameters
    ----------
    rows : Rows
    policy : PrivacyPolicy
    warn : callable
        ``(request_id, percent, deadline)``: tells people.
    go_on, hand_over : callable
        Takes a verified request further whose first attempt was lost; of an erasure, hands it
        to whoever erases.
    now : callable
        The current time, with a zone.

    Attributes
    ----------
    counts : Counter
        For metrics: alerts by percent, and requests that ``failed`` to be taken further.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        policy: PrivacyPolicy,
        warn: Callable[[str, int, str], None],
        go_on: Callable[[str], None],
        hand_over: Callable[[str], None],
        now: Callable[[], datetime],
    ):
        self._rows = rows
        self._policy = policy
        self._warn = warn
        self._go_on = go_on
        self._hand_over = hand_over
        self._now = now
        self.counts: Counter[str] = Counter()

    def run(self, time_left: Callable[[], bool] = lambda: True) -> int:
        """Look at every request that is due; gives how many there were.

        Raises
        ------
        EnlaceError
            If one could not be taken further, once the others of its page were looked at;
            the next run goes on.
        """
        done = 0
        while time_left():
            due = self._rows.due(QUEUE, utc_text(self._now()), _PAGE)
            if not due:
                break
            failed: EnlaceError | None = None
            for row in due:
                # The index may lag behind: the request itself says what is due.
                known = self._rows.get(row.pk, REQUEST)
                try:
                    if known is not None:
                        self._look(known)
                        done += 1
                except EnlaceError as error:
                    # What is wrong with one request must not stop the clock of the others.
                    self.counts["failed"] += 1
                    failed = error
            if failed is not None:
                raise failed
            if len(due) < _PAGE:
                break
        return done

    def _look(self, row: Row) -> None:
        body, now = row.body, utc_text(self._now())
        if body["state"] in CLOSED:
            self._put(replace(row, next_at=""))
            return
        alerts = self._policy.alerts(body["received_at"], body["deadline"])
        passed = [percent for percent, at in alerts if at <= now]
        for percent in passed:
            if percent not in body["alerts"]:
                self._warn(body["request_id"], percent, body["deadline"])
                self.counts[f"deadline_{percent}"] += 1
        if body["state"] == VERIFIED:
            further = self._hand_over if body["type"] == "erasure" else self._go_on
            further(body["request_id"])
            row = self._rows.get(row.pk, REQUEST) or row
        ahead = [at for _, at in alerts if at > now]
        if row.body["state"] == VERIFIED:
            # Not under way yet: the call that verified it was lost, or what erases is behind.
            ahead.append(utc_text(self._now() + AGAIN))
        self._put(replace(row.with_body(alerts=passed), next_at=min(ahead, default="")))

    def _put(self, row: Row) -> None:
        try:
            self._rows.put([row])
        except Conflict:
            # Somebody does something about it at this moment: the next run looks again.
            return
