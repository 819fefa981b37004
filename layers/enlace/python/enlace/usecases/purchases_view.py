"""Recency, frequency and value over the contact points of one customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from enlace.domain.rfv import Quintiles


def combined_purchases(totals: Iterable[Mapping[str, Any]], today: str) -> dict[str, Any]:
    """The sum of several contact points' purchase totals.

    Parameters
    ----------
    totals : iterable of mappings
        As :func:`enlace.domain.totals.with_order` makes them.
    today : str
        ``YYYY-MM-DD``.

    Returns
    -------
    dict
        ``orders`` (frequency), ``value`` (per currency: ``currency``, ``orders``,
        ``amount`` in minor units; the lifetime value), ``last_at`` and
        ``recency_days``, both None where nothing was bought.
    """
    by_currency: dict[str, list[int]] = {}
    last_at: str | None = None
    for entry in totals:
        for name, value in entry.items():
            if name == "last_at":
                last_at = value if last_at is None else max(last_at, value)
            elif name != "last":
                sums = by_currency.setdefault(name, [0, 0])
                sums[0] += value["orders"]
                sums[1] += value["amount_minor"]
    return {
        "orders": sum(orders for orders, _ in by_currency.values()),
        "value": [
            {"currency": currency, "orders": orders, "amount": amount}
            for currency, (orders, amount) in sorted(by_currency.items())
            if orders or amount
        ],
        "last_at": last_at,
        "recency_days": None if last_at is None else _days(last_at, today),
    }


def scored_purchases(
    totals: Iterable[Mapping[str, Any]], today: str, quintiles: Quintiles | None
) -> dict[str, Any]:
    """:func:`combined_purchases`, with lifetime values and scores.

    Returns
    -------
    dict
        Also ``ltv`` (per currency ``currency``, ``amount``, ``average_order``, in minor
        units, net of refunds) and ``rfv`` (:meth:`Quintiles.scores`, or None).
    """
    purchases = combined_purchases(totals, today)
    purchases["ltv"] = [
        {
            "currency": value["currency"],
            "amount": value["amount"],
            "average_order": value["amount"] // value["orders"],
        }
        for value in purchases["value"]
        if value["orders"]
    ]
    purchases["rfv"] = quintiles.scores(purchases) if quintiles else None
    return purchases


def last_purchase(
    totals: Iterable[Mapping[str, Any]], last_at: str | None, *, told_only: bool
) -> dict[str, Any] | None:
    """The last purchase through any of several contact points.

    Parameters
    ----------
    told_only : bool
        Only what the holders of the contact points may be told of.

    Returns
    -------
    dict or None
        ``occurred_at`` and, as far as they are known, ``order_id``, ``value`` and ``store``.
    """
    name = "told" if told_only else "any"
    kept = [entry["last"] for entry in totals if "last" in entry]
    known = [last[name] for last in kept if name in last]
    if not known:
        # Totals from before the last purchase was kept have its time alone.
        return {"occurred_at": last_at} if last_at and not kept else None
    occurred_at, _, order_id, amount, currency, kind, store_id = max(known)
    found: dict[str, Any] = {"occurred_at": occurred_at}
    if order_id:
        found["order_id"] = order_id
    found["value"] = {"amount": amount, "currency": currency}
    store = {key: value for key, value in (("kind", kind), ("id", store_id)) if value}
    return {**found, "store": store} if store else found


def _days(since: str, today: str) -> int:
    # A vendor's clock that runs ahead must not make it negative.
    return max(0, (date.fromisoformat(today) - date.fromisoformat(since[:10])).days)
