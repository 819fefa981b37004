"""What a purchase changes beside its timeline: the order, the totals, the carts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from enlace.domain.carts import CART_TYPES, cart_entry, cart_id_of, with_cart
from enlace.domain.disclosure import disclosable
from enlace.domain.purchase import Purchase, validate_purchase
from enlace.domain.totals import ORDER_TYPES, with_event, with_last, with_order

Bodies = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Bought:
    """An interaction, as far as aggregates mind it.

    Parameters
    ----------
    level : str
        The contact point's.
    data : mapping
        The interaction's own.
    """

    interaction_id: str
    type: str
    occurred_at: str
    level: str
    direction: str
    channel: str
    data: dict[str, Any]

    @property
    def purchase(self) -> Purchase | None:
        """The order that it is about; raises ``InvalidInteraction``."""
        return validate_purchase(self.data) if self.type in ORDER_TYPES else None

    @property
    def documents(self) -> list[str]:
        """Sort keys of the documents that it may change; raises ``InvalidInteraction``."""
        purchase = self.purchase
        wanted = [self._order_key(purchase), "totals"] if purchase else []
        return [*wanted, "carts"] if cart_id_of(self.type, self.data) else wanted

    def applied(self, bodies: Bodies) -> dict[str, dict[str, Any]]:
        """The documents that it changes, as they are after it.

        Parameters
        ----------
        bodies : mapping of sort key to body
            Those of :attr:`documents` that there are.

        Raises
        ------
        InvalidInteraction
            If the purchase cannot be read.
        """
        told = disclosable(
            level=self.level, direction=self.direction, type_=self.type, channel=self.channel
        )
        at, id_ = self.occurred_at, self.interaction_id
        after: dict[str, dict[str, Any]] = {}
        purchase, cart_id = self.purchase, cart_id_of(self.type, self.data)
        if purchase:
            key = self._order_key(purchase)
            was = dict(bodies.get(key, {}))
            now = with_event(was, self.type, purchase, at, id_)
            totals = with_order(dict(bodies.get("totals", {})), was, now)
            after[key] = now
            after["totals"] = with_last(totals, self.type, purchase, at, id_, told=told)
        if cart_id:
            entry = cart_entry(self.type, self.data, at, id_, self.channel)
            after["carts"] = with_cart(bodies.get("carts", {}), cart_id, entry, told=told)
        return {sk: body for sk, body in after.items() if body != bodies.get(sk, {})}

    def _order_key(self, purchase: Purchase) -> str:
        return f"order#{purchase.order_id or self.interaction_id}"


def bought_in(sk: str, body: Mapping[str, Any]) -> Bought | None:
    """What a timeline item says of a purchase or a cart; None for nothing.

    Parameters
    ----------
    sk, body
        Of the item.
    """
    if body["type"] not in ORDER_TYPES and body["type"] not in CART_TYPES:
        return None
    at, _, id_ = sk.partition("#")
    return Bought(
        interaction_id=id_,
        type=body["type"],
        occurred_at=at,
        level=body["contact_point"]["level"],
        direction=body["direction"],
        channel=body["channel"],
        data=body.get("data", {}),
    )


def aggregated(purchases: Iterable[Bought]) -> dict[str, dict[str, Any]]:
    """The documents as if there had been these interactions alone."""
    bodies: dict[str, dict[str, Any]] = {}
    for bought in purchases:
        bodies |= bought.applied(bodies)
    return bodies
