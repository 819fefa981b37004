"""Cases in memory; passes the suite that the DynamoDB table passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from enlace.domain.case import Case, Change, Contact, changed
from enlace.domain.protocol import make_protocol
from enlace.errors import Conflict
from enlace.usecases.case_ports import Known
from enlace.usecases.read_history import OpenCase


class MemoryCases:
    """Implements :class:`enlace.usecases.case_ports.Cases` and ``CaseThreads``."""

    def __init__(self) -> None:
        self.by_protocol: dict[str, Case] = {}
        self.by_interaction: dict[str, Contact] = {}
        self.references: dict[str, str] = {}
        self.last: dict[str, str] = {}
        self.history: dict[str, dict[str, Change]] = {}
        self.tellers: dict[tuple[str, str], str] = {}
        self.messages: dict[str, str] = {}

    def find(self, protocol: str) -> Case | None:
        return self.by_protocol.get(protocol)

    def open_of(self, contact_keys: Sequence[str]) -> list[Case]:
        found = [c for c in self.by_protocol.values() if c.contact_key in contact_keys]
        return sorted((c for c in found if c.is_open), key=lambda c: c.protocol, reverse=True)

    def look_up(self, interaction_id: str, references: Sequence[str]) -> Known:
        referred = [self.references[r] for r in references if r in self.references]
        return Known(self.by_interaction.get(interaction_id), tuple(dict.fromkeys(referred)))

    def opened_last(self, contact_key: str) -> str:
        return self.last.get(contact_key, "")

    def open(
        self,
        *,
        contact_key: str,
        interaction_id: str,
        opened_at: str,
        type_: str = "complaint.opened",
        direction: str = "inbound",
        related: Sequence[str] = (),
        references: Sequence[str] = (),
        opened_last: str | None = None,
        **fields: Any,
    ) -> Case:
        if interaction_id in self.by_interaction:
            return self.by_protocol[self.by_interaction[interaction_id].protocol]
        if opened_last is not None and opened_last != self.opened_last(contact_key):
            raise Conflict("another case was opened meanwhile")
        numbers = (make_protocol(interaction_id, opened_at, n) for n in range(8))
        protocol = next(number for number in numbers if number not in self.by_protocol)
        case = Case(
            protocol=protocol,
            contact_key=contact_key,
            interaction_id=interaction_id,
            opened_at=opened_at,
            last_contact_at=opened_at,
            related=tuple(related),
            **fields,
        )
        self.by_protocol[protocol] = case
        self.last[contact_key] = protocol
        self.by_interaction[interaction_id] = Contact(
            protocol=protocol,
            interaction_id=interaction_id,
            occurred_at=opened_at,
            contact_key=contact_key,
            contact_kind=case.contact_kind,
            customer_id=case.customer_id,
            channel=case.channel,
            type=type_,
            direction=direction,
            how="opened",
        )
        self.references |= dict.fromkeys(references, protocol)
        return case

    def join(self, contact: Contact, references: Sequence[str] = ()) -> Contact:
        contact = self.by_interaction.setdefault(contact.interaction_id, contact)
        self.references |= dict.fromkeys(references, contact.protocol)
        case = self.by_protocol[contact.protocol]
        if contact.direction == "inbound" and case.last_contact_at < contact.occurred_at:
            self.by_protocol[case.protocol] = replace(case, last_contact_at=contact.occurred_at)
        return contact

    def change(self, case: Case, change: Change) -> Case:
        known = self.by_protocol[case.protocol]
        changes = self.history.setdefault(case.protocol, {})
        if change.id in changes:
            return known
        if known.version != case.version:
            raise Conflict("the case is no longer as it was read")
        changes[change.id] = change
        self.by_protocol[case.protocol] = changed(known, change)
        return self.by_protocol[case.protocol]

    def told(self, protocol: str, contact_key: str, message_id: str) -> str:
        teller = self.tellers.setdefault((protocol, contact_key), message_id)
        if teller == message_id:
            self.messages[message_id] = protocol
        return teller

    def case_of_message(self, message_id: str) -> str | None:
        return self.messages.get(message_id)

    def refer(self, reference: str, protocol: str) -> None:
        self.references[reference] = protocol

    def contacts(
        self, protocol: str, *, before: str | None, limit: int
    ) -> tuple[list[Contact], bool]:
        thread = [c for c in self.by_interaction.values() if c.protocol == protocol]
        below = [c for c in thread if before is None or c.timeline_key < before]
        below.sort(key=lambda c: c.timeline_key, reverse=True)
        return below[:limit], len(below) > limit

    def changes(self, protocol: str, limit: int) -> list[Change]:
        return list(reversed(self.history.get(protocol, {}).values()))[:limit]

    def listed(self, contact_key: str) -> list[OpenCase]:
        """What the API's views list of a contact point."""
        return [
            OpenCase(
                case.protocol,
                case.contact_key,
                case.interaction_id,
                case.nature or None,
                case.opened_at,
                case.level or None,
            )
            for case in self.open_of([contact_key])
        ]
