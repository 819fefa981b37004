"""What contact points say of a person, and when two of them cannot be one person.

People give a relative's CPF at the till, and mistype their own into a neighbour's
valid one. So a unique identifier that somebody merely stated joins nobody whose
name and birth date speak against it (the rule ``contradiction``). Claims are a
function of the traits seen, so the guard depends on no order of arrival.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from enlace.domain.names import agreement, edit_distance, name_parts
from enlace.domain.trait_fields import field_of

_DATE = re.compile(r"(?:(\d{4})-?(\d{2})-?(\d{2})|(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}))(?!\d)")
#: What forms hold where nobody was asked.
_PLACEHOLDERS = frozenset(("1900-01-01", "1901-01-01", "1970-01-01", "1980-01-01", "2000-01-01"))


@dataclass(frozen=True, slots=True)
class Claims:
    """Names and birth dates that came through one or several contact points.

    Parameters
    ----------
    names : tuple of str
        Name parts separated by spaces (:func:`enlace.domain.names.name_parts`), sorted.
    births : tuple of str
        ``YYYY-MM-DD``, sorted.
    """

    names: tuple[str, ...] = ()
    births: tuple[str, ...] = ()


NO_CLAIMS = Claims()


def claims_of(traits: Mapping[str, Mapping[str, object]]) -> Claims:
    """The claims among the traits of an identifier record.

    Parameters
    ----------
    traits : dict of name to dict of JSON value to anything
        As :class:`enlace.domain.records.IdentifierRecord` keeps them.
    """
    if not traits:
        return NO_CLAIMS
    said: dict[str, list[str]] = {}
    for trait in sorted(traits):
        if field := field_of(trait):
            said.setdefault(field, []).extend(_texts(traits[trait]))
    names = said.get("name", [])
    for first in said.get("given", ()):
        names += [f"{first} {last}" for last in said.get("surname", [""])]
    births = {birth_of(text) for text in said.get("birth", ())}
    parts = {" ".join(name_parts(name)) for name in names}
    if not parts and not births:
        return NO_CLAIMS
    return Claims(tuple(sorted(parts - {""})), tuple(sorted(filter(None, births))))


def compared(traits: Mapping[str, Mapping[str, object]]) -> dict[str, frozenset[str]]:
    """The values of the traits by which contact points are likened to each other.

    A change of one of them is told on the bus; any other (a plan, a counter) is
    nobody's likeness.
    """
    return {name: frozenset(values) for name, values in traits.items() if field_of(name)}


def _texts(values: Iterable[str]) -> list[str]:
    return [text for text in map(json.loads, values) if isinstance(text, str)]


def birth_of(text: str) -> str | None:
    """A birth date as ``YYYY-MM-DD``; None where there is none, or only a placeholder.

    Takes ``1980-05-31``, ``19800531`` (with a time behind them or not) and ``31/5/1980``.
    """
    found = _DATE.match(text.strip())
    if found is None:
        return None
    year, month, day = found.group(1, 2, 3) if found[1] else found.group(6, 5, 4)
    if not ("1900" <= year <= "2100" and 1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    date = f"{year}-{int(month):02d}-{int(day):02d}"
    return None if date in _PLACEHOLDERS else date


def pooled(claims: Iterable[Claims]) -> Claims:
    """What several identifiers of one person say together.

    An identifier through which several people spoke (a CPF lent to the family)
    speaks for none of them, and is left out.
    """
    names: set[str] = set()
    births: set[str] = set()
    for one in claims:
        if one is not NO_CLAIMS and not _of_several_people(one):
            names.update(one.names)
            births.update(one.births)
    return Claims(tuple(sorted(names)), tuple(sorted(births)))


def contradict(a: Claims, b: Claims) -> bool:
    """Whether no person could have said both, typing errors apart.

    Names of which neither's first stands in the other, unless the birth dates agree; or
    birth dates that differ by more than a slip, unless the whole names agree (forms get
    invented dates more often than two people of one name share a number). Where each
    side knows several values, the two that agree best count.
    """
    births = max((_closeness(x, y) for x in a.births for y in b.births), default=None)
    names = _agreement(a, b)
    if names == 0:
        return births != 2
    return births == 0 and names != 2


def agree(a: Claims, b: Claims) -> bool:
    """Whether both speak of one person: nothing against it, and something for it."""
    return not contradict(a, b) and (
        bool(_agreement(a, b)) or any(_closeness(x, y) == 2 for x in a.births for y in b.births)
    )


def _agreement(a: Claims, b: Claims) -> int | None:
    return max(
        (agreement(tuple(x.split()), tuple(y.split())) for x in a.names for y in b.names),
        default=None,
    )


def contradicting(a: Claims, b: Claims) -> tuple[str, ...]:
    """Which of ``name`` and ``birth_date`` say that ``a`` and ``b`` are two people.

    Empty where they do not contradict each other.
    """
    if not contradict(a, b):
        return ()
    # One that alone changes nothing is no part of the contradiction.
    names, births = Claims(a.names), Claims((), a.births)
    alone = [
        field
        for field, claims in (("name", names), ("birth_date", births))
        if contradict(claims, b)
    ]
    return tuple(alone) or ("name", "birth_date")


def _of_several_people(claims: Claims) -> bool:
    return any(
        contradict(Claims((x,)), Claims((y,))) for x in claims.names for y in claims.names
    ) or any(not _closeness(x, y) for x in claims.births for y in claims.births)


def _closeness(a: str, b: str) -> int:
    """2 for birth dates one slip apart (a digit, two swapped, day for month), 1 if
    only the day, the month or the year differs, else 0."""
    if (a[:4] == b[:4] and a[5:7] == b[8:] and a[8:] == b[5:7]) or edit_distance(a, b) <= 1:
        return 2
    return int(sum(x == y for x, y in zip(a.split("-"), b.split("-"), strict=True)) == 2)
