"""Find a customer, and read it as it was at one moment.

A component is one item and holds the customers that it divides into, so one read
of it is the old state of a merge or the new one and never a mixture. Whatever is
read afterwards belongs to a single identifier each, and no merge changes that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.circle import tie_levels
from enlace.domain.component import Component
from enlace.domain.interaction import Identifier
from enlace.domain.partition import Partition
from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import Rules
from enlace.errors import NotFound, TemporaryFailure
from enlace.usecases.observe import sight
from enlace.usecases.ports import IdentityReader

#: Each further attempt means that another merge came between two reads.
ATTEMPTS = 5
CHANGING = "others kept changing the same customer"

#: Runs reads side by side; gives their results in order.
Parallel = Callable[[Sequence[Callable[[], Any]]], list[Any]]


def one_by_one(reads: Sequence[Callable[[], Any]]) -> list[Any]:
    """The reads after one another, for stores in memory."""
    return [read() for read in reads]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a question is about.

    Parameters
    ----------
    key : str
        Address key of an identifier.
    birth : str or None
        The customer id that was asked for, if it was one: it must be the identifier's.
    """

    key: str
    birth: str | None = None


@dataclass(frozen=True)
class Customer:
    """A customer at one moment.

    Parameters
    ----------
    id : str
    asked : IdentifierRecord
        The identifier that it was found by.
    component : Component or None
        None for a customer of one identifier without evidence.
    partition : Partition or None
        The component's edges, accepted and refused, by the rules of today.
    """

    id: str
    asked: IdentifierRecord
    component: Component | None = None
    partition: Partition | None = None

    @cached_property
    def members(self) -> list[str]:
        """Address keys, sorted."""
        return self.component.members(self.id) if self.component else [self.asked.key]

    @cached_property
    def ties(self) -> dict[tuple[str, str], str]:
        """What holds it together: edge key to level."""
        if self.component is None or self.partition is None:
            return {}
        own = set(self.members)
        ties = tie_levels(self.component, self.partition.accepted)
        return {pair: level for pair, level in ties.items() if pair[0] in own}

    @cached_property
    def refused(self) -> dict[tuple[str, str], str]:
        """Edges from its identifiers that join nobody, with the rule that refused them."""
        if self.partition is None:
            return {}
        own = set(self.members)
        return {
            pair: reason
            for pair, reason in sorted(self.partition.refused.items())
            if not own.isdisjoint(pair)
        }


class CustomerFinder:
    """Finds customers by an identifier, or by an id that they have or had.

    Parameters
    ----------
    identities : IdentityReader
    keys, rules
        As for the resolver.
    today : callable
        Gives the current day, ``YYYY-MM-DD`` (UTC).
    """

    def __init__(
        self,
        identities: IdentityReader,
        keys: AddressKeys,
        rules: Rules,
        *,
        today: Callable[[], str],
    ):
        self._identities = identities
        self._keys = keys
        self._rules = rules
        self._today = today

    @property
    def rules(self) -> Rules:
        """The rules that customers are divided by."""
        return self._rules

    def asked_by_id(self, customer_id: str) -> Asked:
        """Whom an id, current or former, asks for.

        Raises
        ------
        NotFound
            If it was never given out.
        """
        key = self._keys.address_of(customer_id)
        if key is None:
            raise NotFound("no such customer")
        return Asked(key, customer_id)

    def asked_by(self, identifier: Identifier) -> Asked:
        """Whom an identifier asks for; kind ``customer_id`` follows aliases.

        Raises
        ------
        NotFound
            If it is a customer id that was never given out.
        """
        if identifier.kind == "customer_id":
            return self.asked_by_id(identifier.value)
        return Asked(self.key_of(identifier))

    def by_id(self, customer_id: str) -> Customer:
        """The customer that an id, current or former, stands for now.

        Raises
        ------
        NotFound
            If no customer ever had the id.
        TemporaryFailure
            If the store did not do its part.
        """
        return self.find(self.asked_by_id(customer_id))

    def by_identifier(self, identifier: Identifier) -> Customer:
        """The customer behind an identifier; kind ``customer_id`` follows aliases.

        Raises
        ------
        NotFound
            If the identifier was never seen.
        TemporaryFailure
            If the store did not do its part.
        """
        return self.find(self.asked_by(identifier))

    def key_of(self, identifier: Identifier) -> str:
        """The address key of an identifier."""
        return sight(identifier, self._keys, self._rules)[0].key

    def identifiers(self, keys: Sequence[str]) -> dict[str, IdentifierRecord]:
        """Identifier records by address key; their values and births never change."""
        return self._identities.get_identifiers(keys, consistent=True) if keys else {}

    def component(self, id_: str) -> Component | None:
        """A component as it is now."""
        return self._identities.get_components([id_], consistent=True).get(id_)

    def find(self, asked: Asked) -> Customer:
        """The customer that is asked for, step by step.

        Raises
        ------
        NotFound
            If there is none.
        TemporaryFailure
            If the store did not do its part.
        """
        for _ in range(ATTEMPTS):
            record = self.identifiers([asked.key]).get(asked.key)
            id_ = record.pointer.component if record else None
            found = self.at(asked, record, self.component(id_) if id_ else None)
            if found:
                return found
        raise TemporaryFailure(CHANGING)

    def at(
        self, asked: Asked, record: IdentifierRecord | None, component: Component | None
    ) -> Customer | None:
        """The customer, from a record and the component that it points to.

        Returns
        -------
        Customer or None
            None if a merge or split came between the two reads: read both again.

        Raises
        ------
        NotFound
            If the record is not there, or was not born with the id asked for.
        """
        if record is None or asked.birth not in (None, record.birth):
            raise NotFound("no such customer")
        if record.pointer.component is None:
            return Customer(record.customer_id, record)
        if component is None or record.key not in component.nodes:
            return None
        partition = component.partition(self._rules, self._today())
        return Customer(component.customer_of[record.key], record, component, partition)
