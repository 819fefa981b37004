"""A queue behind a rule of the bus: each message an event, failures one by one.

powertools' BatchProcessor does the partial batch response; it costs about a
tenth of what importing boto3 does. Added here: reading the envelope, logging
why with ids only, and stopping in time. A function that is cut off in the middle
of a provider's call leaves a message of which nobody knows whether it went out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

from enlace.domain.envelope import Event, read_event
from enlace.errors import EnlaceError, InvalidInteraction, InvalidPayload, TemporaryFailure


class Log(Protocol):
    """:class:`enlace.logs.Logger` is one."""

    request_id: str | None

    def __call__(self, level: str, message: str, **fields: str | int | float | None) -> None:
        """Write a line."""


class BusConsumer:
    """A Lambda handler for a queue of events.

    Parameters
    ----------
    handle : callable
        Takes an event; what it returns is logged as ``result`` if it is text.
    log : Log
    reserve_ms : int
        What must be left of the function's time to begin with another message.
    """

    def __init__(
        self, handle: Callable[[Event], str | None], log: Log, *, reserve_ms: int = 15_000
    ):
        self._handle = handle
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
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        with processor(event["Records"], self._one):
            processor.process()
        return dict(processor.response())

    def _one(self, record: Any) -> None:
        name: str | None = None
        event_id: str | None = None
        try:
            if not self.time_left():
                raise TemporaryFailure("not enough time left in this run")
            event = read_event(record.body)
            name, event_id = event.name, event.event_id
            result = self._handle(event)
        except (InvalidPayload, InvalidInteraction) as error:
            # It will end in the dead-letter queue, where the reason is wanted.
            self._log("error", "poison", reason=str(error), event=name, event_id=event_id)
            raise
        except EnlaceError as error:
            self._log(
                "warning",
                "try again",
                error=type(error).__name__,
                reason=str(error),
                event=name,
                event_id=event_id,
            )
            raise
        except Exception as error:
            # The text of a foreign exception may quote what it choked on.
            self._log("error", "bug", error=type(error).__name__, event=name, event_id=event_id)
            raise
        self._log("info", "done", event=name, event_id=event_id, result=result)
