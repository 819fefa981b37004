"""Answers to interactions: whether there may be one, and the command that asks for it.

The answer to an interaction goes to the contact point it came from and to no
other address of the customer: what joins identifiers may rest on somebody's mere
word, and a message to "the same person" would then tell a stranger. Whether even
the contact point may be written to, :func:`enlace.domain.send_gate.may_address`
says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, Protocol

from enlace.domain import message_events
from enlace.domain.delivery import MessageRecord, State
from enlace.domain.envelope import AddressRef, Entry, Event
from enlace.domain.interaction import utc_text
from enlace.domain.send_gate import OWN_CHANNELS, TRANSACTIONAL, may_address
from enlace.domain.sender_channel import SenderChannel, SenderChannels, answering
from enlace.usecases.message_templates import language_of

#: An imported history must not write to people about what was long ago.
MESSAGE_TTL = timedelta(hours=24)


class Records(Protocol):
    """Records of messages."""

    def accept(self, message: MessageRecord) -> bool:
        """Enter a message that is asked for, or denied at once; False if it was known."""


class Answers:
    """Asks for answers.

    Parameters
    ----------
    channels : mapping
        The channels that there are senders for.
    same_channel : bool
        A phone that wrote by WhatsApp is answered by WhatsApp, and not by SMS.
    own_channels : collection of str
        Channels of the company's own systems; see :mod:`enlace.domain.send_gate`.
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self,
        records: Records,
        *,
        channels: SenderChannels,
        now: Callable[[], datetime],
        same_channel: bool = False,
        own_channels: Collection[str] = OWN_CHANNELS,
    ):
        self._records = records
        self._channels = channels
        self._same_channel = same_channel
        self._now = now
        self._own_channels = own_channels

    def denial(self, event: Event, body: dict[str, Any]) -> str:
        """Why the interaction's contact point may not be answered; "" if it may."""
        if self._channel(event) is None:
            return "no sender for this contact point kind"
        verdict = may_address(
            level=body["contact_point"]["level"],
            interaction_type=event.data["type"],
            channel=event.data["channel"],
            own_channels=self._own_channels,
        )
        if not verdict.allowed:
            return verdict.reason
        return "too long ago" if self._expires_at(event) <= utc_text(self._now()) else ""

    def ask(
        self,
        event: Event,
        body: dict[str, Any],
        template: str,
        data: dict[str, Any],
        denial: str,
    ) -> list[Entry]:
        """Enter the answer to an interaction; gives the command, unless it is denied.

        Parameters
        ----------
        event : Event
            ``interaction.recorded``.
        body : dict
            The interaction as the timeline keeps it.
        denial : str
            Why not; "" if it may be sent.
        """
        point = point_of(event)
        channel = self._channel(event)
        now = utc_text(self._now())
        message = MessageRecord(
            message_events.message_id(event.data["interaction_id"], template),
            State.DENIED if denial else State.ACCEPTED,
            template=template,
            purpose=TRANSACTIONAL,
            channel=channel.name if channel else "",
            customer_id=event.data["customer_id"],
            contact_kind=point.kind,
            contact_key=point.key,
            accepted_at=now,
            attempt=1,
            reason=denial,
            settled_at=now if denial else "",
        )
        self._records.accept(message)
        if denial:
            return []
        return [
            message_events.send_message(
                message_id=message.message_id,
                customer_id=message.customer_id,
                purpose=message.purpose,
                template=template,
                language=language_of(body.get("traits", {})),
                channel=message.channel,
                contact_point=point,
                data=data,
                expires_at=self._expires_at(event),
                occurred_at=event.data["occurred_at"],
                recorded_at=now,
                correlation_id=event.data["interaction_id"],
                causation_id=event.event_id,
            )
        ]

    def _channel(self, event: Event) -> SenderChannel | None:
        return answering(
            point_of(event).kind,
            event.data["channel"],
            self._channels,
            same=self._same_channel,
        )

    def _expires_at(self, event: Event) -> str:
        # A vendor's clock that runs ahead must not prolong it.
        since = min(datetime.fromisoformat(event.data["occurred_at"]), self._now())
        return utc_text(since + MESSAGE_TTL)


def point_of(event: Event) -> AddressRef:
    """The contact point of an ``interaction.recorded`` event."""
    point = event.data["contact_point"]
    return AddressRef(point["kind"], point["key"])
