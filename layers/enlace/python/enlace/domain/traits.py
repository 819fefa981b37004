"""Which of several values of a trait is shown, and the language they speak.

Each contact point keeps the traits that came through it, so a merge has nothing
to overwrite and a split nothing to restore: the choice is made when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from enlace.domain.interaction import LEVELS
from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import LEVEL_RANK

#: Rank of the source, level, day; then what breaks ties: channel, value, contact point.
_Rank = tuple[int, str, str, str, str, str]
_RULES = ("source", "level", "recency")
_NO_SOURCES: Mapping[str, int] = {}
#: Behind every rank that a rules file would give.
_UNRANKED = 10**9


def surviving_traits(
    records: Iterable[IdentifierRecord],
    *,
    least_level: str = "imported",
    sources: Mapping[str, int] = _NO_SOURCES,
) -> dict[str, dict[str, Any]]:
    """Every trait with the value that counts, why, its source, and the other values.

    A channel that the rules rank goes before one with a higher rank or none; then the
    value of the highest level wins, then the one seen last: what a signed-in person
    says goes before what somebody typed, and that before an old export.

    Parameters
    ----------
    records : iterable of IdentifierRecord
        Contact points of one person.
    least_level : str
        Values that came at a lower level are left out.
    sources : mapping
        Channel -> rank, lower first (``Rules.trait_sources``).

    Returns
    -------
    dict of name to dict
        ``value``, ``rule`` (what decided, see :func:`_rule`), ``level``, ``last_seen``
        (day), ``channel``, ``contact_point`` (address key), and ``others``: the values
        that did not win, in order.
    """
    found: dict[str, list[tuple[_Rank, dict[str, Any]]]] = {}
    for record in records:
        for name, values in record.traits.items():
            for text, (day, level, channel) in values.items():
                if int(level) < LEVEL_RANK[least_level]:
                    continue
                entry = {
                    "value": json.loads(text),
                    "level": LEVELS[int(level)],
                    "last_seen": day,
                    "channel": channel,
                    "contact_point": record.key,
                }
                rank = (-sources.get(channel, _UNRANKED), level, day, channel, text, record.key)
                found.setdefault(name, []).append((rank, entry))
    traits: dict[str, dict[str, Any]] = {}
    for name in sorted(found):
        ordered = sorted(found[name], key=lambda entry: entry[0], reverse=True)
        best, winner = ordered[0]
        rivals = [(rank, entry) for rank, entry in ordered if entry["value"] != winner["value"]]
        others: list[Any] = []
        for _, entry in rivals:
            if entry["value"] not in others:
                others.append(entry["value"])
        rule = _rule(best, rivals[0][0]) if rivals else "only"
        traits[name] = {**winner, "rule": rule, "others": others}
    return traits


def _rule(best: _Rank, rival: _Rank) -> str:
    """What put a value before its strongest rival.

    ``only`` (no rival), ``source``, ``level``, ``recency``; ``tie`` where all three are
    alike and the alphabet decides, so that the answer is always the same.
    """
    differs = (rule for rule, a, b in zip(_RULES, best, rival, strict=False) if a != b)
    return next(differs, "tie")


def language_of(traits: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The language somebody is spoken to in, as a BCP 47 tag, where it is known."""
    for name in ("language", "locale"):
        value = traits.get(name, {}).get("value")
        if isinstance(value, str) and 2 <= len(value.strip()) <= 35:
            return value.strip().replace("_", "-")
    return None


def name_of(traits: Mapping[str, Mapping[str, Any]]) -> str | None:
    """What somebody is called, where it is known."""
    for name in ("name", "full_name", "first_name", "username"):
        value = traits.get(name, {}).get("value")
        if isinstance(value, str) and value.strip():
            return value.strip()[:200]
    return None


def preferred_channel_of(traits: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The channel that somebody asked to be written to on, where they did."""
    value = traits.get("preferred_channel", {}).get("value")
    return value.strip()[:64] if isinstance(value, str) and value.strip() else None
