"""Recency, frequency and value of purchases, kept per contact point.

Every order is a small document of its own that merges by maximum and union, and
the totals are the sum of what each order contributes; so the same events give
the same totals in every order, and a cancellation takes back exactly what the
order had added.
"""

from __future__ import annotations

from typing import Any

from enlace.domain.purchase import Purchase

#: Interaction types that change an order.
ORDER_TYPES = frozenset(
    ("order.placed", "order.paid", "order.shipped", "order.cancelled", "order.refunded")
)
_VALUED = ("order.paid", "order.placed")
_MAX_REFUNDS = 50


def with_event(
    order: dict[str, Any], type_: str, purchase: Purchase, occurred_at: str, interaction_id: str
) -> dict[str, Any]:
    """The order after one more event.

    Parameters
    ----------
    order : dict
        ``{}`` for an order not heard of before.
    occurred_at : str
        Contract time.
    """
    if type_ == "order.cancelled":
        return {**order, "cancelled": True}
    if purchase.amount_minor is None:
        return order
    entry = [occurred_at, interaction_id, purchase.amount_minor, purchase.currency]
    if type_ == "order.refunded":
        refunds = {**order.get("refunds", {}), interaction_id: entry[2:]}
        return {**order, "refunds": dict(sorted(refunds.items())[:_MAX_REFUNDS])}
    if type_ in _VALUED:
        return {**order, type_: max(entry, order.get(type_, entry))}
    return order


def contribution(order: dict[str, Any]) -> dict[str, list[int]]:
    """Currency -> ``[orders, amount in minor units]`` that an order adds to the totals."""
    entry = next((order[type_] for type_ in _VALUED if type_ in order), None)
    if entry is None or order.get("cancelled"):
        return {}
    amount, currency = entry[2], entry[3]
    for refunded, refund_currency in order.get("refunds", {}).values():
        if refund_currency == currency:
            amount -= refunded
    return {currency: [1, amount]}


def with_order(
    totals: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> dict[str, Any]:
    """Totals after an order went from ``before`` to ``after``.

    Shape: ``{currency: {"orders", "amount_minor"}, "last_at", "last": {…}}``. The
    time is that of the last purchase made, cancelled or not: when somebody last
    chose to buy is what recency measures. For ``last`` see :func:`with_last`.
    """
    result = {
        key: dict(value) if isinstance(value, dict) else value for key, value in totals.items()
    }
    for sign, order in ((1, after), (-1, before)):
        for currency, (orders, amount) in contribution(order).items():
            entry = result.setdefault(currency, {"orders": 0, "amount_minor": 0})
            entry["orders"] += sign * orders
            entry["amount_minor"] += sign * amount
            if not any(entry.values()):
                # As if it had never been: whether the cancellation came first must not show.
                del result[currency]
    for type_ in _VALUED:
        if type_ in after:
            at = after[type_][0]
            result["last_at"] = max(at, result.get("last_at", at))
    return result


def with_last(
    totals: dict[str, Any],
    type_: str,
    purchase: Purchase,
    occurred_at: str,
    interaction_id: str,
    *,
    told: bool,
) -> dict[str, Any]:
    """Totals that also know the last purchase, so that nobody has to look for it.

    ``last`` holds two: ``told``, the last that the contact point's holder may be told
    of, and ``any``. Each is ``[contract time, interaction id, order id, amount in
    minor units, currency, store kind, store id]``; the greatest stays, whatever the
    order of arrival.
    """
    if type_ not in _VALUED or purchase.amount_minor is None:
        return totals
    entry = [
        occurred_at,
        interaction_id,
        purchase.order_id or "",
        purchase.amount_minor,
        purchase.currency,
        purchase.store_kind or "",
        purchase.store_id or "",
    ]
    last = dict(totals.get("last", {}))
    for name in ("any", "told") if told else ("any",):
        last[name] = max(entry, last.get(name, entry))
    return {**totals, "last": last}
