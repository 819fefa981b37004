"""The weights file: what the agreement of each field tells, and how common names are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from enlace.errors import InvalidWeights
from enlace.matching.compare import LEVELS

#: No agreement is so rare that nobody else could have it.
LEAST = 1e-7


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
