"""Whom a request is about: the identifiers that one verified identifier leads to.

Somebody who has shown that an address is theirs has not shown that another one is, even
where somebody stated both together. So a request that was verified by a code covers what
is proven to be the same person's, and what was merely stated there and is no more than
that: no other contact point names it, and nothing ever came through it. Else anybody could
have another's data by stating their address. An officer, who has looked, may take the whole
customer.
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
        """What was stated beside these identifiers alone, and has no life of its own."""
        component = customer.component
        if component is None:
            return set()
        beside, parted = _beside(component)
        return {
            key
            for key in {other for one in own for other in beside[one]} - own
            if key in component.nodes
            and not component.nodes[key].blocked
            and not component.nodes[key].hub
            and beside[key] <= own
            and parted[key].isdisjoint(own)
            and not self._has_a_history(key)
        }

    def _has_a_history(self, key: str) -> bool:
        """Whether anything came from it or went to it: whose that was, nobody has shown here."""
        return bool(self._timelines.page(key, before=None, since=None, limit=1))


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
