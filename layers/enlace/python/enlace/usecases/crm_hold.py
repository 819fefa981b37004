"""Hold customers' mappings, so that one sender at a time changes what the CRM shows of them.

A CRM has no conditions to write under, and some have no keys to write by either. Who holds
a customer is entered in its mapping; whoever comes meanwhile comes again later.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.crm_ports import Mapping, Mappings

#: Longer than the function may run: who does not let go by then was cut off.
HOLD_SECONDS = 70.0
_ATTEMPTS = 5


class Held:
    """The customers that one piece of work holds; made by :meth:`CrmHold.work`."""

    def __init__(self, mappings: Mappings, clock: Callable[[], float]):
        self._mappings = mappings
        self._clock = clock
        self._holder = str(uuid.uuid4())
        self.customers: list[str] = []

    def add(self, customer_id: str) -> None:
        """Hold one more.

        Raises
        ------
        TemporaryFailure
            If another sender holds it.
        """
        for _ in range(_ATTEMPTS):
            mapping = self._mappings.get(customer_id)
            require_free(mapping, self._clock())
            until = self._clock() + HOLD_SECONDS
            try:
                self._mappings.save(replace(mapping, holder=self._holder, held_until=until))
            except Conflict:
                continue
            self.customers.append(customer_id)
            return
        raise TemporaryFailure("others kept writing the same customer's CRM contact")

    def let_go(self) -> None:
        """Let go of all."""
        for customer_id in self.customers:
            self._let_go(customer_id)

    def _let_go(self, customer_id: str) -> None:
        for _ in range(_ATTEMPTS):
            mapping = self._mappings.get(customer_id)
            if mapping.holder != self._holder:
                return
            try:
                self._mappings.save(replace(mapping, holder="", held_until=0.0))
                return
            except Conflict:
                continue
        # It ends by itself; who comes meanwhile comes again.


class CrmHold:
    """Lets pieces of work hold customers.

    Parameters
    ----------
    clock : callable
        Seconds since 1970.
    """

    def __init__(self, mappings: Mappings, clock: Callable[[], float]):
        self._mappings = mappings
        self._clock = clock

    @contextmanager
    def work(self, *customers: str) -> Iterator[Held]:
        """Hold customers until the end of the block; more can be added in it.

        Raises
        ------
        TemporaryFailure
            If another sender holds one of them.
        """
        held = Held(self._mappings, self._clock)
        try:
            for customer_id in customers:
                held.add(customer_id)
            yield held
        finally:
            held.let_go()

    def require_free(self, mapping: Mapping) -> None:
        """Raise ``TemporaryFailure`` while another sender holds the customer."""
        require_free(mapping, self._clock())


def require_free(mapping: Mapping, now: float) -> None:
    """Raise ``TemporaryFailure`` while somebody holds the customer."""
    if mapping.holder and mapping.held_until > now:
        raise TemporaryFailure("another sender settles the same customer")
