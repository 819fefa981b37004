"""The values that a reason is about, as somebody typed them, for an operator's eyes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import root
from enlace.domain.trait_fields import field_of
from enlace.matching.trait_names import KINDS

#: Fields of a comparison, and the traits that they are read from.
_READ_FROM = {
    "given_name": ("name",),
    "surname": ("name",),
    "descent": ("name",),
    "birth_date": ("birth",),
    "street": ("street", "address"),
    "street_number": ("street_number", "address"),
    "handle": ("handle", "email"),
}
_MAX_CHARACTERS = 200


def shown(field: str, a: IdentifierRecord, b: IdentifierRecord) -> tuple[str | None, str | None]:
    """What each side says in a field: the value that both said, or the newest of each."""
    left, right = _values(field, a), _values(field, b)
    known = {_folded(text): text for text in right}
    for text in left:
        if _folded(text) in known:
            return text, known[_folded(text)]
    return next(iter(left), None), next(iter(right), None)


def _values(field: str, record: IdentifierRecord) -> list[str]:
    found: dict[str, list[tuple[str, str]]] = {}
    for trait, values in record.traits.items():
        for text, entry in values.items():
            for name, value in _texts(trait, json.loads(text)):
                found.setdefault(name, []).append((entry[0], value[:_MAX_CHARACTERS]))
    values_of = {
        name: [value for _, value in sorted(entries, reverse=True)]
        for name, entries in found.items()
    }
    own = KINDS.get(root(record.kind))
    if own:
        values_of[own] = [record.value, *values_of.get(own, ())]
    if field in ("given_name", "surname", "descent") and "name" not in values_of:
        # Typed in two fields, read as one.
        parts = (values_of.get(name, [""])[0] for name in ("given", "surname"))
        whole = " ".join(part for part in parts if part)
        return [whole] if whole else []
    names = _READ_FROM.get(field, (field,))
    return [value for name in names for value in values_of.get(name, ())]


def _texts(trait: str, value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name in sorted(value, key=str) if depth < 2 else ():
            yield from _texts(str(name), value[name], depth + 1)
        return
    field = field_of(trait)
    if field and isinstance(value, str | int) and not isinstance(value, bool) and str(value):
        yield field, str(value)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
