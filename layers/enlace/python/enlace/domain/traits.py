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


def surviving_traits(
    records: Iterable[IdentifierRecord], *, least_level: str = "imported"
) -> dict[str, dict[str, Any]]:
    """Every trait with the value that counts, its source, and the other values.

    The value of the highest level wins, then the one seen last: what a signed-in
    person says goes before what somebody typed, and that before an old export.

    Parameters
    ----------
    records : iterable of IdentifierRecord
        Contact points of one person.
    least_level : str
        Values that came at a lower level are left out.

    Returns
    -------
    dict of name to dict
        ``value``, ``level``, ``last_seen`` (day), ``channel``, ``contact_point``
        (address key), and ``others``: the values that did not win, in order.
    """
    found: dict[str, list[tuple[tuple[str, ...], dict[str, Any]]]] = {}
    for record in records:
        for name, values in record.traits.items():
            for text, (day, rank, channel) in values.items():
                if int(rank) < LEVEL_RANK[least_level]:
                    continue
                entry = {
                    "value": json.loads(text),
                    "level": LEVELS[int(rank)],
                    "last_seen": day,
                    "channel": channel,
                    "contact_point": record.key,
                }
                found.setdefault(name, []).append(((rank, day, channel, text, record.key), entry))
    traits: dict[str, dict[str, Any]] = {}
    for name in sorted(found):
        ordered = [entry for _, entry in sorted(found[name], key=lambda e: e[0], reverse=True)]
        winner, others = ordered[0], []
        for entry in ordered[1:]:
            if entry["value"] != winner["value"] and entry["value"] not in others:
                others.append(entry["value"])
        traits[name] = {**winner, "others": others}
    return traits


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
