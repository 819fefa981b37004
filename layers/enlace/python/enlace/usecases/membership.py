"""Whose a contact point is now, for functions that do without the address key's secret."""

from __future__ import annotations

from collections.abc import Callable

from enlace.domain.rules import Rules
from enlace.errors import TemporaryFailure
from enlace.usecases.find_customer import ATTEMPTS, CHANGING, Customer
from enlace.usecases.ports import IdentityReader


class Memberships:
    """Reads customers by address key.

    Parameters
    ----------
    identities : IdentityReader
    rules : Rules
    today : callable
        Gives the current day, ``YYYY-MM-DD`` (UTC).
    """

    def __init__(self, identities: IdentityReader, rules: Rules, *, today: Callable[[], str]):
        self._identities = identities
        self._rules = rules
        self._today = today

    def of(self, key: str) -> Customer | None:
        """The customer that an identifier belongs to; None where it is not known.

        Raises
        ------
        TemporaryFailure
            If the store did not do its part, or the customer kept changing.
        """
        for _ in range(ATTEMPTS):
            record = self._identities.get_identifiers([key], consistent=True).get(key)
            if record is None:
                return None
            id_ = record.pointer.component
            if id_ is None:
                return Customer(record.customer_id, record)
            component = self._identities.get_components([id_], consistent=True).get(id_)
            if component is not None and key in component.nodes:
                partition = component.partition(self._rules, self._today())
                return Customer(component.customer_of[key], record, component, partition)
        raise TemporaryFailure(CHANGING)
