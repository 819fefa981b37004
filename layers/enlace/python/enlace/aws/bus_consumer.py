"""A queue behind a rule of the bus: each message an event, failures one by one.

The loop is powertools' BatchProcessor in a few lines. That one imports every data
class of powertools with it, 0.3 of what importing boto3 costs, which took
dispatch_message over its budget of 1.9; and it knows neither how much time is
left nor which error texts may be logged. A function that is cut off in the middle
of a provider's call leaves a message of which nobody knows whether it went out.

Source: AWS Lambda developer guide, "Reporting batch item failures" (checked 2026-11-22).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from enlace.domain.envelope import Event, read_event
from enlace.errors import EnlaceError, InvalidInteraction, InvalidPayload, TemporaryFailure


class Log(Protocol):
    """:class:`enlace.logs.Logger` is one."""

    request_id: str | None

    def __call__(self, level: str, message: str, **fields: str | int | float | None) -> None:
        """Write a line."""


class Hold(Protocol):
    """See :class:`enlace.usecases.restore_hold.RestoreHold`."""

    def check(self) -> None:
        """Return where traffic may go on; raises TemporaryFailure where it may not."""


class BusConsumer:
    """A Lambda handler for a queue of events.

    Parameters
    ----------
    handle : callable
        Takes an event; what it returns is logged as ``result`` if it is text.
    log : Log
    reserve_ms : int
        What must be left of the function's time to begin with another message.
    hold : Hold, optional
        Asked before every message.
    """

    def __init__(
        self,
        handle: Callable[[Event], str | None],
        log: Log,
        *,
        reserve_ms: int = 15_000,
        hold: Hold | None = None,
    ):
        self._handle = handle
        self._hold = hold
        self._log = log
        self._reserve_ms = reserve_ms
        self._context: Any = None

    def time_left(self) -> bool:
        """Whether enough of the function's time is left to begin something."""
        context = self._context
        return context is None or context.get_remaining_time_in_millis() >= self._reserve_ms

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Handle a batch; gives the identifiers of the messages to deliver again."""
        self._log.request_id = getattr(context, "aws_request_id", None)
        self._context = context
        failed = [r["messageId"] for r in event["Records"] if not self._one(r["body"])]
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}

    def _one(self, body: str) -> bool:
        # Whether it is done with; the reason why not is logged here.
        name: str | None = None
        event_id: str | None = None
        try:
            if not self.time_left():
                raise TemporaryFailure("not enough time left in this run")
            if self._hold is not None:
                self._hold.check()
            event = read_event(body)
            name, event_id = event.name, event.event_id
            result = self._handle(event)
        except (InvalidPayload, InvalidInteraction) as error:
            # It will end in the dead-letter queue, where the reason is wanted.
            self._log("error", "poison", reason=str(error), event=name, event_id=event_id)
            return False
        except EnlaceError as error:
            self._log(
                "warning",
                "try again",
                error=type(error).__name__,
                reason=str(error),
                event=name,
                event_id=event_id,
            )
            return False
        except Exception as error:
            # The text of a foreign exception may quote what it choked on.
            self._log("error", "bug", error=type(error).__name__, event=name, event_id=event_id)
            return False
        self._log("info", "done", event=name, event_id=event_id, result=result)
        return True
