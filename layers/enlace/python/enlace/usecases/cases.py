"""Which case an interaction belongs to: an open one, one that reopens, a new one, or none.

Two questions that must not be mixed up. Which contacts belong together is the
company's view, and whoever is the same customer joins, on however weak evidence.
What the customer's side is told rests on the proven circle alone; and since being
told nothing tells something too, whoever *asks* for something from outside the
circle of a case gets a case of their own, as if there were no other.
(docs/cases.md.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from enlace.domain import case as cases_
from enlace.domain.case import Case, Change, Contact
from enlace.domain.circle import circle
from enlace.domain.rules import CaseRules
from enlace.errors import Conflict, Erased, TemporaryFailure
from enlace.usecases.approach import Approach
from enlace.usecases.case_ports import Cases
from enlace.usecases.find_customer import Customer
from enlace.usecases.membership import Memberships

#: Each further attempt means that another case of the same contact point came between.
_ATTEMPTS = 6
#: Other cases that a new one names.
_MAX_RELATED = 5


@dataclass(frozen=True)
class Filed:
    """An interaction in its case.

    Parameters
    ----------
    disclosable : bool
        The contact point may be told of the case.
    """

    case: Case
    contact: Contact
    disclosable: bool


@dataclass
class _Choice:
    """What was found while looking for a case."""

    case: Case | None = None
    how: str = ""
    reopen: bool = False
    follows: str = ""
    related: list[str] = field(default_factory=list)


class CaseKeeper:
    """Files interactions.

    Parameters
    ----------
    cases : Cases
    memberships : Memberships
    rules : CaseRules
    now : callable
        The current time, with a zone.
    """

    def __init__(
        self,
        cases: Cases,
        memberships: Memberships,
        rules: CaseRules,
        *,
        now: Callable[[], datetime],
    ):
        self._cases = cases
        self._memberships = memberships
        self._within = timedelta(hours=rules.join_within_hours)
        self._now = now

    def approach(self, data: dict[str, Any], body: dict[str, Any]) -> Approach:
        """See :meth:`Approach.of`."""
        return Approach.of(data, body, self._now())

    def file(self, approach: Approach) -> Filed | None:
        """Put an interaction into its case; None where it belongs to none.

        Filing again finds the same case again.

        Raises
        ------
        Erased
            If the contact point is not known any more.
        TemporaryFailure
            If a table did not do its part, or the case kept changing.
        """
        for _ in range(_ATTEMPTS):
            try:
                return self._file(approach)
            except Conflict:
                continue
        raise TemporaryFailure("others kept changing the case")

    def named(self, approach: Approach) -> Case | None:
        """The customer's own case that an interaction names, by number or by reply."""
        known = self._cases.look_up(approach.id, approach.named)
        for protocol in (*approach.protocols, *known.referred):
            case = self._cases.find(protocol)
            if case and self._same(case, self._customer(approach)):
                return case
        return None

    def owner(self, case: Case) -> str:
        """The customer whose the case is now."""
        customer = self._memberships.of(case.contact_key)
        return customer.id if customer else case.customer_id

    def _file(self, approach: Approach) -> Filed | None:
        known = self._cases.look_up(approach.id, approach.named)
        if known.contact:
            return self._found_again(approach, known.contact)
        last = self._cases.opened_last(approach.point.key) if approach.asking else None
        customer = self._customer(approach)
        choice = self._choose(approach, customer, known.referred)
        if choice.case is not None:
            return self._joined(approach, customer, choice)
        if not approach.asking and not choice.follows:
            return None
        case = self._opened(approach, customer, choice, last)
        contact = self._cases.look_up(approach.id, ()).contact
        if contact is None:
            raise TemporaryFailure("a case without its first contact")
        return Filed(case, contact, self._disclosable(approach, customer, case))

    def _found_again(self, approach: Approach, contact: Contact) -> Filed:
        case = self._cases.find(contact.protocol)
        if case is None:
            raise TemporaryFailure("a contact without its case")
        # Whatever a crash left undone is done again.
        contact = self._cases.join(contact, approach.own)
        return Filed(case, contact, self._disclosable(approach, self._customer(approach), case))

    def _choose(self, approach: Approach, customer: Customer, referred: tuple[str, ...]) -> _Choice:
        choice = _Choice()
        wanted = [("reference", p) for p in approach.protocols]
        wanted += [("thread", p) for p in referred if p not in approach.protocols]
        for how, protocol in wanted:
            case = self._cases.find(protocol)
            if case is None or not self._same(case, customer):
                # A stranger who quotes a number has shown nothing.
                continue
            if not self._may_join(approach, customer, case):
                choice.related.append(protocol)
            elif case.is_open or approach.passive or approach.at <= case.state_at:
                return _Choice(case, how)
            elif cases_.reopens(case, approach.at, self._within):
                return _Choice(case, how, reopen=True)
            elif how == "reference" or approach.asking:
                choice.follows = choice.follows or protocol
        if choice.follows or approach.passive:
            return choice
        return self._by_time(approach, customer, choice)

    def _by_time(self, approach: Approach, customer: Customer, choice: _Choice) -> _Choice:
        open_ = self._cases.open_of(customer.members)
        fitting = [
            case
            for case in open_
            if cases_.takes(
                case,
                contact_key=approach.point.key,
                occurred_at=approach.at,
                asking=approach.asking,
                within=self._within,
            )
            and self._may_join(approach, customer, case)
        ]
        if fitting:
            inside = circle(customer.ties, approach.point.key)
            best = max(fitting, key=lambda c: (c.contact_key in inside, c.latest, c.protocol))
            return _Choice(best, "window")
        choice.related += [case.protocol for case in open_ if case.protocol not in choice.related]
        return choice

    def _joined(self, approach: Approach, customer: Customer, choice: _Choice) -> Filed:
        case = choice.case
        if case is None:
            raise ValueError("no case to join")
        if choice.reopen:
            change = Change(approach.id, "reopened", approach.at, by=approach.event["channel"])
            case = self._cases.change(case, change)
        contact = self._cases.join(
            _contact(approach, customer, case.protocol, choice.how, choice.reopen), approach.own
        )
        if contact.protocol != case.protocol:
            return self._found_again(approach, contact)
        return Filed(case, contact, self._disclosable(approach, customer, case))

    def _opened(
        self, approach: Approach, customer: Customer, choice: _Choice, last: str | None
    ) -> Case:
        nature = approach.nature or ""
        if approach.event["type"] == "complaint.opened":
            nature = nature or "complaint"
        return self._cases.open(
            contact_key=approach.point.key,
            contact_kind=approach.point.kind,
            interaction_id=approach.id,
            customer_id=customer.id,
            nature=nature,
            opened_at=approach.event["occurred_at"],
            level=approach.level,
            channel=approach.event["channel"],
            type_=approach.event["type"],
            direction=approach.event["direction"],
            follows=choice.follows,
            related=choice.related[:_MAX_RELATED],
            references=approach.own,
            opened_last=last,
        )

    def _customer(self, approach: Approach) -> Customer:
        customer = self._memberships.of(approach.point.key)
        if customer is None:
            # Stored together with the interaction: whoever it was is erased.
            raise Erased
        return customer

    @staticmethod
    def _same(case: Case, customer: Customer) -> bool:
        return case.contact_key in customer.members

    def _may_join(self, approach: Approach, customer: Customer, case: Case) -> bool:
        """Whoever asks is answered, so their case may be known to them; others join quietly."""
        if not approach.asking:
            return True
        if case.contact_key == approach.point.key and approach.level != "proven":
            return True
        return self._disclosable(approach, customer, case)

    @staticmethod
    def _disclosable(approach: Approach, customer: Customer, case: Case) -> bool:
        inside = circle(customer.ties, approach.point.key)
        return case.level == "proven" and case.contact_key in inside


def _contact(
    approach: Approach, customer: Customer, protocol: str, how: str, reopened: bool
) -> Contact:
    return Contact(
        protocol=protocol,
        interaction_id=approach.id,
        occurred_at=approach.event["occurred_at"],
        contact_key=approach.point.key,
        contact_kind=approach.point.kind,
        customer_id=customer.id,
        channel=approach.event["channel"],
        type=approach.event["type"],
        direction=approach.event["direction"],
        how=how,
        reopened=reopened,
    )
