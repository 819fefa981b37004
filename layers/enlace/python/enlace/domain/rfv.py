"""Scores of recency, frequency and value by quintile.

A distribution counts how many customers have which figure; its four cut points
divide them into fifths. Only the cut points are kept: scores are computed when they
are asked for, from the figures of that moment, so a purchase, a refund, a merge or
a split has nothing to bring up to date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

#: Fewer customers have no fifths.
LEAST_CUSTOMERS = 5
#: Different figures that are counted exactly; beyond, their last digits are dropped.
MAX_FIGURES = 2000
_DIGITS = range(18, 0, -1)


def truncated(figure: int, digits: int | None) -> int:
    """``figure`` with only its first ``digits`` digits, towards zero; None keeps them all.

    Dropping digits one after another ends where dropping them at once does.
    """
    if digits is None:
        return figure
    excess = len(str(abs(figure))) - digits
    if excess <= 0:
        return figure
    unit: int = 10**excess
    return (abs(figure) // unit) * unit * (1 if figure >= 0 else -1)


@dataclass
class Distribution:
    """How many customers have which figure; bounded, and the same in every order of adding.

    Parameters
    ----------
    counts : dict of int to int
    digits : int or None
        Leading digits that the figures still have; None while all are exact.
    """

    counts: dict[int, int] = field(default_factory=dict)
    digits: int | None = None

    def add(self, figure: int) -> None:
        """Count one customer."""
        figure = truncated(figure, self.digits)
        self.counts[figure] = self.counts.get(figure, 0) + 1
        while len(self.counts) > MAX_FIGURES:
            digits = next(d for d in _DIGITS if self.digits is None or d < self.digits)
            counts: dict[int, int] = {}
            for known, count in self.counts.items():
                shorter = truncated(known, digits)
                counts[shorter] = counts.get(shorter, 0) + count
            self.counts, self.digits = counts, digits

    def cut_points(self) -> CutPoints | None:
        """Where the fifths end; None for fewer than :data:`LEAST_CUSTOMERS`."""
        total = sum(self.counts.values())
        if total < LEAST_CUSTOMERS:
            return None
        cuts: list[int] = []
        passed = 0
        for figure, count in sorted(self.counts.items()):
            passed += count
            # The nearest rank: the smallest figure that k fifths of the customers do not exceed.
            while len(cuts) < 4 and 5 * passed >= (len(cuts) + 1) * total:
                cuts.append(figure)
        return CutPoints(tuple(cuts), self.digits)

    def to_json(self) -> list[Any]:
        """As JSON keeps it."""
        return [self.digits, [list(entry) for entry in sorted(self.counts.items())]]

    @staticmethod
    def from_json(body: list[Any]) -> Distribution:
        """The inverse of :meth:`to_json`."""
        return Distribution({figure: count for figure, count in body[1]}, body[0])


@dataclass(frozen=True, slots=True)
class CutPoints:
    """The greatest figure of each of the four lower fifths."""

    cuts: tuple[int, ...]
    digits: int | None = None

    def score(self, figure: int) -> int:
        """1 to 5. Equal figures have equal scores, those of the lowest fifth they reach into."""
        figure = truncated(figure, self.digits)
        return 1 + sum(figure > cut for cut in self.cuts)


@dataclass(frozen=True, slots=True)
class Quintiles:
    """The cut points in force.

    Parameters
    ----------
    day : str
        Of which they are, ``YYYY-MM-DD``.
    customers : int
        Who had bought by then.
    recency, frequency : CutPoints or None
        Recency counts in days before ``day``, negative, so that more is more recent.
    value : mapping of currency to CutPoints
        In minor units, net of refunds.
    """

    day: str
    customers: int
    recency: CutPoints | None
    frequency: CutPoints | None
    value: Mapping[str, CutPoints]

    def scores(self, purchases: Mapping[str, Any]) -> dict[str, Any] | None:
        """Scores of raw figures, as :func:`combined_purchases` gives them.

        Returns
        -------
        dict or None
            ``recency``, ``frequency``, ``value`` (1 to 5, or None where there are no
            cut points), ``currency`` (of the value: the one with most orders),
            ``as_of`` (:attr:`day`); None for somebody who has bought nothing.
        """
        figures = figures_of(purchases, self.day)
        if figures is None:
            return None
        recency, frequency, values = figures
        # The currency that they mostly buy in; the alphabet where two are alike.
        main = min(purchases["value"], key=lambda v: (-v["orders"], v["currency"]))["currency"]
        by_value = self.value.get(main)
        return {
            "recency": self.recency.score(recency) if self.recency else None,
            "frequency": self.frequency.score(frequency) if self.frequency else None,
            "value": by_value.score(values[main]) if by_value else None,
            "currency": main,
            "as_of": self.day,
        }

    def to_json(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {
            "day": self.day,
            "customers": self.customers,
            "recency": _to_json(self.recency),
            "frequency": _to_json(self.frequency),
            "value": {currency: _to_json(cuts) for currency, cuts in sorted(self.value.items())},
        }

    @staticmethod
    def from_json(body: Mapping[str, Any]) -> Quintiles:
        """The inverse of :meth:`to_json`."""
        return Quintiles(
            body["day"],
            body["customers"],
            _from_json(body["recency"]),
            _from_json(body["frequency"]),
            {
                currency: cuts
                for currency, entry in body["value"].items()
                if (cuts := _from_json(entry))
            },
        )


def figures_of(purchases: Mapping[str, Any], day: str) -> tuple[int, int, dict[str, int]] | None:
    """Recency (days before ``day``, negative), orders, and amount by currency.

    None for somebody without an order that counts: all were cancelled, or none had
    a value.
    """
    if not purchases["orders"] or purchases["last_at"] is None:
        return None
    last = date.fromisoformat(purchases["last_at"][:10])
    recency = (last - date.fromisoformat(day)).days
    return (
        recency,
        purchases["orders"],
        {entry["currency"]: entry["amount"] for entry in purchases["value"]},
    )


def _to_json(cuts: CutPoints | None) -> list[Any] | None:
    return None if cuts is None else [cuts.digits, *cuts.cuts]


def _from_json(body: list[Any] | None) -> CutPoints | None:
    return None if body is None else CutPoints(tuple(body[1:]), body[0])
