"""How alike two people are, field by field, as levels that can be counted.

A level says *how* a field agrees, not how much that tells: the weights say that.
A field that either side lacks is left out, and so contributes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from rapidfuzz.distance import OSA, JaroWinkler

from enlace.errors import InvalidWeights
from enlace.matching.compare_handles import email_level, handle_level
from enlace.matching.compare_names import compare_names
from enlace.matching.features import Features

#: Levels of each field, the strongest agreement first: what a weights file has.
LEVELS: Mapping[str, tuple[str, ...]] = {
    "given_name": (
        *("exact", "swapped", "phonetic", "close", "similar", "nickname", "initial", "different"),
    ),
    "surname": (
        *("exact", "shortened", "phonetic", "close", "similar", "partial", "initials"),
        "different",
    ),
    "descent": ("exact", "one", "different"),
    "birth_date": ("exact", "close", "partial", "different"),
    "city": ("exact", "close", "different"),
    "state": ("exact", "different"),
    "postal_code": ("exact", "close", "area", "different"),
    "street": ("both", "exact", "close", "different"),
    "street_number": ("exact", "close", "different"),
    "phone": ("exact", "close", "different"),
    "email": ("exact", "close", "different"),
    "handle": ("exact", "email", "close", "different"),
    "device": ("exact", "different"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """How alike two people are.

    Parameters
    ----------
    levels : dict of field to level
        Only fields that both sides have; holds no value, so it may be stored.
    terms : dict of field to tuple of str
        The values that agree, whose frequency matters (name parts, a city). Personal
        data: never stored, and never printed.
    """

    levels: dict[str, str]
    terms: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)


def comparison_of(levels: Any) -> Comparison:
    """A comparison from the levels that somebody kept.

    Raises
    ------
    InvalidWeights
        If they are no levels.
    """
    if not isinstance(levels, Mapping):
        raise InvalidWeights("comparison: must be an object")
    for name, level in levels.items():
        if level not in LEVELS.get(name, ()):
            raise InvalidWeights(f"comparison.{str(name)[:40]}: not a field with such a level")
    return Comparison(dict(levels))


def compare(a: Features, b: Features) -> Comparison:
    """Compare two people; the order of the two makes no difference."""
    levels: dict[str, str] = {}
    terms: dict[str, tuple[str, ...]] = {}
    if a.names and b.names:
        compare_names(a.names, b.names, levels, terms)
    for name, left, right, level in (
        ("birth_date", a.births, b.births, _birth),
        ("postal_code", a.postal_codes, b.postal_codes, _postal_code),
        ("street_number", a.street_numbers, b.street_numbers, _number),
        ("phone", a.phones, b.phones, _one_slip),
        ("device", a.devices, b.devices, _same),
    ):
        # Two contact points of one kind differ by what they are.
        if left and right and not a.own == b.own == name:
            levels[name] = _best(name, left, right, level)
    if a.cities and b.cities:
        levels["city"] = _best("city", a.cities, b.cities, _city)
        if levels["city"] == "exact":
            terms["city"] = (min(set(a.cities).intersection(b.cities)),)
    if a.states and b.states and levels.get("city", "different") == "different":
        # A city lies in one state: where the city agrees the state says nothing more.
        levels["state"] = _best("state", a.states, b.states, _same)
    if a.streets and b.streets:
        levels["street"] = _streets(a.streets, b.streets)
    for name, own in (("email", email_level(a, b)), ("handle", handle_level(a, b))):
        if own is not None:
            levels[name] = own
    return Comparison(levels, terms)


def _best(
    name: str, left: Iterable[str], right: Iterable[str], level: Callable[[str, str], str]
) -> str:
    found = {level(x, y) for x, y in product(left, right)}
    return next(step for step in LEVELS[name] if step in found)


def _same(a: str, b: str) -> str:
    return "exact" if a == b else "different"


def _one_slip(a: str, b: str) -> str:
    if a == b:
        return "exact"
    return "close" if OSA.distance(a, b, score_cutoff=1) <= 1 else "different"


def _birth(a: str, b: str) -> str:
    if a == b:
        return "exact"
    day_for_month = a[:4] == b[:4] and a[5:7] == b[8:] and a[8:] == b[5:7]
    if day_for_month or OSA.distance(a, b, score_cutoff=1) <= 1:
        return "close"
    same = (a[:4] == b[:4]) + (a[5:7] == b[5:7]) + (a[8:] == b[8:])
    return "partial" if same == 2 else "different"


def _city(a: str, b: str) -> str:
    if a == b:
        return "exact"
    return "close" if JaroWinkler.similarity(a, b) >= 0.9 else "different"


def _postal_code(a: str, b: str) -> str:
    level = _one_slip(a, b)
    # A CEP's first five digits are a district of a city.
    if level == "different" and len(a) == len(b) == 8 and a[:5] == b[:5]:
        return "area"
    return level


def _number(a: str, b: str) -> str:
    return _one_slip(a, b) if len(a) > 1 and len(b) > 1 else _same(a, b)


def _streets(a: tuple[str, ...], b: tuple[str, ...]) -> str:
    agreeing: list[tuple[float, str, str]] = []
    for x, y in product(a, b):
        similarity = 1.0 if x == y else JaroWinkler.similarity(x, y)
        if similarity >= 0.88:
            agreeing.append((-similarity, x, y))
    if not agreeing:
        return "different"
    best, x, y = min(agreeing)
    if any(other[1] != x and other[2] != y for other in agreeing):
        return "both"
    return "exact" if best == -1.0 else "close"
