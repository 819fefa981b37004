"""How alike two handles, or what stands before the @, are beyond the name in them.

Most people make them of their name, so those of two namesakes look alike. What the
name says is counted where names are compared; here counts what else they share.
"""

from __future__ import annotations

from rapidfuzz.distance import OSA, JaroWinkler

from enlace.matching.features import Features

#: Two digits (a year), or a word of three letters, are something of one's own.
_OWN_DIGITS = 2
_OWN_LETTERS = 3


def handle_level(a: Features, b: Features) -> str | None:
    """Level of two people's handles, of which one may be the other's address."""
    names = _name_parts(a, b)
    if any(_own(x, names) for x in set(a.handles).intersection(b.handles)):
        return "exact"
    crossed = set(a.handles).intersection(b.emails) | set(b.handles).intersection(a.emails)
    if any(_own(x, names) for x in crossed):
        return "email"
    return _level(a.handles, b.handles, names)


def email_level(a: Features, b: Features) -> str | None:
    """Level of two people's mailboxes; None where there is nothing to compare."""
    return _level(a.emails, b.emails, _name_parts(a, b))


def _level(left: tuple[str, ...], right: tuple[str, ...], names: list[str]) -> str | None:
    found = {_pair_level(x, y, names) for x in left for y in right}
    for level in ("exact", "close", None):
        if level in found:
            return level
    return "different" if found else None


def _pair_level(a: str, b: str, names: list[str]) -> str | None:
    if a == b:
        # Nothing but a name: what it tells, the names have told.
        return "exact" if _own(a, names) else None
    if JaroWinkler.similarity(a, b) < 0.9:
        return "different"
    digits = _digits(a)
    if digits == _digits(b) and len(digits) >= _OWN_DIGITS:
        return "close"
    return "close" if OSA.distance(a, b) <= 1 and _own(a, names) and not digits else "different"


def _own(local: str, names: list[str]) -> bool:
    """Whether it holds more than a name."""
    rest = _beyond(local, names)
    letters = sum(c.isalpha() for c in rest)
    return letters >= _OWN_LETTERS or len(rest) - letters >= _OWN_DIGITS


def _beyond(local: str, names: list[str]) -> str:
    for part in names:
        local = local.replace(part, "", 1)
    return local


def _digits(local: str) -> str:
    return "".join(c for c in local if c.isdigit())


def _name_parts(a: Features, b: Features) -> list[str]:
    """All parts of three letters and more, the longest first."""
    parts = {part for f in (a, b) for n in f.names for part in (n.first, *n.rest)}
    return sorted((p for p in parts if len(p) > 2), key=lambda part: (-len(part), part))
