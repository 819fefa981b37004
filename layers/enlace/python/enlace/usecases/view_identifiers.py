"""The identifiers of a customer as the 360° view shows them: how surely, and on what evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from enlace.domain.circle import circles, levels_from, stronger
from enlace.domain.records import IdentifierRecord
from enlace.usecases.find_customer import Customer
from enlace.usecases.read_history import History, named

#: Sources shown of each identifier, earliest first.
MAX_SOURCES = 10


def shown_identifiers(
    customer: Customer, own: list[IdentifierRecord], history: History
) -> list[dict[str, Any]]:
    """Each identifier of ``own`` with its level, circle and sources."""
    circle_of = {
        key: number
        for number, members in enumerate(_ordered_circles(customer, own), start=1)
        for key in members
    }
    levels = identifier_levels(customer, own, history)
    last_day = {
        record.key: max((item.sk[:10] for item in history.newest[record.key].items[:1]), default="")
        for record in own
    }
    component = customer.component
    if component:
        for pair, edge in component.edges.items():
            for key in pair:
                if key in last_day:
                    last_day[key] = max(last_day[key], edge.last_day)
    shown = [
        {
            **named(record),
            "level": levels[record.key],
            "circle": circle_of[record.key],
            "contact_level": history.contact_level(record.key),
            "first_seen": record.pointer.first_seen,
            "last_seen": last_day[record.key] or record.pointer.first_seen[:10],
            "blocked": record.blocked,
            "sources": _sources(customer, record.key, history.records),
        }
        for record in own
    ]
    return sorted(shown, key=lambda i: (i["circle"], i["first_seen"], i["kind"], i["value"]))


def _ordered_circles(customer: Customer, own: list[IdentifierRecord]) -> list[frozenset[str]]:
    first_seen = {record.key: record.pointer.first_seen for record in own}
    return sorted(
        circles(customer.ties, first_seen),
        key=lambda members: min((first_seen[key], key) for key in members if key in first_seen),
    )


def identifier_levels(
    customer: Customer, own: list[IdentifierRecord], history: History
) -> dict[str, str]:
    """How surely each identifier is the customer, seen from what was proven first.

    The circle with a proven contact point is the customer as we know them: the
    circle of the identifier that was asked for, else the earliest. The others are
    as sure as the strongest path to it. So whoever states a victim's e-mail stands
    in the victim's view as *stated*, however proven their own number is. Where
    nothing was ever proven, each identifier has the highest level it came at.
    """
    proven = {r.key for r in own if history.contact_level(r.key) == "proven"}
    for (a, b), level in customer.ties.items():
        if level == "proven":
            proven |= {a, b}
    candidates = [c for c in _ordered_circles(customer, own) if not proven.isdisjoint(c)]
    if not candidates:
        levels = {r.key: history.contact_level(r.key) or "imported" for r in own}
        for pair, level in customer.ties.items():
            for key in pair:
                levels[key] = stronger(level, levels.get(key, level))
        return levels
    core = next((c for c in candidates if customer.asked.key in c), candidates[0])
    from_core = levels_from(customer.ties, min(core))
    # What is reached by no valid tie any more (expired evidence) is nothing but a claim.
    return {r.key: "proven" if r.key in core else from_core.get(r.key, "imported") for r in own}


def _sources(
    customer: Customer, key: str, records: Mapping[str, IdentifierRecord]
) -> list[dict[str, Any]]:
    component = customer.component
    if component is None:
        return []
    found: list[dict[str, Any]] = []
    for pair in customer.ties:
        if key not in pair:
            continue
        other = named_or_none(records, pair[1] if pair[0] == key else pair[0])
        edge = component.edges.get(pair)
        for level, source in edge.sources.items() if edge else ():
            found.append(
                {
                    "level": level,
                    "event_id": source.event_id,
                    "channel": source.channel,
                    "first_seen": source.first_seen,
                    "last_seen": edge.last_day if edge else None,
                    "with": other,
                }
            )
        for decision in component.decisions.values():
            if decision.decision == "same" and {decision.a, decision.b} == set(pair):
                found.append(
                    {
                        "level": "decision",
                        "conciliation_id": decision.id,
                        "operator": decision.operator,
                        "verified": decision.verified,
                        "first_seen": decision.decided_at,
                        "with": other,
                    }
                )
    return sorted(found, key=lambda s: (s["first_seen"], s["level"], str(s["with"])))[:MAX_SOURCES]


def named_or_none(records: Mapping[str, IdentifierRecord], key: str) -> dict[str, str] | None:
    """An identifier as the API shows it, None where it is not there any more."""
    record = records.get(key)
    return named(record) if record else None
