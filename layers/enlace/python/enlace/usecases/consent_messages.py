"""The two messages that consent itself sends: one answers a stop, one asks for a yes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from enlace.domain import message_events
from enlace.domain.consent import CONFIRMATION, OPT_IN, ConsentRecord
from enlace.domain.envelope import AddressRef, Entry, Event
from enlace.domain.sender_channel import SenderChannels, answering
from enlace.usecases.consents import Answer
from enlace.usecases.double_opt_in import REQUEST_DAYS
from enlace.usecases.message_templates import language_of

#: Answers the first stop word.
CONFIRMED = "opt_out_confirmed"
#: Asks the address for its yes. The sender gives it ``confirm_url``: a link with the action
#: ``confirm`` for the message's address and channel, and the purpose that stands in its data.
CONFIRM_OPT_IN = "confirm_opt_in"
#: The confirmation must not come as a surprise a day later.
CONFIRM_SECONDS = 300


class ConsentMessages:
    """Builds the commands that senders obey.

    Parameters
    ----------
    channels : mapping
        The channels that there are senders for.
    now, later : callable
        The current contract time, and the one some seconds from now.
    source : str
        Who asks.
    """

    def __init__(
        self,
        channels: SenderChannels,
        *,
        now: Callable[[], str],
        later: Callable[[int], str],
        source: str,
    ):
        self._channels = channels
        self._now = now
        self._later = later
        self._source = source

    def opt_out(
        self,
        event: Event,
        body: Mapping[str, Any],
        point: AddressRef,
        record: ConsentRecord,
        holds: Answer,
    ) -> list[Entry]:
        """One answer to the first stop; who says it again has had it."""
        decided = holds.record or {}
        if decided.get("event_id") != record.event_id or decided["stopped_before"]:
            return []
        return self._ask(
            event, body, point, record, CONFIRMED, CONFIRMATION, self._later(CONFIRM_SECONDS)
        )

    def opt_in(
        self, event: Event, body: Mapping[str, Any], point: AddressRef, record: ConsentRecord
    ) -> list[Entry]:
        """The one question whether a yes is the address's own."""
        ends = self._later(REQUEST_DAYS * 24 * 3600)
        return self._ask(
            event, body, point, record, CONFIRM_OPT_IN, OPT_IN, ends, {"purpose": record.purpose}
        )

    def _ask(
        self,
        event: Event,
        body: Mapping[str, Any],
        point: AddressRef,
        record: ConsentRecord,
        template: str,
        purpose: str,
        expires_at: str,
        data: Mapping[str, str] | None = None,
    ) -> list[Entry]:
        channel = answering(point.kind, record.channel, self._channels)
        # On another channel it would be about something else than was said.
        if channel is None or channel.name != record.channel:
            return []
        return [
            message_events.send_message(
                message_id=message_events.message_id(record.event_id, template),
                customer_id=event.data["customer_id"],
                purpose=purpose,
                template=template,
                language=language_of(body.get("traits", {})),
                channel=channel.name,
                contact_point=point,
                data=data or {},
                expires_at=expires_at,
                occurred_at=record.occurred_at,
                recorded_at=self._now(),
                correlation_id=record.event_id,
                causation_id=event.event_id,
                source=self._source,
            )
        ]
