"""The 360° view: who somebody is, on what evidence, what they bought and what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from enlace.domain.circle import circles, levels_from, stronger
from enlace.domain.records import IdentifierRecord
from enlace.domain.traits import surviving_traits
from enlace.usecases.find_customer import Customer, CustomerFinder, Parallel
from enlace.usecases.purchases_view import combined_purchases
from enlace.usecases.read_history import History, HistoryReader, named, read_history

#: Interactions read of each contact point for the counts; the answer says if there are more.
NEWEST = 50
#: Sources shown of each identifier, earliest first.
MAX_SOURCES = 10
MAX_CANDIDATES = 50
MAX_CAMPAIGNS = 10
_CAMPAIGN_FIELDS = ("campaign_id", "medium", "subject", "message", "period")


class CustomerView:
    """Reads the 360° view.

    Parameters
    ----------
    finder : CustomerFinder
    reader : HistoryReader
    parallel : callable
        Runs reads side by side.
    today : callable
        Gives the current day, ``YYYY-MM-DD`` (UTC).
    """

    def __init__(
        self,
        finder: CustomerFinder,
        reader: HistoryReader,
        *,
        parallel: Parallel,
        today: Callable[[], str],
    ):
        self._finder = finder
        self._reader = reader
        self._parallel = parallel
        self._today = today

    def view(self, customer: Customer) -> dict[str, Any]:
        """The view of a customer that the finder gave.

        Raises
        ------
        TemporaryFailure
            If a store did not do its part.
        """
        beyond = {key for pair in customer.refused for key in pair}
        history = read_history(
            self._finder,
            self._reader,
            self._parallel,
            customer,
            customer.members,
            newest=NEWEST,
            further=beyond,
        )
        own = [history.records[key] for key in customer.members if key in history.records]
        counts = Counter(item.body["channel"] for item in history.merged())
        return {
            "customer_id": customer.id,
            "identifiers": _identifiers(customer, own, history),
            "traits": _traits(own),
            "purchases": combined_purchases(history.totals.values(), self._today()),
            "open_protocols": [
                {
                    "protocol": case.protocol,
                    "opened_at": case.opened_at,
                    "nature": case.nature,
                    "interaction_id": case.interaction_id,
                    "contact_point": _named(history.records, case.contact_key),
                }
                for case in history.cases
            ],
            "channels": {
                "counts": dict(sorted(counts.items())),
                "newest_per_contact_point": NEWEST,
                "complete": history.complete,
            },
            "campaigns": _campaigns(history),
            "candidates": _candidates(customer, history.records),
        }


def _identifiers(
    customer: Customer, own: list[IdentifierRecord], history: History
) -> list[dict[str, Any]]:
    circle_of = {
        key: number
        for number, members in enumerate(_ordered_circles(customer, own), start=1)
        for key in members
    }
    levels = identifier_levels(customer, own, history)
    last_day = {
        record.key: max((item.sk[:10] for item in history.newest[record.key][:1]), default="")
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
        other = _named(records, pair[1] if pair[0] == key else pair[0])
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


def _traits(own: list[IdentifierRecord]) -> dict[str, dict[str, Any]]:
    records = {record.key: record for record in own}
    return {
        name: {**trait, "contact_point": named(records[trait["contact_point"]])}
        for name, trait in surviving_traits(own).items()
    }


def _campaigns(history: History) -> list[dict[str, Any]]:
    sent = [item for item in history.merged() if item.body["type"] == "campaign.sent"]
    return [
        {
            "occurred_at": item.sk.partition("#")[0],
            "channel": item.body["channel"],
            **{
                name: item.body["data"][name]
                for name in _CAMPAIGN_FIELDS
                if name in item.body.get("data", {})
            },
        }
        for item in sent[:MAX_CAMPAIGNS]
    ]


def _candidates(
    customer: Customer, records: Mapping[str, IdentifierRecord]
) -> list[dict[str, Any]]:
    component = customer.component
    if component is None:
        return []
    found = []
    for pair, reason in customer.refused.items():
        mine, other = pair if pair[0] in set(customer.members) else pair[::-1]
        edge = component.edges.get(pair)
        found.append(
            {
                "a": _named(records, mine),
                "b": _named(records, other),
                "customer_id": component.customer_of.get(other),
                "reason": reason,
                "level": edge.level if edge else "decision",
            }
        )
    return found[:MAX_CANDIDATES]


def _named(records: Mapping[str, IdentifierRecord], key: str) -> dict[str, str] | None:
    record = records.get(key)
    return named(record) if record else None
