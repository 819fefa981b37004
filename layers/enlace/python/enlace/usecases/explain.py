"""Why two identifiers are, or are not, one customer: the path of evidence between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from enlace.domain.actor import actor_of
from enlace.domain.circle import path
from enlace.domain.evidence import Decision, Edge, Source, edge_key
from enlace.domain.interaction import LEVELS, Identifier
from enlace.domain.records import IdentifierRecord
from enlace.domain.refusal import Refusal, refusals
from enlace.domain.rules import LEVEL_RANK
from enlace.errors import NotFound
from enlace.usecases.conciliation_log import entry_key
from enlace.usecases.find_customer import Customer, CustomerFinder, Parallel, one_by_one
from enlace.usecases.preview import refusal_told
from enlace.usecases.read_history import named

#: Events whose reporter is looked up; a longer path tells the rest without.
MAX_EVENTS = 40

Pair = tuple[str, str]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Read:
    """What the steps are told with."""

    records: Mapping[str, IdentifierRecord]
    refused: Mapping[Pair, Refusal]
    #: By event id: the contact point that it came through, and what was recorded.
    events: Mapping[str, tuple[str, Body]]
    entries: Mapping[str, Body]


class Explain:
    """Explains customers.

    Parameters
    ----------
    finder : CustomerFinder
    today : callable
        Gives the current day, ``YYYY-MM-DD`` (UTC).
    get_interaction : callable
        Gives the stored body of an interaction by contact point and timeline key, or
        None.
    get_entry : callable
        Gives an entry of the log of decisions by its key, or None.
    parallel : callable
        Runs reads side by side.
    """

    def __init__(
        self,
        finder: CustomerFinder,
        *,
        today: Callable[[], str],
        get_interaction: Callable[[str, str], Body | None],
        get_entry: Callable[[str], Body | None],
        parallel: Parallel = one_by_one,
    ):
        self._finder = finder
        self._today = today
        self._get_interaction = get_interaction
        self._get_entry = get_entry
        self._parallel = parallel

    def between(self, customer: Customer, a: Identifier, b: Identifier) -> dict[str, Any]:
        """The strongest path from ``a`` to ``b``, step by step.

        Returns
        -------
        dict
            ``same_customer``; ``verdict``: ``joined``, ``refused`` (there is evidence,
            and a rule against it), ``apart`` (only a ``different`` decision is about the
            two) or ``nothing`` (nothing ties them); ``level``, that of the weakest tie on
            the strongest accepted path; ``path`` with each step's evidence, who reported
            it, and the rule that refused it; ``rules_version``, of the rules that accept
            and refuse. Without any evidence between the two, the path is empty.
            ``apart``: operators' ``different`` decisions between the two customers.

        Raises
        ------
        NotFound
            If ``a`` is none of the customer's identifiers, or ``b`` was never seen.
        TemporaryFailure
            If the store did not do its part.
        """
        start, end = self._finder.key_of(a), self._finder.key_of(b)
        if start not in customer.members:
            raise NotFound("a is not an identifier of this customer")
        level, steps = self._steps(customer, start, end)
        apart = _apart(customer, end)
        read = self._read(customer, steps, apart, {start, end})
        if end not in read.records:
            raise NotFound("b was never seen")
        same = end in customer.members
        verdict = "joined" if same else "refused" if steps else "apart" if apart else "nothing"
        return {
            "customer_id": customer.id,
            "same_customer": same,
            "verdict": verdict,
            "level": level,
            "path": [self._step(customer, step, read) for step in steps],
            "apart": [_decision(decision, read) for decision in apart],
            "rules_version": self._finder.rules.version,
        }

    def _steps(self, customer: Customer, start: str, end: str) -> tuple[str | None, list[Pair]]:
        for level in reversed(LEVELS):
            floor = LEVEL_RANK[level]
            ties = [pair for pair, tie in customer.ties.items() if LEVEL_RANK[tie] >= floor]
            steps = path(ties, start, end)
            if steps is not None:
                return level, steps
        if customer.component is None or customer.partition is None:
            return None, []
        every = {*customer.partition.accepted, *customer.partition.refused}
        return None, path(every, start, end) or []

    def _read(
        self,
        customer: Customer,
        steps: list[Pair],
        apart: list[Decision],
        ends: set[str],
    ) -> _Read:
        component, pairs = customer.component, [edge_key(*step) for step in steps]
        refused: dict[Pair, Refusal] = {}
        if component and customer.partition and set(pairs) & customer.partition.refused.keys():
            found = refusals(component, self._finder.rules, self._today())
            refused = {pair: found[pair] for pair in pairs if pair in found}
        edges = component.edges if component else {}
        decided = [*apart, *(d for pair in pairs for d in _about(customer, pair))]
        keys = {*ends, *(key for pair in pairs for key in pair)}
        keys.update(key for refusal in refused.values() for key in refusal.keys)
        return _Read(
            self._finder.identifiers(sorted(keys)),
            refused,
            self._events({pair: edges[pair] for pair in pairs if pair in edges}),
            self._entries({decision.id for decision in decided}),
        )

    def _events(self, edges: Mapping[Pair, Edge]) -> dict[str, tuple[str, Body]]:
        # An edge does not say which of its ends the event came through: ask at both.
        asked = [
            (key, source)
            for pair, edge in edges.items()
            for _, source in sorted(edge.sources.items())
            for key in pair
        ][: 2 * MAX_EVENTS]
        bodies = self._parallel(
            [
                partial(self._get_interaction, key, f"{source.first_seen}#{source.event_id}")
                for key, source in asked
            ]
        )
        return {
            source.event_id: (key, body)
            for (key, source), body in zip(asked, bodies, strict=True)
            if body
        }

    def _entries(self, ids: Iterable[str]) -> dict[str, Body]:
        wanted = sorted(ids)
        entries = self._parallel([partial(self._get_entry, entry_key(id_)) for id_ in wanted])
        return {id_: entry for id_, entry in zip(wanted, entries, strict=True) if entry}

    def _step(self, customer: Customer, step: Pair, read: _Read) -> dict[str, Any]:
        pair, records = edge_key(*step), read.records
        edge = customer.component.edges.get(pair) if customer.component else None
        reason = customer.partition.refused.get(pair) if customer.partition else None
        refusal = read.refused.get(pair)
        return {
            "from": named(records[step[0]]) if step[0] in records else None,
            "to": named(records[step[1]]) if step[1] in records else None,
            "accepted": reason is None,
            "reason": reason,
            "refusal": refusal_told(refusal, records) if refusal else None,
            "level": edge.level if edge else None,
            "first_seen": edge.first_seen if edge else None,
            "last_seen": edge.last_day if edge else None,
            "sources": [
                _source(level, source, read)
                for level, source in sorted(edge.sources.items() if edge else ())
            ],
            "decisions": [_decision(decision, read) for decision in _about(customer, pair)],
        }


def _about(customer: Customer, pair: Pair) -> list[Decision]:
    """The decisions in force about exactly these two identifiers."""
    decisions = customer.component.decisions if customer.component else {}
    return [d for _, d in sorted(decisions.items()) if edge_key(d.a, d.b) == pair]


def _apart(customer: Customer, end: str) -> list[Decision]:
    """Operators' words that keep the customers of both identifiers apart."""
    component = customer.component
    if component is None or end not in component.nodes or end in customer.members:
        return []
    sides = {customer.id, component.customer_of[end]}
    return [
        decision
        for _, decision in sorted(component.decisions.items())
        if decision.decision == "different"
        and {component.customer_of.get(k) for k in (decision.a, decision.b)} == sides
    ]


def _source(level: str, source: Source, read: _Read) -> dict[str, Any]:
    key, body = read.events.get(source.event_id, ("", None))
    actor = actor_of(body) if body else None
    return {
        "level": level,
        "event_id": source.event_id,
        "channel": source.channel,
        "first_seen": source.first_seen,
        "contact_point": named(read.records[key]) if key in read.records else None,
        "actor": {"kind": actor.kind, "id": actor.id} if actor else None,
    }


def _decision(decision: Decision, read: _Read) -> dict[str, Any]:
    entry = read.entries.get(decision.id, {})
    approval = entry.get("approval") or {}
    return {
        "conciliation_id": decision.id,
        "decision": decision.decision,
        "operator": decision.operator,
        "reason": entry.get("reason"),
        "decided_at": decision.decided_at,
        "verified": decision.verified,
        "approver": approval.get("operator"),
        "approved_at": approval.get("at"),
    }
