"""What was bought, and what was begun: parts of the answers about customers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from enlace.api.models import Answer, Day
from enlace.contracts.types import Time

Score = Annotated[int, Field(ge=1, le=5)]


class CurrencyValue(Answer):
    """Purchases in one currency; the amount is in minor units, less refunds."""

    currency: str
    orders: int
    amount: int


class LifetimeValue(Answer):
    """What somebody has been worth so far in one currency, in minor units, less refunds."""

    currency: str
    amount: int
    average_order: int


class Rfv(Answer):
    """Scores by quintile, 5 the best: computed now, from the figures of now and the cut points
    of `as_of`. Null where there are fewer than five customers to divide."""

    recency: Score | None
    frequency: Score | None
    value: Score | None
    currency: str
    """Of `value`: the one that they placed most orders in."""
    as_of: Day


class Purchases(Answer):
    """Recency, frequency, value; the value is over the lifetime."""

    orders: int
    value: list[CurrencyValue]
    last_at: Time | None
    recency_days: Annotated[int, Field(ge=0)] | None
    ltv: list[LifetimeValue]
    rfv: Rfv | None
    """Null for who has bought nothing, and until the first cut points are computed."""


class CartValue(Answer):
    """What is in a cart, in minor units."""

    amount: int
    currency: str


class Cart(Answer):
    """A cart or booking begun on some channel and not ended: to be picked up on any other."""

    cart_id: str
    kind: Literal["cart", "booking"]
    updated_at: Time
    channel: str
    """Where it was last changed."""
    abandoned: bool
    value: CartValue | None = None
    items: int | None = None
    """How many lines."""
    names: list[str] | None = None
    """Of the first items."""
    resume_url: str | None = None


class LastPurchase(Answer):
    """The last purchase; no more than its time where it lies far back."""

    occurred_at: Time
    order_id: str | None = None
    value: dict[str, Any] | None = None
    store: dict[str, Any] | None = None
