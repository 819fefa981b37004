"""Decide what an interaction calls for: a case, a message, and to whom.

The answer to an interaction goes to the contact point it came from and to no
other address of the customer: what joins identifiers may rest on somebody's mere
word, and a message to "the same person" would then tell a stranger. Whether even
the contact point may be written to, :func:`enlace.domain.send_gate.may_address`
says.

Everything here may be repeated: the case is found again by its interaction, the
message and the events have ids made from their cause.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from enlace.domain import events
from enlace.domain.delivery import MessageRecord, State
from enlace.domain.envelope import AddressRef, Entry, Event
from enlace.domain.interaction import utc_text
from enlace.domain.protocol import format_protocol, normalise_protocol
from enlace.domain.purchase import validate_purchase
from enlace.domain.send_gate import CHANNEL_OF_KIND, OWN_CHANNELS, TRANSACTIONAL, may_address
from enlace.domain.service import nature_of
from enlace.errors import InvalidInteraction, InvalidPayload, TemporaryFailure
from enlace.usecases.follow_reports import REPORTS, Reports, follow_report
from enlace.usecases.message_templates import language_of

PROTOCOL_OPENED = "protocol_opened"
ORDER_CONFIRMATION = "order_confirmation"

#: An imported history must not write to people about what was long ago.
MESSAGE_TTL = timedelta(hours=24)


class Timeline(Protocol):
    """Recorded interactions."""

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The stored body of one interaction."""


class OpenedCase(Protocol):
    """A case; :class:`enlace.aws.case_table.Case` is one."""

    @property
    def protocol(self) -> str:
        """Its number."""

    @property
    def contact_key(self) -> str:
        """Address key of its contact point."""


class Cases(Protocol):
    """Service cases."""

    def open(
        self,
        *,
        contact_key: str,
        contact_kind: str,
        interaction_id: str,
        customer_id: str,
        nature: str,
        opened_at: str,
    ) -> OpenedCase:
        """Open the interaction's case, or find it again."""

    def find(self, protocol: str) -> OpenedCase | None:
        """The case of a number."""


class Messages(Reports, Protocol):
    """Records of messages."""

    def accept(self, message: MessageRecord) -> None:
        """Enter a message that is asked for, or denied at once."""


class Publisher(Protocol):
    """The bus."""

    def publish(self, entries: Sequence[Entry]) -> Collection[int] | None:
        """Publish; gives the positions that were not accepted."""


