"""Brings messages back at a later time: one-time schedules of EventBridge Scheduler.

A schedule's name is made from what it is for, so setting it again is setting it once; it
deletes itself after it has fired. It puts onto the dispatcher's queue what a rule of the
bus would put there.

Source: EventBridge Scheduler user guide, "One-time schedules" and "Deletion after schedule
completion" (checked 2026-11-23).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.domain.message_events import dispatch_message
from enlace.errors import TemporaryFailure

#: Its own source: what comes back was not said by whoever first asked.
SOURCE = "enlace.dispatch_message"


class Schedules:
    """Implements :class:`enlace.usecases.message_ports.Alarms`.

    Parameters
    ----------
    make_client : callable
        Makes the botocore client at the first use: most messages never wait.
    group : str
        Schedule group.
    queue_arn : callable
        Purpose to the ARN of the queue that its messages wait in.
    role_arn : str
        Lets the schedule send to those queues.
    """

    def __init__(
        self,
        make_client: Callable[[], Any],
        *,
        group: str,
        queue_arn: Callable[[str], str],
        role_arn: str,
    ):
        self._make_client = make_client
        self._client: Any = None
        self._group = group
        self._queue_arn = queue_arn
        self._role_arn = role_arn

    def set(self, message_id: str, *, purpose: str, cause: str, attempt: int, at: str) -> None:
        """See :class:`enlace.usecases.message_ports.Alarms`."""
        entry = dispatch_message(
            message_id=message_id,
            purpose=purpose,
            cause=cause,
            attempt=attempt,
            source=SOURCE,
            at=at,
        )
        event = {
            "source": entry.source,
            "detail-type": entry.detail_type,
            "detail": json.loads(entry.detail),
        }
        if self._client is None:
            self._client = self._make_client()
        moment = at[:19]
        name = f"{message_id}-{attempt}-{cause}-{moment.translate(_ONLY_DIGITS)}"
        try:
            self._client.create_schedule(
                Name=name,
                GroupName=self._group,
                ClientToken=entry.event_id,
                ScheduleExpression=f"at({moment})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._queue_arn(purpose),
                    "RoleArn": self._role_arn,
                    "Input": json.dumps(event, separators=(",", ":")),
                },
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code != "ConflictException":
                raise TemporaryFailure(f"scheduler.create_schedule: {code}") from error
        except BotoCoreError as error:
            raise TemporaryFailure(f"scheduler.create_schedule: {type(error).__name__}") from error


_ONLY_DIGITS = {ord(letter): None for letter in "-:T"}
