"""What the agreement of a field tells: the file that says it, and scores by it.

The model is that of I. P. Fellegi and A. B. Sunter, "A theory for record linkage",
JASA 64, 1969: a level of a field counts ``log2(m / u)`` bits, where m and u are how
often it is seen among pairs that are one person and among pairs that are not. For
names and cities u is the frequency of the very value that agrees (W. E. Winkler,
"Frequency-based matching in Fellegi-Sunter model of record linkage", 2000).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from enlace.errors import InvalidWeights
from enlace.matching.compare import LEVELS, Comparison

#: Fields that tell members of one household apart; they share all the others.
PERSONAL = frozenset(("given_name", "descent", "birth_date", "email", "handle"))
#: Fields that tell father and son of one name apart, and how their names then differ.
NAMESAKES_OWN = frozenset(("birth_date", "email", "handle"))
NAMESAKES = frozenset(("one", "different"))
#: No agreement is so rare that nobody else could have it.
LEAST = 1e-7
_WHOLE = frozenset(("exact", "shortened", "partial"))


@dataclass(frozen=True, slots=True)
class Terms:
    """How common the values of a field are.

    Parameters
    ----------
    default : float
        Share of the records that hold one value that is not listed.
    shares : dict of value to float
        Share of the records that hold it, of the commonest values.
    """

    default: float
    shares: Mapping[str, float] = field(repr=False)

    def share(self, value: str) -> float:
        """Chance that a record of somebody else holds the value."""
        return self.shares.get(value, self.default)


@dataclass(frozen=True, slots=True)
class Weights:
    """A weights file.

    Parameters
    ----------
    version, trained_on, date : str
        Which weights these are, and from what they were learned.
    records : int
        Records among which the prior holds.
    prior : float
        Chance that two records, drawn blindly, are one person.
    household : float
        Chance that they are two people who live together.
    namesakes : float
        Chance that they are relatives of one name, if one of the records calls
        somebody *Filho*, *Junior* or *Neto*.
    fields : dict of field to dict of level to ``(m, u)``
    terms : dict of field to Terms
    """

    version: str
    trained_on: str
    date: str
    records: int
    prior: float
    household: float
    namesakes: float
    fields: Mapping[str, Mapping[str, tuple[float, float]]]
    terms: Mapping[str, Terms] = field(default_factory=dict, repr=False)

    def among(self, records: int) -> Weights:
        """The same weights for another number of records.

        Everybody has as many records as before, among more or fewer strangers.
        """
        factor = self.records / max(records, 2)
        return replace(
            self,
            records=records,
            prior=min(self.prior * factor, 0.5),
            household=min(self.household * factor, 0.2),
            namesakes=min(self.namesakes * factor, 0.2),
        )

    def to_json(self) -> str:
        """The file's text."""
        document = {
            "version": self.version,
            "trained_on": self.trained_on,
            "date": self.date,
            "records": self.records,
            "prior": _short(self.prior),
            "household": _short(self.household),
            "namesakes": _short(self.namesakes),
            "fields": {
                name: {level: {"m": _short(m), "u": _short(u)} for level, (m, u) in levels.items()}
                for name, levels in self.fields.items()
            },
            "terms": {
                name: {
                    "default": _short(terms.default),
                    "shares": {value: _short(share) for value, share in terms.shares.items()},
                }
                for name, terms in self.terms.items()
            },
        }
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


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


def _short(number: float) -> float:
    return float(f"{number:.4g}")


@lru_cache(maxsize=1)
def default_weights() -> Weights:
    """The weights that ship, from ``enlace/rules/weights.json``."""
    path = Path(__file__).parents[1] / "rules" / "weights.json"
    return load_weights(path.read_text(encoding="utf-8"))


def load_weights(text: str) -> Weights:
    """Weights from a file's text.

    Raises
    ------
    InvalidWeights
        If it is not JSON, lacks something, or holds what is no probability.
    """
    try:
        document = json.loads(text)
    except ValueError:
        raise InvalidWeights("the weights: not JSON") from None
    if not isinstance(document, dict):
        raise InvalidWeights("the weights: must be an object")
    fields = _object(document, "fields")
    terms = _object(document, "terms")
    unknown = set(fields) - set(LEVELS)
    if unknown:
        raise InvalidWeights(f"fields: {sorted(unknown)[0][:40]!r} is not a field")
    return Weights(
        version=_text(document, "version"),
        trained_on=_text(document, "trained_on"),
        date=_text(document, "date"),
        records=_count(document, "records"),
        prior=_share(document, "prior", "prior"),
        household=_share(document, "household", "household", zero=True),
        namesakes=_share(document, "namesakes", "namesakes", zero=True),
        fields={name: _levels(fields, name) for name in LEVELS if name in fields},
        terms={name: _terms(terms, name) for name in terms},
    )


def _levels(fields: Mapping[str, Any], name: str) -> dict[str, tuple[float, float]]:
    levels = {}
    for level, pair in _object(fields, name).items():
        if level not in LEVELS[name]:
            raise InvalidWeights(f"fields.{name}: {level[:40]!r} is not a level")
        if not isinstance(pair, dict):
            raise InvalidWeights(f"fields.{name}.{level}: must be an object")
        where = f"fields.{name}.{level}"
        levels[level] = _share(pair, "m", where), _share(pair, "u", where)
    return levels


def _terms(terms: Mapping[str, Any], name: str) -> Terms:
    entry = _object(terms, name)
    shares = _object(entry, "shares")
    where = f"terms.{name}"
    return Terms(
        _share(entry, "default", where), {value: _share(shares, value, where) for value in shares}
    )


def _object(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise InvalidWeights(f"{name}: must be an object")
    return value


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidWeights(f"{name}: must be a text")
    return value


def _count(document: Mapping[str, Any], name: str) -> int:
    value = document.get(name)
    if type(value) is not int or value < 2:
        raise InvalidWeights(f"{name}: must be a number of records, 2 or more")
    return value


def _share(document: Mapping[str, Any], name: str, where: str, *, zero: bool = False) -> float:
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidWeights(f"{where}: a probability must be a number")
    if not (0 < value <= 1 or (zero and value == 0)):
        raise InvalidWeights(f"{where}: a probability must be above 0 and at most 1")
    return float(value)
