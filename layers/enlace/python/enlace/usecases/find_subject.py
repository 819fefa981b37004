"""Whom a request is about: the identifiers that one verified identifier leads to.

Somebody who has shown that an address is theirs has not shown that another one is, even
where somebody stated both together. So a request that was verified by a code covers what
is proven to be the same person's, and what was merely stated there and nobody else has
shown to be theirs; an officer, who has looked, may take the whole customer.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Protocol

from enlace.domain.circle import circle
from enlace.domain.component import Component
from enlace.domain.erasure import SubjectIdentifier
from enlace.domain.interaction import Identifier
from enlace.errors import NotFound
from enlace.usecases.find_customer import Customer, CustomerFinder
from enlace.usecases.ports import TimelineReader

#: Interactions of a merely stated address that are looked at; one with more is somebody's.
MAX_LOOKED_AT = 500
_PAGE = 100


class Named(Protocol):
    """An identifier in clear; kind ``customer_id`` follows aliases."""

    @property
    def kind(self) -> str: ...

    @property
    def value(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a request is about.

    Parameters
    ----------
    identifiers : tuple of SubjectIdentifier
        Sorted by address key; empty where the identifier is not known.
    customer_ids : tuple of str
        Present and former ids that lead to these identifiers alone.
    left_out : int
        Identifiers of the same customer that are not covered.
    """

    identifiers: tuple[SubjectIdentifier, ...] = ()
    customer_ids: tuple[str, ...] = ()
    left_out: int = 0


class SubjectFinder:
    """The use case.

    Parameters
    ----------
    customers : CustomerFinder
    timelines : TimelineReader
    """

    def __init__(self, customers: CustomerFinder, timelines: TimelineReader):
        self._customers = customers
        self._timelines = timelines

    def find(self, identifier: Named, whole_customer: bool) -> Found:
        """The identifiers that a request covers.

        Parameters
        ----------
        whole_customer : bool
            An officer verified the request: not only what the identifier has proven.

        Raises
        ------
        TemporaryFailure
            If a store did not do its part.
        """
        try:
            customer = self._customers.by_identifier(Identifier(identifier.kind, identifier.value))
        except NotFound:
            return Found()
        members = set(customer.members)
        asked = customer.asked.key
        own = members if whole_customer else set(circle(customer.ties, asked))
        own |= self._hearsay(customer, own)
        records = self._customers.identifiers(sorted(own))
        return Found(
            tuple(
                SubjectIdentifier(record.key, record.kind, record.value, record.raw)
                for _, record in sorted(records.items())
            ),
            # A customer is called by the birth id of one of its identifiers, now and before.
            tuple(sorted(record.birth for record in records.values())),
            len(members - own),
        )

    def _hearsay(self, customer: Customer, own: set[str]) -> set[str]:
        """What was stated beside these identifiers alone, and is nobody's by their own showing."""
        component = customer.component
        if component is None:
            return set()
        beside, parted = _beside(component)
        found: set[str] = set()
        open_ = set(own)
        while open_:
            reached = {other for key in open_ for other in beside[key]} - own - found
            open_ = {
                key
                for key in reached
                if key in component.nodes
                and not component.nodes[key].blocked
                and not component.nodes[key].hub
                and beside[key] <= own | found | reached
                and parted[key].isdisjoint(own)
                and not self._shown_by_others(key)
            }
            # Those that vouch for each other only, and not all of them are covered, are not.
            while unsure := {key for key in open_ if not beside[key] <= own | found | open_}:
                open_ -= unsure
            found |= open_
        return found

    def _shown_by_others(self, key: str) -> bool:
        """Whether somebody made contact from it, by a channel that proves possession."""
        before, seen = None, 0
        while True:
            page = self._timelines.page(key, before=before, since=None, limit=_PAGE)
            for item in page:
                point = item.body["contact_point"]
                if item.body["direction"] == "inbound" and point["level"] == "proven":
                    return True
            seen += len(page)
            if len(page) < _PAGE:
                return False
            if seen >= MAX_LOOKED_AT:
                return True
            before = page[-1].sk


def _beside(component: Component) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """By identifier: whom evidence or decisions tie it to, and whom decisions part it from."""
    beside: dict[str, set[str]] = defaultdict(set)
    parted: dict[str, set[str]] = defaultdict(set)
    for a, b in component.edges:
        beside[a].add(b)
        beside[b].add(a)
    for decision in component.decisions.values():
        for key, other in ((decision.a, decision.b), (decision.b, decision.a)):
            (beside if decision.decision == "same" else parted)[key].add(other)
    return beside, parted
