"""What a comparison comes to: how likely two people are one, and why.

The model is that of I. P. Fellegi and A. B. Sunter, "A theory for record linkage",
JASA 64, 1969: a level of a field counts ``log2(m / u)`` bits, where m and u are how
often it is seen among pairs that are one person and among pairs that are not. For
names and cities u is the frequency of the very value that agrees (W. E. Winkler,
"Frequency-based matching in Fellegi-Sunter model of record linkage", 2000).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from enlace.matching.compare import Comparison
from enlace.matching.weights_file import LEAST, Terms, Weights, default_weights, load_weights

__all__ = ["LEAST", "Score", "Terms", "Weights", "default_weights", "load_weights", "score"]

#: Fields that tell members of one household apart; they share all the others.
PERSONAL = frozenset(("given_name", "descent", "birth_date", "email", "handle"))
#: Fields that tell father and son of one name apart, and how their names then differ.
NAMESAKES_OWN = frozenset(("birth_date", "email", "handle"))
NAMESAKES = frozenset(("one", "different"))
_WHOLE = frozenset(("exact", "shortened", "partial"))


@dataclass(frozen=True, slots=True)
class Score:
    """How likely two people are one.

    Parameters
    ----------
    probability : float
    bits : float
        Sum of the weights, before the prior.
    reasons : list of dict
        ``field``, ``level`` and ``weight`` (bits), the weightiest first; no values.
        ``relatives`` takes off what people of one family share anyway.
    """

    probability: float
    bits: float
    reasons: list[dict[str, Any]]


def score(comparison: Comparison, weights: Weights) -> Score:
    """Weigh a comparison.

    A level that the weights do not know counts nothing.
    """
    match = household = namesakes = stranger = 0.0
    reasons = []
    for name, level in comparison.levels.items():
        known = weights.fields.get(name, {}).get(level)
        if known is None:
            continue
        m = math.log2(known[0])
        share = term_share(name, level, comparison.terms.get(name, ()), weights.terms)
        u = math.log2(chance(level, known[1], share))
        reasons.append({"field": name, "level": level, "weight": round(m - u, 2)})
        match += m
        stranger += u
        household += u if name in PERSONAL else m
        if name != "descent":
            namesakes += u if name in NAMESAKES_OWN else m
    kinds = [
        stranger + math.log2(max(1 - weights.prior - weights.household, LEAST)),
        household + _log2(weights.household),
    ]
    if comparison.levels.get("descent") in NAMESAKES:
        kinds.append(namesakes + _log2(weights.namesakes))
    other = _log2_sum(kinds)
    relatives = min(stranger - other, 0.0)
    if relatives < -0.005:
        reasons.append({"field": "relatives", "level": "alike", "weight": round(relatives, 2)})
    reasons.sort(key=lambda reason: -abs(float(str(reason["weight"]))))
    odds = match + _log2(weights.prior) - other
    return Score(_probability(odds), round(match - stranger + relatives, 2), reasons)


def term_share(
    name: str, level: str, values: tuple[str, ...], terms: Mapping[str, Terms]
) -> float | None:
    """How common the agreeing values are; None where the field has no such list.

    Parameters
    ----------
    values : tuple of str
        Of :attr:`enlace.matching.compare.Comparison.terms`.
    """
    known = terms.get(name)
    if known is None or not values:
        return None
    if level == "swapped":
        surnames = terms.get("surname", known)
        shares = [max(known.share(value), surnames.share(value)) for value in set(values)]
        return max(math.prod(shares), LEAST)
    if level in _WHOLE:
        return max(math.prod(known.share(value) for value in set(values)), LEAST)
    # The rarer of two spellings says how often the pair of them meets by chance.
    return min(known.share(value) for value in values)


def chance(level: str, u: float, share: float | None) -> float:
    """How often somebody else agrees at a level, given how common the values are."""
    if share is None:
        return u
    return share if level in _WHOLE or level == "swapped" else max(u, share)


def _log2(chance: float) -> float:
    return math.log2(max(chance, 1e-300))


def _log2_sum(terms: list[float]) -> float:
    high = max(terms)
    return high + math.log2(sum(math.pow(2.0, max(term - high, -1000.0)) for term in terms))


def _probability(odds: float) -> float:
    """From the logarithm of the odds, without overflow."""
    return 1 / (1 + math.pow(2.0, -max(min(odds, 1000.0), -1000.0)))
