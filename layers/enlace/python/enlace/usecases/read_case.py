"""A case as whoever takes it over needs it: where it stands, and everything said in it."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from enlace.domain.case import Case, Change, Contact
from enlace.domain.protocol import normalise_protocol
from enlace.domain.records import IdentifierRecord, TimelineItem
from enlace.errors import InvalidPayload, NotFound
from enlace.usecases.case_ports import CaseReader, CaseThreads, Interactions
from enlace.usecases.find_customer import Asked, Customer, CustomerFinder, Parallel
from enlace.usecases.timeline import interaction_of

DEFAULT_LIMIT = 20
MAX_LIMIT = 50
MAX_HISTORY = 50

_CURSOR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[0-9a-f\-]{36}\Z")


class CaseView:
    """Reads cases.

    Parameters
    ----------
    finder : CustomerFinder
    cases, threads, timeline
        Where cases, their threads and the interactions are.
    parallel : callable
        Runs reads side by side.
    """

    def __init__(
        self,
        finder: CustomerFinder,
        cases: CaseReader,
        threads: CaseThreads,
        timeline: Interactions,
        *,
        parallel: Parallel,
    ):
        self._finder = finder
        self._cases = cases
        self._threads = threads
        self._timeline = timeline
        self._parallel = parallel

    def find(self, number: str) -> Case:
        """The case of a number as somebody typed it.

        Raises
        ------
        NotFound
            If there is none.
        """
        protocol = normalise_protocol(number) if len(number) <= 64 else None
        case = self._cases.find(protocol) if protocol else None
        if case is None:
            raise NotFound("no such case")
        return case

    def summary(self, case: Case) -> dict[str, Any]:
        """Where a case stands."""
        customer = self._customer(case)
        return _summary(case, customer, customer.asked)

    def last_change(self, case: Case, kind: str) -> Change | None:
        """The latest change, if it was of a kind."""
        changes = self._threads.changes(case.protocol, 1)
        return changes[0] if changes and changes[0].kind == kind else None

    def view(self, case: Case, *, limit: int, cursor: str | None) -> dict[str, Any]:
        """A case with its thread, newest first.

        Contacts through contact points that are another customer's now (after a
        split) stay in the list, by time and customer alone: what they say is theirs.

        Raises
        ------
        InvalidPayload
            If the cursor is none that was given out.
        """
        before = _position(cursor) if cursor else None
        customer = self._customer(case)
        (contacts, more), changes = self._parallel(
            [
                partial(self._threads.contacts, case.protocol, before=before, limit=limit),
                partial(self._threads.changes, case.protocol, MAX_HISTORY),
            ]
        )
        own = [contact for contact in contacts if contact.contact_key in customer.members]
        bodies = self._parallel(
            [partial(self._timeline.get, c.contact_key, c.timeline_key) for c in own]
        )
        items = {
            contact.interaction_id: TimelineItem(contact.contact_key, contact.timeline_key, body)
            for contact, body in zip(own, bodies, strict=True)
            if body is not None
        }
        records = self._records(customer, items.values())
        others = self._owners(contacts, customer)
        return {
            **_summary(case, customer, customer.asked),
            "history": [_change(change) for change in changes],
            "items": [
                _item(contact, items.get(contact.interaction_id), records, others)
                for contact in contacts
            ],
            "next_cursor": _cursor(contacts[-1]) if more else None,
        }

    def _customer(self, case: Case) -> Customer:
        return self._finder.find(Asked(case.contact_key))

    def _records(self, customer: Customer, items: Any) -> dict[str, IdentifierRecord]:
        keys = {item.pk for item in items}
        keys.update(key for item in items for key, _ in item.body.get("ids", ()))
        known = {customer.asked.key: customer.asked}
        return known | self._finder.identifiers(sorted(keys - known.keys()))

    def _owners(self, contacts: Sequence[Contact], customer: Customer) -> dict[str, str]:
        """Customer ids now, by contact point."""
        keys = {contact.contact_key for contact in contacts}
        foreign = sorted(keys.difference(customer.members))
        owners = {
            key: record.customer_id for key, record in self._finder.identifiers(foreign).items()
        }
        return {**dict.fromkeys(customer.members, customer.id), **owners}


def _summary(case: Case, customer: Customer, opener: IdentifierRecord) -> dict[str, Any]:
    return {
        "protocol": case.protocol,
        "state": case.state,
        "state_since": case.state_at or case.opened_at,
        "nature": case.nature or None,
        "opened_at": case.opened_at,
        "last_contact_at": case.latest,
        "customer_id": customer.id,
        "opener": {
            "kind": opener.kind,
            "value": opener.value,
            "level": case.level or None,
            "channel": case.channel or None,
            "interaction_id": case.interaction_id,
        },
        "assignee": case.assignee or None,
        "team": case.team or None,
        "follows": case.follows or None,
        "related": list(case.related),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "change_id": change.id,
        "kind": change.kind,
        "at": change.at,
        "by": change.by,
        "to": change.to or None,
        "channel": change.channel or None,
        "reason": change.reason or None,
    }


def _item(
    contact: Contact,
    item: TimelineItem | None,
    records: dict[str, IdentifierRecord],
    owners: dict[str, str],
) -> dict[str, Any]:
    return {
        "occurred_at": contact.occurred_at,
        "joined_by": contact.how,
        "customer_id": owners.get(contact.contact_key, contact.customer_id),
        "interaction": interaction_of(item, records) if item else None,
    }


def _cursor(contact: Contact) -> str:
    return base64.urlsafe_b64encode(contact.timeline_key.encode()).rstrip(b"=").decode()


def _position(cursor: str) -> str:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    if not _CURSOR.match(text):
        raise InvalidPayload("cursor: must be the next_cursor of a page")
    return text
