"""The 360° view: who somebody is, on what evidence, what they bought and what is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from enlace.domain.carts import open_carts
from enlace.domain.consent import ConsentPolicy
from enlace.domain.records import IdentifierRecord
from enlace.domain.traits import surviving_traits
from enlace.usecases.find_customer import Asked, Customer
from enlace.usecases.purchases_view import scored_purchases
from enlace.usecases.read_customer import CustomerReader
from enlace.usecases.read_history import named
from enlace.usecases.view_consents import shown_consents
from enlace.usecases.view_contacts import (
    campaigns,
    channel_counts,
    marketing_contacts,
    service_contacts,
)
from enlace.usecases.view_identifiers import named_or_none, shown_identifiers

#: Interactions read of each contact point for the counts; the answer says if there are more.
NEWEST = 50
MAX_CANDIDATES = 50
MAX_CARTS = 10


class CustomerView:
    """Reads the 360° view.

    Parameters
    ----------
    customers : CustomerReader
    now : callable
        Gives the current contract time.
    policy : ConsentPolicy
    """

    def __init__(
        self,
        customers: CustomerReader,
        *,
        now: Callable[[], str],
        policy: ConsentPolicy | None = None,
    ):
        self._customers = customers
        self._now = now
        self._policy = policy or ConsentPolicy()

    def view(self, asked: Asked) -> dict[str, Any]:
        """The view of the customer that is asked for.

        Raises
        ------
        NotFound
            If there is no such customer.
        TemporaryFailure
            If a store did not do its part.
        """
        seen = self._customers.read(asked, newest=NEWEST, further=_beyond)
        customer, history = seen.customer, seen.history
        own = [history.records[key] for key in customer.members if key in history.records]
        return {
            "customer_id": customer.id,
            "identifiers": shown_identifiers(customer, own, history),
            "traits": self._traits(own),
            "purchases": scored_purchases(history.totals, self._now()[:10], seen.quintiles),
            "carts": open_carts(history.carts, told_only=False)[:MAX_CARTS],
            "open_protocols": [
                {
                    "protocol": case.protocol,
                    "opened_at": case.opened_at,
                    "nature": case.nature,
                    "interaction_id": case.interaction_id,
                    "contact_point": named_or_none(history.records, case.contact_key),
                }
                for case in history.cases
            ],
            "consents": shown_consents(
                seen.consents, history.records, now=self._now(), policy=self._policy
            ),
            "service": service_contacts(history),
            "marketing": marketing_contacts(history),
            "channels": {
                "counts": channel_counts(history.merged()),
                "newest_per_contact_point": NEWEST,
                "complete": history.complete,
            },
            "campaigns": campaigns(history),
            "candidates": _candidates(customer, history.records),
        }

    def _traits(self, own: list[IdentifierRecord]) -> dict[str, dict[str, Any]]:
        records = {record.key: record for record in own}
        sources = self._customers.finder.rules.trait_sources
        return {
            name: {**trait, "contact_point": named(records[trait["contact_point"]])}
            for name, trait in surviving_traits(own, sources=sources).items()
        }


def _beyond(customer: Customer) -> set[str]:
    """Identifiers that refused edges lead to."""
    return {key for pair in customer.refused for key in pair}


def _candidates(
    customer: Customer, records: Mapping[str, IdentifierRecord]
) -> list[dict[str, Any]]:
    component = customer.component
    if component is None:
        return []
    found = []
    for pair, reason in customer.refused.items():
        mine, other = pair if pair[0] in set(customer.members) else pair[::-1]
        edge = component.edges.get(pair)
        found.append(
            {
                "a": named_or_none(records, mine),
                "b": named_or_none(records, other),
                "customer_id": component.customer_of.get(other),
                "reason": reason,
                "level": edge.level if edge else "decision",
            }
        )
    return found[:MAX_CANDIDATES]