class Dispatch:
    """The dispatch use case.

    Parameters
    ----------
    own_channels : collection of str
        Channels of the company's own systems; see :mod:`enlace.domain.send_gate`.
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self,
        *,
        timeline: Timeline,
        cases: Cases,
        messages: Messages,
        bus: Publisher,
        now: Callable[[], datetime],
        own_channels: Collection[str] = OWN_CHANNELS,
    ):
        self._timeline = timeline
        self._cases = cases
        self._messages = messages
        self._bus = bus
        self._now = now
        self._own_channels = own_channels

    def __call__(self, event: Event) -> str:
        """Handle one ``interaction.recorded`` event.

        Returns
        -------
        str
            What was done, for the log.

        Raises
        ------
        InvalidPayload
            If the event is another one or lacks a field.
        TemporaryFailure
            If a table or the bus did not do its part.
        """
        if event.name != events.INTERACTION_RECORDED or event.major != 1:
            raise InvalidPayload("not an interaction.recorded.v1 event")
        try:
            type_ = event.data["type"]
            if type_ in REPORTS:
                return follow_report(event, self._body(event), self._messages)
            if event.data["direction"] != "inbound":
                return "nothing: outbound"
            if type_ == "complaint.opened":
                return self._complaint(event)
            if type_ == "order.placed":
                return self._order(event)
        except KeyError as error:
            raise InvalidPayload(f"interaction.recorded: {error} is missing") from None
        return "nothing: not a type that is answered"

    def _complaint(self, event: Event) -> str:
        body = self._body(event)
        point = _point(event)
        # Another system's number, and another contact point's, are not followed:
        # whoever names a protocol has not shown that it is theirs.
        known = normalise_protocol(event.data.get("protocol") or "")
        if known and (case := self._cases.find(known)) and case.contact_key == point.key:
            return "nothing: its case is open"
        nature = nature_of(body.get("data", {})) or "complaint"
        case = self._cases.open(
            contact_key=point.key,
            contact_kind=point.kind,
            interaction_id=event.data["interaction_id"],
            customer_id=event.data["customer_id"],
            nature=nature,
            opened_at=event.data["occurred_at"],
        )
        opened = events.case_opened(
            protocol=case.protocol,
            customer_id=event.data["customer_id"],
            contact_point=point,
            interaction_id=event.data["interaction_id"],
            nature=nature,
            occurred_at=event.data["occurred_at"],
            recorded_at=utc_text(self._now()),
            causation_id=event.event_id,
        )
        data = {"protocol": format_protocol(case.protocol)}
        return self._ask(event, body, PROTOCOL_OPENED, data, [opened])

    def _order(self, event: Event) -> str:
        body = self._body(event)
        try:
            order = validate_purchase(body.get("data", {}))
        except InvalidInteraction:
            order = validate_purchase({})
        if order.order_id is None or order.amount_minor is None:
            return self._ask(event, body, ORDER_CONFIRMATION, None, [])
        data = {
            "order_id": order.order_id[:64],
            "amount_minor": order.amount_minor,
            "currency": order.currency,
        }
        return self._ask(event, body, ORDER_CONFIRMATION, data, [])

    def _ask(
        self,
        event: Event,
        body: dict[str, Any],
        template: str,
        data: dict[str, Any] | None,
        entries: list[Entry],
    ) -> str:
        point = _point(event)
        occurred_at = event.data["occurred_at"]
        # A vendor's clock that runs ahead must not prolong it.
        since = min(datetime.fromisoformat(occurred_at), self._now())
        expires_at = utc_text(since + MESSAGE_TTL)
        denial = self._denial(event, body, data, expires_at)
        message = MessageRecord(
            events.message_id(event.data["interaction_id"], template),
            State.DENIED if denial else State.ACCEPTED,
            template=template,
            purpose=TRANSACTIONAL,
            channel=CHANNEL_OF_KIND.get(point.kind, ""),
            customer_id=event.data["customer_id"],
            contact_key=point.key,
            reason=denial,
        )
        self._messages.accept(message)
        if not denial:
            entries.append(
                events.send_message(
                    message_id=message.message_id,
                    customer_id=message.customer_id,
                    purpose=message.purpose,
                    template=template,
                    language=language_of(body.get("traits", {})),
                    channel=message.channel,
                    contact_point=point,
                    data=data or {},
                    expires_at=expires_at,
                    occurred_at=occurred_at,
                    recorded_at=utc_text(self._now()),
                    correlation_id=event.data["interaction_id"],
                    causation_id=event.event_id,
                )
            )
        if entries and self._bus.publish(entries):
            raise TemporaryFailure("the bus did not accept every event")
        return f"{template}: denied: {denial}" if denial else f"{template}: asked for"

    def _denial(
        self, event: Event, body: dict[str, Any], data: dict[str, Any] | None, expires_at: str
    ) -> str:
        if _point(event).kind not in CHANNEL_OF_KIND:
            return "no sender for this contact point kind"
        verdict = may_address(
            level=body["contact_point"]["level"],
            interaction_type=event.data["type"],
            channel=event.data["channel"],
            own_channels=self._own_channels,
        )
        if not verdict.allowed:
            return verdict.reason
        if data is None:
            return "the order has no number or no value"
        return "too long ago" if expires_at <= utc_text(self._now()) else ""

    def _body(self, event: Event) -> dict[str, Any]:
        body = self._timeline.get(event.data["contact_point"]["key"], event.data["timeline_key"])
        if body is None:
            # Recorded before it was published, so it must be there.
            raise TemporaryFailure("the interaction is not in the timeline")
        return body


def _point(event: Event) -> AddressRef:
    point = event.data["contact_point"]
    return AddressRef(point["kind"], point["key"])
