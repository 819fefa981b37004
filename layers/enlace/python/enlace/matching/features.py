"""What a contact point's record says of a person, in forms that can be compared."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from enlace.domain.claims import birth_of
from enlace.domain.names import name_parts
from enlace.domain.trait_fields import field_of
from enlace.matching.trait_names import DESCENTS, KINDS, ROLES, STATES, STREET_WORDS

#: Values of one field that are looked at, the newest first: what bounds a comparison.
MAX_VALUES = 3
MAX_PARTS = 8
MAX_CHARACTERS = 80

_MISTYPED_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d)", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A name: the part that somebody is called by, and all the others.

    Where a middle name ends and the surnames begin is written nowhere in
    *Ana Maria Souza*, so both are kept in one list.

    Parameters
    ----------
    first : str
        The first given name; empty where only a surname is known.
    rest : tuple of str
        Further given names and surnames, in order.
    descent : str
        *Filho*, *Junior*, *Neto* and the like, which tell a son from his father.
    """

    first: str
    rest: tuple[str, ...] = ()
    descent: str = ""


@dataclass(frozen=True, slots=True)
class Features:
    """What can be compared; every field may be empty, and holds a few values at most.

    Parameters
    ----------
    names : tuple of Name
    births : tuple of str
        ``YYYY-MM-DD``, as typed: the day may exist in no calendar.
    cities, states, streets : tuple of str
        Letters only, without accents; a street without its number.
    street_numbers, postal_codes : tuple of str
        Without punctuation.
    phones : tuple of str
        The last eight digits: the same with and without the ninth one.
    emails, handles : tuple of str
        An address's local part and a network's handle: letters and digits only.
    devices : tuple of str
    own : str
        ``phone``, ``email``, ``handle`` or ``device`` where the contact point is one.
    """

    names: tuple[Name, ...] = ()
    births: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    streets: tuple[str, ...] = ()
    street_numbers: tuple[str, ...] = ()
    postal_codes: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    own: str = ""


def features_of(kind: str, value: str, traits: Mapping[str, Any]) -> Features:
    """What an identifier record says of a person.

    Parameters
    ----------
    kind, value : str
        Of the contact point: a phone, an e-mail, a handle or a device is a feature itself.
    traits : dict of name to dict of JSON value to ``[day, level rank, channel]``
        As :class:`enlace.domain.records.IdentifierRecord` keeps them. What is of no
        use, or of another form than expected, is left out.
    """
    found: dict[str, list[str]] = {}
    own = KINDS.get(kind.partition(":")[0], "")
    if own and not (own == "handle" and value.isdigit()):
        found[own] = [value]
    # The alphabet, and not the order of arrival, decides what comes first.
    for trait in sorted(traits):
        for item in _newest(traits[trait]):
            for field, text in _texts(trait, item):
                found.setdefault(field, []).append(text[:MAX_CHARACTERS])
    for text in found.pop("address", ()):
        street, number = _street_and_number(text)
        found.setdefault("street", []).append(street)
        found.setdefault("street_number", []).append(number)
    return Features(
        names=tuple(_names(found)[:MAX_VALUES]),
        births=_kept(found, "birth", _birth),
        cities=_kept(found, "city", _letters),
        states=_kept(found, "state", lambda text: STATES.get(_letters(text), _letters(text))),
        streets=_kept(found, "street", _street),
        street_numbers=_kept(found, "street_number", _letters_and_digits),
        postal_codes=_kept(found, "postal_code", _postal_code),
        phones=_kept(found, "phone", _phone),
        emails=_kept(found, "email", _local_part),
        handles=_kept(found, "handle", _letters_and_digits),
        devices=_kept(found, "device", str.strip),
        own=own,
    )


def _newest(values: Any) -> list[Any]:
    if not isinstance(values, Mapping):
        return []

    def seen(item: tuple[Any, Any]) -> tuple[str, str]:
        text, entry = item
        return str(entry[0]) if isinstance(entry, list) and entry else "", str(text)

    items = []
    for text, _ in sorted(values.items(), key=seen, reverse=True)[:MAX_VALUES]:
        try:
            items.append(json.loads(text))
        except (TypeError, ValueError, RecursionError):
            continue
    return items


def _texts(trait: str, value: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        # Segment's address and names are objects of their own.
        if depth < 2:
            for name in sorted(value, key=str):
                yield from _texts(str(name), value[name], depth + 1)
        return
    field = field_of(trait)
    if field is None or isinstance(value, bool):
        return
    if isinstance(value, int | str) and str(value).strip():
        yield field, str(value)


def _kept(found: Mapping[str, list[str]], field: str, form: Any) -> tuple[str, ...]:
    forms = dict.fromkeys(form(text) for text in found.get(field, ()))
    return tuple(text for text in forms if text)[:MAX_VALUES]


def _names(found: Mapping[str, list[str]]) -> list[Name]:
    names: dict[Name, None] = {}
    for text in found.get("name", ()):
        names[_name("", text)] = None
    for given in found.get("given", [""]):
        for surname in found.get("surname", [""]):
            names[_name(given, surname, split=True)] = None
    return [name for name in names if name.first or name.rest]


def _name(given: str, other: str, *, split: bool = False) -> Name:
    first, last = (name_parts(text)[:MAX_PARTS] for text in (given, other))
    if not (first or split):
        first, last = last[:1], last[1:]
    words = _folded(other).replace(".", " ").split()
    descent = DESCENTS.get(words[-1], "") if words else ""
    return Name(first[0] if first else "", first[1:] + last, descent)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return "".join(
        c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c)
    )


def _letters(text: str) -> str:
    return "".join(c for c in _folded(text) if c.isalpha())


def _letters_and_digits(text: str) -> str:
    return "".join(c for c in _folded(text) if c.isalnum())


def _street(text: str) -> str:
    words = "".join(c if c.isalnum() else " " for c in _folded(text)).split()
    return "".join(word for word in words if word not in STREET_WORDS)


def _street_and_number(text: str) -> tuple[str, str]:
    """The street and the number of an address in one line, in either order."""
    number = _NUMBER.search(text)
    if number is None:
        return text, ""
    before, after = text[: number.start()], text[number.end() :]
    street = before if _letters(before) else after
    return street.partition(",")[0] if street is after else before, number[0]


def _birth(text: str) -> str:
    known = birth_of(text)
    if known is not None:
        return known
    # A day or month that does not exist still tells which digits were meant.
    typed = _MISTYPED_DATE.match(text.strip())
    if typed is None or not "1900" <= typed[1] <= "2100":
        return ""
    year, month, day = typed.groups()
    real = 1 <= int(month) <= 12 and 1 <= int(day) <= 31
    return "" if real or {month, day} == {"00"} else f"{year}-{month}-{day}"


def _postal_code(text: str) -> str:
    code = _letters_and_digits(text)
    return "" if len(set(code)) < 2 or len(code) < 3 else code


def _phone(text: str) -> str:
    digits = "".join(c for c in text if c in "0123456789")[-8:]
    return digits if len(digits) == 8 and len(set(digits)) > 2 else ""


def _local_part(text: str) -> str:
    local = _letters_and_digits(text.partition("@")[0].partition("+")[0])
    return "" if len(local) < 4 or local in ROLES else local
