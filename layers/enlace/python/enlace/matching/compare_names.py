"""How alike two names are: Portuguese names first.

People leave out middle names, abbreviate them, marry, go by a nickname, and type
surnames into the field for given names. So the first given name is compared on its
own, and all further parts as a list in which the shorter one may be part of the longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

from rapidfuzz.distance import OSA, JaroWinkler

from enlace.domain.names import NICKNAMES
from enlace.matching.features import Name
from enlace.matching.phonetic import phonetic_key

#: The better the smaller; parts that are told apart by more than "similar" do not agree.
_ORDER = ("exact", "phonetic", "close", "similar", "nickname", "initial", "different")
_RANK = {level: rank for rank, level in enumerate(_ORDER)}
#: Which of several names of two people go together best: the pair with the least sum.
_GAIN = {
    **{level: rank - 5 for level, rank in _RANK.items()},
    **{"swapped": -8, "shortened": -4, "partial": -2, "initials": 0},
}


def compare_names(
    a: Sequence[Name],
    b: Sequence[Name],
    levels: dict[str, str],
    terms: dict[str, tuple[str, ...]],
) -> None:
    """Put the levels and terms of the best pair of names into ``levels`` and ``terms``."""
    found = [_compare(*sorted(pair)) for pair in product(a, b)]
    # Ties fall by what was found, and not by whose name came first.
    _, best, agreeing = min(found, key=lambda f: (f[0], sorted(f[1].items()), sorted(f[2].items())))
    levels.update(best)
    terms.update(agreeing)


def _compare(a: Name, b: Name) -> tuple[int, dict[str, str], dict[str, tuple[str, ...]]]:
    levels: dict[str, str] = {}
    terms: dict[str, tuple[str, ...]] = {}
    if a.first and b.first:
        levels["given_name"] = part_level(a.first, b.first)
        terms["given_name"] = (a.first, b.first)
    if levels.get("given_name") == "different" and _moved(a, b):
        levels["given_name"] = "swapped"
        common = {a.first, *a.rest}.intersection((b.first, *b.rest))
        terms["given_name"] = tuple(sorted(common or (a.first, b.first)))
    elif a.rest and b.rest:
        levels["surname"], terms["surname"] = rest_level(a.rest, b.rest)
    gain = sum(_GAIN[level] for level in levels.values())
    if a.descent or b.descent:
        levels["descent"] = (
            "exact" if a.descent == b.descent else "different" if a.descent and b.descent else "one"
        )
    return gain, levels, terms


def _moved(a: Name, b: Name) -> bool:
    """The given name of each stands among the surnames of the other."""
    return all(
        any(_RANK[part_level(first, part)] <= _RANK["close"] for part in rest)
        for first, rest in ((a.first, b.rest), (b.first, a.rest))
    )


def rest_level(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Level and agreeing terms of all parts behind the first given name.

    Parameters
    ----------
    a, b : tuple of str
        Not empty.
    """
    if a == b or set(a) == set(b):
        return "exact", tuple(sorted(set(a)))
    common = set(a).intersection(b)
    short, long = sorted((a, b), key=lambda parts: (len(parts), parts))
    if common.issuperset(short):
        return "shortened", tuple(sorted(common))
    joined = part_level("".join(a), "".join(b))
    if joined == "exact":
        return "close", ("".join(a), "".join(b))
    worst, pairs = _aligned(short, long)
    if joined in ("phonetic", "close") and _RANK[joined] < _RANK[worst]:
        return joined, ("".join(a), "".join(b))
    if worst in ("phonetic", "close", "similar"):
        x, y = next(pair for pair in pairs if part_level(*pair) == worst)
        return worst, (x, y)
    if worst == "initial":
        # J. P. Silva and João Paulo Silva: what both write in full agrees.
        return ("shortened", tuple(sorted(common))) if common else ("initials", ())
    return ("partial", tuple(sorted(common))) if common else ("different", ())


def _aligned(short: tuple[str, ...], long: tuple[str, ...]) -> tuple[str, list[tuple[str, str]]]:
    """The worst level among the parts of ``short``, each beside its best in ``long``."""
    left = list(long)
    pairs = []
    worst = "exact"
    for part in short:
        other = min(left, key=lambda candidate: (_RANK[part_level(part, candidate)], candidate))
        level = part_level(part, other)
        if _RANK[level] > _RANK[worst]:
            worst = level
        left.remove(other)
        pairs.append((part, other))
    return worst, pairs


@lru_cache(maxsize=65536)
def part_level(a: str, b: str) -> str:
    """How alike two parts of names are, whichever way round."""
    if a == b:
        return "exact"
    short, long = (a, b) if len(a) <= len(b) else (b, a)
    if len(short) == 1:
        return "initial" if long.startswith(short) else "different"
    similarity = JaroWinkler.similarity(a, b)
    if similarity >= 0.6:
        if phonetic_key(a) == phonetic_key(b):
            return "phonetic"
        slips = 0 if len(short) < 4 else 1 if len(short) < 8 else 2
        if OSA.distance(a, b, score_cutoff=slips) <= slips:
            return "close"
    if _short_for(a, b) or _short_for(b, a):
        return "nickname"
    return "similar" if similarity >= 0.85 else "different"


def _short_for(pet: str, name: str) -> bool:
    if name in NICKNAMES.get(pet, ()):
        return True
    if len(pet) >= 4 and len(name) - len(pet) >= 2 and name.endswith(pet):
        # The end of a name that is stressed there: Celo, Tina, Lena.
        return True
    stem = _stem(pet)
    if len(stem) >= 3:
        return name.startswith(stem)
    return bool(stem) and len(name) == 3 and name.startswith(stem)


@lru_cache(maxsize=65536)
def _stem(pet: str) -> str:
    """Of a diminutive: Carlinhos of Carlos, Mariazinha of Maria, Aninha of Ana; else empty."""
    for ending in ("zinha", "zinho", "inhas", "inhos", "inha", "inho"):
        if pet.endswith(ending) and len(pet) - len(ending) >= 2:
            return pet.removesuffix(ending)
    return ""
