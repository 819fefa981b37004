"""Purchases: the ``data`` of ``order.*`` interactions, read and checked.

The counters for recency, frequency and value rest on these numbers, so what is
there must be right; what a system does not know it leaves out. An order without
a value is still a contact, and counts for nothing. Shape: ``docs/events.md``,
"One interaction"; the pydantic twin is :class:`enlace.contracts.interaction.Purchase`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from enlace.errors import InvalidInteraction

STORE_KINDS = ("own", "partner", "online")

#: Beyond this, JSON readers that use doubles lose units (2**53), and no order is so large.
MAX_AMOUNT_MINOR = 10**15
MAX_ITEMS = 500
MAX_QUANTITY = 10**9
_MAX_TEXT_LENGTH = 512
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


@dataclass(frozen=True, slots=True)
class PurchaseItem:
    """One line of an order; the price is per unit, in minor units of the currency."""

    sku: str | None = None
    name: str | None = None
    category: str | None = None
    quantity: float | None = None
    unit_price_minor: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order as the counters need it.

    Parameters
    ----------
    order_id : str or None
    amount_minor : int or None
        Total in minor units (centavos) of ``currency``; never negative, a
        refund's type says which way the money went.
    currency : str or None
        ISO 4217 code; present whenever the amount is.
    store_kind, store_id : str or None
        ``own``, ``partner`` or ``online``, and which one.
    items : tuple of PurchaseItem
    """

    order_id: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    store_kind: str | None = None
    store_id: str | None = None
    items: tuple[PurchaseItem, ...] = ()


def validate_purchase(data: dict[str, Any]) -> Purchase:
    """Read an order from the ``data`` of an interaction.

    Parameters
    ----------
    data : dict
        ``{"order_id", "value": {"amount", "currency"}, "store": {"kind", "id"},
        "items": [...]}``; each may be absent or null, further fields are ignored.

    Raises
    ------
    InvalidInteraction
        If a field that is present has a wrong type or range; names the field,
        never the value.
    """
    amount, currency = _money(data.get("value"), "data.value")
    store = _object(data.get("store"), "data.store")
    kind = store.get("kind")
    if kind is not None and kind not in STORE_KINDS:
        raise InvalidInteraction("data.store.kind: must be own, partner or online")
    items = data.get("items")
    if items is None:
        items = ()
    elif not isinstance(items, list) or len(items) > MAX_ITEMS:
        raise InvalidInteraction(f"data.items: must be a list of at most {MAX_ITEMS}")
    return Purchase(
        order_id=_text(data.get("order_id"), "data.order_id"),
        amount_minor=amount,
        currency=currency,
        store_kind=kind,
        store_id=_text(store.get("id"), "data.store.id"),
        items=tuple(_item(item, f"data.items[{n}]", currency) for n, item in enumerate(items)),
    )


def _item(body: Any, where: str, order_currency: str | None) -> PurchaseItem:
    if not isinstance(body, dict):
        raise InvalidInteraction(f"{where}: must be an object")
    quantity = body.get("quantity")
    # Goods are also sold by weight, so a fraction is right; NaN fails the range.
    if quantity is not None and not (
        isinstance(quantity, (int, float))
        and not isinstance(quantity, bool)
        and 0 < quantity <= MAX_QUANTITY
    ):
        raise InvalidInteraction(f"{where}.quantity: must be a number above 0")
    price = body.get("unit_price")
    if isinstance(price, dict):
        amount, currency = _money(price, f"{where}.unit_price")
    else:
        amount = None if price is None else _amount(price, f"{where}.unit_price")
        currency = None if amount is None else order_currency
    return PurchaseItem(
        sku=_text(body.get("sku"), f"{where}.sku"),
        name=_text(body.get("name"), f"{where}.name"),
        category=_text(body.get("category"), f"{where}.category"),
        quantity=quantity,
        unit_price_minor=amount,
        currency=currency,
    )


def _money(body: Any, where: str) -> tuple[int | None, str | None]:
    if body is None:
        return None, None
    if not isinstance(body, dict):
        raise InvalidInteraction(f"{where}: must be an object with amount and currency")
    currency = body.get("currency")
    if not isinstance(currency, str) or not _CURRENCY.match(currency):
        raise InvalidInteraction(f"{where}.currency: must be an ISO 4217 code such as BRL")
    return _amount(body.get("amount"), f"{where}.amount"), currency


def _amount(value: Any, where: str) -> int:
    # bool is an int to Python, and a float is money with a rounding error.
    if type(value) is not int or not 0 <= value <= MAX_AMOUNT_MINOR:
        raise InvalidInteraction(f"{where}: must be an integer of minor units, 0 or more")
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInteraction(f"{where}: must be an object")
    return value


def _text(value: Any, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT_LENGTH:
        raise InvalidInteraction(f"{where}: must be text of 1 to {_MAX_TEXT_LENGTH} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInteraction(f"{where}: must be valid Unicode text") from None
    return value
