"""Segment's ecommerce events in the words of our contract.

Segment gives money in major units and as JSON numbers, which Python reads as
binary fractions; the shortest decimal text of such a number is what was meant,
and from it minor units are counted exactly.

Source: Segment, "V2 ecommerce events" (checked 2026-11-22).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from enlace.channels.base import objects, optional_text, required_object
from enlace.domain.money import minor_digits
from enlace.domain.purchase import MAX_AMOUNT_MINOR, validate_purchase
from enlace.errors import InvalidPayload

#: Names are compared without regard to case, as people write them both ways.
_TYPES = {
    "order completed": "order.placed",
    "order paid": "order.paid",
    "order shipped": "order.shipped",
    "order cancelled": "order.cancelled",
    "order canceled": "order.cancelled",
    "order refunded": "order.refunded",
    "product added": "cart.updated",
    "product removed": "cart.updated",
    "cart updated": "cart.updated",
    "cart abandoned": "cart.abandoned",
}
#: From the most to the least complete: `revenue` leaves out taxes and shipping.
_TOTALS = ("total", "revenue", "value")

_MAX_EXPONENT = 15


def content(
    name: str, properties: dict[str, Any], source: str, default_currency: str | None
) -> tuple[str, dict[str, Any]]:
    """``(type, data)`` of a tracked event.

    Parameters
    ----------
    name : str
        The event's name.
    properties : dict
        Kept beside what is read from them.
    source : str
        The store, where the event names no ``affiliation``.
    default_currency : str or None
        ISO 4217; without it, money that names no currency is left out.

    Raises
    ------
    InvalidPayload
        If an order holds money or products of another form.
    InvalidInteraction
        If an order breaks the contract in another way.
    """
    data: dict[str, Any] = {"event": name, "properties": properties or None}
    type_ = _TYPES.get(name.strip().lower())
    if type_ is None:
        return "event.tracked", data
    data.update(_purchase(type_, properties, source, default_currency))
    if type_.startswith("cart."):
        data["resume_url"] = properties.get("resume_url")
        if name.strip().lower() == "product removed":
            data["items"] = None  # it names what is not in the cart any more
    validate_purchase(data)
    return type_, data


def _purchase(
    type_: str, properties: dict[str, Any], source: str, default_currency: str | None
) -> dict[str, Any]:
    currency = optional_text(properties, "currency") or default_currency
    if currency is not None:
        currency = currency.upper()
    order_id = properties.get("order_id")
    if type(order_id) is int:
        order_id = str(order_id)
    purchase: dict[str, Any] = {
        "order_id": str(order_id)
        if type(order_id) is int
        else optional_text(properties, "order_id"),
        "cart_id": optional_text(properties, "cart_id"),
    }
    if type_.startswith("order."):
        purchase["store"] = {
            "kind": "online",
            "id": optional_text(properties, "affiliation") or source,
        }
    total = next((properties[n] for n in _TOTALS if properties.get(n) is not None), None)
    if total is not None and currency is not None and type_.startswith("order."):
        # Some senders give refunds a sign; the type already says which way they went.
        amount = _minor(total, currency, "properties.total", signed=type_ == "order.refunded")
        purchase["value"] = {"amount": amount, "currency": currency}
    products = objects(properties, "products")
    if not products and ("product_id" in properties or "sku" in properties):
        products = [properties]  # Product Added and Removed describe the one product
    items = [_item(product, currency) for product in products]
    return {**purchase, "items": items or None}


def _item(product: Any, currency: str | None) -> dict[str, Any]:
    product = required_object(product, "properties.products")
    item: dict[str, Any] = {"quantity": product.get("quantity")}
    for field, names in (
        ("sku", ("sku", "product_id")),
        ("name", ("name",)),
        ("category", ("category",)),
    ):
        value = next((product[n] for n in names if product.get(n) not in (None, "")), None)
        item[field] = str(value) if type(value) is int else value
    price = product.get("price")
    if price is not None and currency is not None:
        item["unit_price"] = _minor(price, currency, "properties.products.price")
    return {k: v for k, v in item.items() if v is not None}


def _minor(value: Any, currency: str, where: str, *, signed: bool = False) -> int:
    """Major units, as a number or as plain decimal text, in minor units."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidPayload(f"{where}: must be a number")
    try:
        # str of a float is the shortest text that reads back as the same float.
        amount = Decimal(str(value))
        # Checked first: an exponent in a text could ask for gigabytes of digits.
        if not amount.is_finite() or amount.adjusted() > _MAX_EXPONENT:
            raise InvalidPayload(f"{where}: out of range")
        minor = int(amount.scaleb(minor_digits(currency)).to_integral_value(ROUND_HALF_UP))
    except (InvalidOperation, ValueError):
        raise InvalidPayload(f"{where}: must be a number") from None
    minor = abs(minor) if signed else minor
    if not 0 <= minor <= MAX_AMOUNT_MINOR:
        raise InvalidPayload(f"{where}: out of range")
    return minor
