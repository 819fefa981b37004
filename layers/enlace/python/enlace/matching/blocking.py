"""Under which keys look-alikes meet.

A pair is compared only if it shares a key, and a key that too many share is
dropped, so each key combines what together is rare: in a country in which every
tenth person is a Silva, and one street has hundreds of them, no name alone is.
"""

from __future__ import annotations

from collections.abc import Iterator

from enlace.matching.features import Features, Name
from enlace.matching.phonetic import phonetic_key

#: What a record writes at most.
MAX_KEYS = 16


def blocking_keys(features: Features) -> tuple[str, ...]:
    """The keys of a record, the most telling first, at most :data:`MAX_KEYS`.

    The keys hold personal data (a birth date, a name's sound): whoever stores them
    hashes them first.
    """
    keys = dict.fromkeys(_keys(features))
    return tuple(keys)[:MAX_KEYS]


def _keys(f: Features) -> Iterator[str]:
    for phone in f.phones:
        yield f"p:{phone}"
    for device in f.devices:
        yield f"d:{device}"
    for local in (*f.emails, *f.handles):
        if len(local) >= 6:
            yield f"h:{local}"
    birth, postal, city, street = (
        values[0] if values else "" for values in (f.births, f.postal_codes, f.cities, f.streets)
    )
    year, city, street = birth[:4], city[:6], street[:6]
    for name in f.names[:2]:
        yield from _name_keys(name, birth, postal, city)
    if postal and year:
        yield f"yc:{year}:{postal}"
    if birth and street:
        yield f"bs:{birth}:{street}"
    if f.street_numbers:
        # The lines of an address change places; the house number stays.
        for line in f.streets[:2]:
            yield f"sn:{line[:6]}:{f.street_numbers[0]}"
    if city and street:
        yield f"ts:{city}:{street}"
    for sound in sorted({sound for name in f.names[:2] for sound in _sounds(name)}):
        if street:
            yield f"xs:{sound}:{street}"
        if city:
            # Of use where there are few customers; dropped by itself where there are many.
            yield f"xt:{sound}:{city}"


def _name_keys(name: Name, birth: str, postal: str, city: str) -> Iterator[str]:
    sounds = _sounds(name)
    for sound in sounds:
        if birth:
            yield f"b:{birth}:{sound[:3]}"
    if len(sounds) == 2:
        both = ":".join(sounds)
        if birth:
            yield f"y:{birth[:4]}:{both}"
        if city:
            yield f"t:{city}:{both}"
    for sound in sounds:
        if postal:
            yield f"c:{postal}:{sound}"
    if len(sounds) == 2:
        # For the rare names, and the long ones: those that many bear overflow at once.
        yield f"f:{both}"
    if name.first and len(name.rest) >= 2:
        yield "n:" + ":".join(sorted(phonetic_key(part) for part in (name.first, *name.rest)))


def _sounds(name: Name) -> list[str]:
    """Of the first and the last part, sorted: they are often typed into each other's field."""
    return sorted({phonetic_key(part) for part in (name.first, *name.rest[-1:]) if part})
