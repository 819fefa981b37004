"""Tell every identifier's record what its customer looks like, after merges, splits and cases.

The resolver reads the record of a contact point anyway; a hint there tells it, at no
cost, that the customer has an open case, so that only interactions with a chance of
belonging to one go on to dispatch. Hints are told afterwards and are never
authoritative: whoever decides reads the component.

Events may come late, twice and in any order, so none is believed: each only says
where to look, and the hint is computed from what holds now. Whoever has written looks
again, and goes on until nothing changed meanwhile; so the last to write has written
what holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from enlace.domain import events
from enlace.domain.case import JOINING, LEAD_UP
from enlace.domain.envelope import Event
from enlace.domain.interaction import utc_text
from enlace.domain.records import CustomerHint, TimelineItem
from enlace.errors import InvalidPayload, TemporaryFailure
from enlace.usecases.case_ports import CaseReader, Interactions
from enlace.usecases.cases import CaseKeeper
from enlace.usecases.find_customer import Customer
from enlace.usecases.membership import Memberships
from enlace.usecases.ports import IdentityReader

#: Further rounds mean that customers changed between writing and looking again.
_MAX_ROUNDS = 40
#: Interactions of each contact point that a new case looks back at.
CATCH_UP = 25

_CASE_EVENTS = frozenset({events.CASE_OPENED, events.CASE_CLOSED, events.CASE_REOPENED})


class Hints(IdentityReader, Protocol):
    """Identities, and the hints on them."""

    def put_hint(self, key: str, hint: CustomerHint | None) -> None:
        """Tell an identifier's record what its customer looks like; None takes it back."""


class FollowCustomers:
    """The use case.

    Parameters
    ----------
    hints : Hints
    memberships : Memberships
        On the same identities.
    cases : CaseReader
    keeper : CaseKeeper
        Files what came before the hint of a new case was there.
    timeline : Interactions
    """

    def __init__(
        self,
        hints: Hints,
        memberships: Memberships,
        *,
        cases: CaseReader,
        keeper: CaseKeeper,
        timeline: Interactions,
    ):
        self._hints = hints
        self._memberships = memberships
        self._cases = cases
        self._keeper = keeper
        self._timeline = timeline

    def __call__(self, event: Event) -> str:
        """Handle one event; gives what was done, for the log.

        Raises
        ------
        InvalidPayload
            If a field is missing.
        TemporaryFailure
            If a table did not do its part, or customers kept changing.
        """
        if event.major != 1:
            raise InvalidPayload(f"{event.name}: major version {event.major} is not known here")
        try:
            keys = _keys(event)
            protocol = event.data["protocol"] if event.name == events.CASE_OPENED else None
            since = event.metadata["occurred_at"] if event.name == events.CUSTOMER_MERGED else None
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidPayload(f"{event.name}: malformed ({type(error).__name__})") from error
        if not keys:
            return "nothing: not an event that changes a hint"
        told, joined = self._tell(keys), 0
        if protocol:
            joined = self._after_opening(protocol)
        elif since:
            joined = self._after_merging(min(keys), since)
        return f"{told} hints, {joined} contacts joined"

    def _tell(self, keys: Iterable[str]) -> int:
        pending, told = sorted(keys, reverse=True), 0
        for _ in range(_MAX_ROUNDS + len(pending)):
            if not pending:
                return told
            customer = self._memberships.of(pending[-1])
            if customer is None:
                pending.pop()
                continue
            has_case = bool(self._cases.open_of(customer.members))
            told += self._write(customer, has_case)
            if self._still(customer, has_case):
                done = set(customer.members)
                pending = [key for key in pending if key not in done]
            else:
                # Whoever was written to may be another customer's by now.
                pending += [key for key in customer.members if key not in pending]
        raise TemporaryFailure("customers kept changing")

    def _write(self, customer: Customer, has_case: bool) -> int:
        members = tuple(sorted(customer.members))
        alone = len(members) == 1 and not has_case
        wanted = None if alone else CustomerHint(members, has_case)
        records = self._hints.get_identifiers(members, consistent=True)
        outdated = [key for key, record in sorted(records.items()) if record.hint != wanted]
        for key in outdated:
            self._hints.put_hint(key, wanted)
        return len(outdated)

    def _still(self, customer: Customer, has_case: bool) -> bool:
        now = self._memberships.of(customer.asked.key)
        return (
            now is not None
            and sorted(now.members) == sorted(customer.members)
            and bool(self._cases.open_of(now.members)) == has_case
        )

    def _after_opening(self, protocol: str) -> int:
        """Join what came since the case was opened, and shortly before to the same address."""
        case = self._cases.find(protocol)
        customer = self._memberships.of(case.contact_key) if case and case.is_open else None
        if case is None or customer is None:
            return 0
        lead = utc_text(datetime.fromisoformat(case.opened_at) - LEAD_UP)
        return sum(
            self._join_since(key, lead if key == case.contact_key else case.opened_at, customer.id)
            for key in customer.members
        )

    def _after_merging(self, key: str, since: str) -> int:
        """Join what came since a merge gave its sender an open case: first, what merged them."""
        customer = self._memberships.of(key)
        if customer is None or not self._cases.open_of(customer.members):
            return 0
        return sum(self._join_since(key, since, customer.id) for key in customer.members)

    def _join_since(self, key: str, since: str, customer_id: str) -> int:
        page = self._timeline.page(key, before=None, since=since, limit=CATCH_UP)
        # Oldest first, since each one prolongs the time for the next.
        return sum(self._join(item, customer_id) for item in reversed(page))

    def _join(self, item: TimelineItem, customer_id: str) -> int:
        if item.body["type"] not in JOINING or item.body["direction"] != "inbound":
            return 0
        approach = self._keeper.approach(_recorded(item, customer_id), item.body)
        # Whatever asks for something goes to dispatch by itself, and is answered there.
        if approach.asking or approach.protocols:
            return 0
        return int(self._keeper.file(approach) is not None)


def _keys(event: Event) -> set[str]:
    data = event.data
    if event.name == events.CUSTOMER_MERGED:
        return {key for keys in data["identifiers"].values() for key in keys}
    if event.name == events.CUSTOMER_SPLIT:
        return {key for part in data["into"] for key in part["identifiers"]}
    if event.name in _CASE_EVENTS:
        return {data["contact_point"]["key"]}
    return set()


def _recorded(item: TimelineItem, customer_id: str) -> dict[str, Any]:
    """What ``interaction.recorded`` said of an interaction in the timeline."""
    body = item.body
    return {
        "interaction_id": body["id"],
        "customer_id": customer_id,
        "channel": body["channel"],
        "type": body["type"],
        "direction": body["direction"],
        "occurred_at": item.sk.partition("#")[0],
        "contact_point": {"kind": body["contact_point"]["kind"], "key": item.pk},
        "timeline_key": item.sk,
        "protocol": None,
    }
