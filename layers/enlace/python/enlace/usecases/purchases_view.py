"""Recency, frequency and value over the contact points of one customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any


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
            else:
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


def _days(since: str, today: str) -> int:
    # A vendor's clock that runs ahead must not make it negative.
    return max(0, (date.fromisoformat(today) - date.fromisoformat(since[:10])).days)
