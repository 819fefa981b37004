"""What a recorded interaction does to cases, what is told of it, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from enlace.domain import message_events
from enlace.domain.case import Case, Change, sent_reference
from enlace.domain.case_events import case_opened
from enlace.domain.envelope import Entry, Event
from enlace.domain.interaction import utc_text
from enlace.domain.protocol import format_protocol
from enlace.usecases.answers import Answers, point_of
from enlace.usecases.approach import Approach
from enlace.usecases.case_ports import Cases
from enlace.usecases.cases import CaseKeeper, Filed
from enlace.usecases.change_case import ChangeCase, reported_change

PROTOCOL_OPENED = "protocol_opened"
PROTOCOL_CONTINUED = "protocol_continued"
TEMPLATES = (PROTOCOL_OPENED, PROTOCOL_CONTINUED)

#: What was done, for the log, and the events that tell of it.
Done = tuple[str, list[Entry]]


class AttendCases:
    """The part of dispatch that is about cases.

    Parameters
    ----------
    keeper : CaseKeeper
        On the same ``cases``.
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self, cases: Cases, keeper: CaseKeeper, answers: Answers, *, now: Callable[[], datetime]
    ):
        self._cases = cases
        self._keeper = keeper
        self._answers = answers
        self._change = ChangeCase(cases, keeper.owner, now=now)
        self._now = now

    def contact(self, event: Event, body: dict[str, Any]) -> Done:
        """File a contact, and tell its contact point the number where that is due."""
        approach = self._keeper.approach(event.data, body)
        filed = self._keeper.file(approach)
        if filed is None:
            return "nothing: of no case", []
        case, contact = filed.case, filed.contact
        if contact.how == "opened":
            return self._told(event, body, filed, PROTOCOL_OPENED, [self._opened(event, case)])
        entries: list[Entry] = []
        if contact.reopened:
            change = Change(approach.id, "reopened", approach.at, by=contact.channel)
            entries = self._change.told(case, change, event.event_id)
        if _expects_number(approach, filed):
            return self._told(event, body, filed, PROTOCOL_CONTINUED, entries)
        return f"joined by {contact.how}", entries

    def reported(self, event: Event, body: dict[str, Any]) -> Done:
        """Enter what another system reports about a case that it names."""
        approach = self._keeper.approach(event.data, body)
        case = self._keeper.named(approach)
        if case is None:
            return "nothing: names no case of its customer", []
        change = reported_change(
            event.data["type"],
            body.get("data", {}),
            id_=approach.id,
            at=approach.at,
            channel=event.data["channel"],
        )
        self._keeper.file(approach)
        return f"case {change.kind}", self._change(case, change, event.event_id).entries

    def sent(self, event: Event, body: dict[str, Any]) -> None:
        """Remember the provider's id of a message about a case: replies will name it."""
        data = body.get("data", {})
        message_id, provider_id = data.get("message_id"), data.get("provider_message_id")
        if (
            data.get("template") in TEMPLATES
            and isinstance(message_id, str)
            and isinstance(provider_id, str)
            and (reference := sent_reference(event.data["channel"], provider_id))
            and (protocol := self._cases.case_of_message(message_id))
        ):
            self._cases.refer(reference, protocol)

    def _opened(self, event: Event, case: Case) -> Entry:
        return case_opened(
            protocol=case.protocol,
            customer_id=case.customer_id,
            contact_point=point_of(event),
            interaction_id=event.data["interaction_id"],
            nature=case.nature or None,
            follows=case.follows or None,
            related=case.related,
            occurred_at=event.data["occurred_at"],
            recorded_at=utc_text(self._now()),
            causation_id=event.event_id,
        )

    def _told(
        self,
        event: Event,
        body: dict[str, Any],
        filed: Filed,
        template: str,
        entries: list[Entry],
    ) -> Done:
        """Tell a contact point its case's number, once."""
        denial = self._answers.denial(event, body)
        if not denial:
            id_ = message_events.message_id(event.data["interaction_id"], template)
            protocol, key = filed.case.protocol, filed.contact.contact_key
            if self._cases.told(protocol, key, id_) != id_:
                return f"joined by {filed.contact.how}: told before", entries
        data = {"protocol": format_protocol(filed.case.protocol)}
        asked = self._answers.ask(event, body, template, data, denial)
        said = f"denied: {denial}" if denial else "asked for"
        return f"{template}: {said}", [*entries, *asked]


def _expects_number(approach: Approach, filed: Filed) -> bool:
    """Whoever asks, or names the number, is told it; what joined quietly stays quiet."""
    asked = approach.asking or filed.contact.how == "reference"
    return asked and filed.disclosable and filed.contact.direction == "inbound"
