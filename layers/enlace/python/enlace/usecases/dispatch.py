"""Decide what an interaction calls for: a case, a message, and to whom.

Whom an answer may go to, :mod:`enlace.usecases.answers` says; which case an
interaction belongs to, :mod:`enlace.usecases.cases`. Everything here may be
repeated: the case is found again by its interaction, the message and the events
have ids made from their cause.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from enlace.domain import events
from enlace.domain.case import JOINING, REPORTED
from enlace.domain.envelope import Entry, Event
from enlace.domain.message_events import DISPATCH_MESSAGE
from enlace.domain.purchase import validate_purchase
from enlace.domain.send_gate import OWN_CHANNELS
from enlace.domain.sender_channel import SenderChannels
from enlace.errors import Erased, InvalidInteraction, InvalidPayload, TemporaryFailure
from enlace.usecases.answers import Answers, Records
from enlace.usecases.attend_cases import AttendCases, Done
from enlace.usecases.case_ports import Cases
from enlace.usecases.cases import CaseKeeper
from enlace.usecases.follow_reports import REPORTS, Reports, follow_report, message_of
from enlace.usecases.plan_message import PlanMessage

ORDER_CONFIRMATION = "order_confirmation"
ERASED = "nothing: erased"
_SENT = "message.sent"
_FAILED = "message.failed"


class Timeline(Protocol):
    """Recorded interactions."""

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The stored body of one interaction."""


class Messages(Records, Reports, Protocol):
    """Records of messages."""


class Publisher(Protocol):
    """The bus."""

    def publish(self, entries: Sequence[Entry]) -> Collection[int] | None:
        """Publish; gives the positions that were not accepted."""


class Dispatch:
    """The dispatch use case.

    Parameters
    ----------
    keeper : CaseKeeper
        On the same cases.
    planner : PlanMessage
        For messages that were asked for.
    channels : mapping
        The channels that there are senders for.
    same_channel : bool
        See :class:`enlace.usecases.answers.Answers`.
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
        keeper: CaseKeeper,
        messages: Messages,
        planner: PlanMessage,
        channels: SenderChannels,
        bus: Publisher,
        now: Callable[[], datetime],
        same_channel: bool = False,
        own_channels: Collection[str] = OWN_CHANNELS,
    ):
        self._timeline = timeline
        self._messages = messages
        self._bus = bus
        self._planner = planner
        self._answers = Answers(
            messages,
            channels=channels,
            now=now,
            same_channel=same_channel,
            own_channels=own_channels,
        )
        self._cases = AttendCases(cases, keeper, self._answers, now=now)

    def __call__(self, event: Event) -> str:
        """Handle one ``interaction.recorded`` or ``dispatch.message`` event.

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
        if event.name == DISPATCH_MESSAGE:
            done, entries = self._planner(event)
        elif event.name != events.INTERACTION_RECORDED or event.major != 1:
            raise InvalidPayload("not an interaction.recorded.v1 event")
        else:
            try:
                done, entries = self._done(event)
            except Erased:
                return ERASED
            except KeyError as error:
                raise InvalidPayload(f"interaction.recorded: {error} is missing") from None
        if entries and self._bus.publish(entries):
            raise TemporaryFailure("the bus did not accept every event")
        return done

    def _done(self, event: Event) -> Done:
        type_ = event.data["type"]
        numbered = event.data.get("protocol") is not None
        if type_ in REPORTS and not (type_ == _SENT and numbered):
            return self._report(event)
        if type_ == "order.placed" and event.data["direction"] == "inbound":
            return self._order(event)
        if type_ in REPORTED:
            return self._cases.reported(event, self._body(event))
        # An agent's answer belongs to a case where it says so.
        if type_ in JOINING or type_ == _SENT:
            return self._cases.contact(event, self._body(event))
        return "nothing: not a type that is answered", []

    def _report(self, event: Event) -> Done:
        body = self._body(event)
        done = follow_report(event, body, self._messages)
        if event.data["type"] == _SENT:
            self._cases.sent(event, body)
        if event.data["type"] == _FAILED and message_of(body):
            attempt = body["data"].get("attempt")
            next_, entries = self._planner.failed(
                message_of(body), attempt if isinstance(attempt, int) else None
            )
            return f"{done}; {next_}", entries
        return done, []

    def _order(self, event: Event) -> Done:
        body = self._body(event)
        try:
            order = validate_purchase(body.get("data", {}))
        except InvalidInteraction:
            order = validate_purchase({})
        denial = self._answers.denial(event, body)
        if order.order_id is None or order.amount_minor is None:
            denial = denial or "the order has no number or no value"
        data = {
            "order_id": (order.order_id or "")[:64],
            "amount_minor": order.amount_minor,
            "currency": order.currency,
        }
        asked = self._answers.ask(event, body, ORDER_CONFIRMATION, data, denial)
        said = f"denied: {denial}" if denial else "asked for"
        return f"{ORDER_CONFIRMATION}: {said}", asked

    def _body(self, event: Event) -> dict[str, Any]:
        body = self._timeline.get(event.data["contact_point"]["key"], event.data["timeline_key"])
        if body is None:
            # Recorded before it was published.
            raise Erased
        return body
