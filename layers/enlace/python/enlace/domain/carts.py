"""Carts and bookings begun and not ended, kept per contact point.

One small document per contact point holds its newest carts. The latest event of a
cart decides what is kept of it, so the same events give the same document in every
order. What came at level ``proven`` is kept apart from the rest: whoever merely
states an address can neither change nor push out what its holder has begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

CART_TYPES = frozenset(("cart.updated", "cart.abandoned"))
KINDS = ("cart", "booking")
#: Carts kept per contact point and trust, ended ones included.
MAX_CARTS = 5
#: Names kept of a cart's items.
MAX_NAMES = 3

_MAX_ID_CHARACTERS = 128
_MAX_NAME_CHARACTERS = 80
_MAX_URL_CHARACTERS = 1024
_SIDES = ("told", "claimed")


def cart_id_of(type_: str, data: Mapping[str, Any]) -> str | None:
    """The cart that an interaction is about, if it is about one that can be kept."""
    if type_ not in CART_TYPES and type_ != "order.placed" and type_ != "order.paid":
        return None
    id_ = data.get("cart_id")
    return id_ if isinstance(id_, str) and 0 < len(id_) <= _MAX_ID_CHARACTERS else None


def cart_entry(
    type_: str, data: Mapping[str, Any], occurred_at: str, interaction_id: str, channel: str
) -> dict[str, Any]:
    """What one event says about its cart.

    An order of the cart, and an update that says that nothing is in it any more,
    end it. What another system words differently is left out, never refused.

    Returns
    -------
    dict
        ``at`` (``[contract time, interaction id]``), ``channel``; for a cart that
        is open also ``type``, ``kind``, and as far as they were given ``value``,
        ``items`` (how many lines), ``names`` (of the first ones) and ``resume_url``.
    """
    entry: dict[str, Any] = {"at": [occurred_at, interaction_id], "channel": channel}
    items = data.get("items")
    if type_ not in CART_TYPES or (type_ == "cart.updated" and items == []):
        return entry
    entry["type"] = type_
    kind = data.get("kind")
    entry["kind"] = kind if isinstance(kind, str) and kind in KINDS else KINDS[0]
    value = _money(data.get("value"))
    if value:
        entry["value"] = value
    if isinstance(items, list):
        names = [item.get("name") for item in items[:MAX_NAMES] if isinstance(item, dict)]
        entry["items"] = len(items)
        entry["names"] = [n[:_MAX_NAME_CHARACTERS] for n in names if isinstance(n, str) and n]
    url = data.get("resume_url")
    # A longer link is no use cut off, and another scheme is not for opening.
    if isinstance(url, str) and len(url) <= _MAX_URL_CHARACTERS and url.startswith("https://"):
        entry["resume_url"] = url
    return entry


def with_cart(
    body: Mapping[str, Any], cart_id: str, entry: dict[str, Any], *, told: bool
) -> dict[str, Any]:
    """The document after one more event.

    Parameters
    ----------
    body : mapping
        ``{}`` for a contact point without carts.
    told : bool
        Whether the contact point's holder may be told of the event.
    """
    side = _SIDES[0] if told else _SIDES[1]
    carts = dict(body.get(side, {}))
    if cart_id in carts and carts[cart_id]["at"] >= entry["at"]:
        return dict(body)
    carts[cart_id] = entry
    newest = sorted(carts.items(), key=lambda cart: cart[1]["at"], reverse=True)[:MAX_CARTS]
    return {**body, side: dict(sorted(newest))}


def open_carts(bodies: Iterable[Mapping[str, Any]], *, told_only: bool) -> list[dict[str, Any]]:
    """What is begun and not ended over several contact points, newest first.

    An order through one contact point ends the cart that was begun through another.

    Parameters
    ----------
    told_only : bool
        Leave out what the holders of the contact points may not be told of.

    Returns
    -------
    list of dict
        ``cart_id`` with the fields of :func:`cart_entry`, ``updated_at`` for ``at``.
    """
    latest: dict[str, dict[str, Any]] = {}
    for body in bodies:
        for side in _SIDES[:1] if told_only else _SIDES:
            for cart_id, entry in body.get(side, {}).items():
                if cart_id not in latest or latest[cart_id]["at"] < entry["at"]:
                    latest[cart_id] = entry
    ordered = sorted(latest.items(), key=lambda cart: (cart[1]["at"], cart[0]), reverse=True)
    return [
        {
            "cart_id": cart_id,
            "updated_at": entry["at"][0],
            **{name: value for name, value in entry.items() if name not in ("at", "type")},
            "abandoned": entry["type"] == "cart.abandoned",
        }
        for cart_id, entry in ordered
        if "type" in entry
    ]


def _money(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    amount, currency = value.get("amount"), value.get("currency")
    if type(amount) is not int or amount < 0:
        return None
    if not isinstance(currency, str) or len(currency) != 3 or not currency.isupper():
        return None
    return {"amount": amount, "currency": currency}
