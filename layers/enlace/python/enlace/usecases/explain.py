"""Why two identifiers are, or are not, one customer: the path of evidence between them."""

from __future__ import annotations

from typing import Any

from enlace.domain.circle import path
from enlace.domain.evidence import Decision, edge_key
from enlace.domain.interaction import LEVELS, Identifier
from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import LEVEL_RANK
from enlace.errors import NotFound
from enlace.usecases.find_customer import Customer, CustomerFinder
from enlace.usecases.read_history import named


class Explain:
    """Explains customers.

    Parameters
    ----------
    finder : CustomerFinder
    rules_version : str
        Version of the rules that accept and refuse.
    """

    def __init__(self, finder: CustomerFinder, rules_version: str):
        self._finder = finder
        self._rules_version = rules_version

    def between(self, customer: Customer, a: Identifier, b: Identifier) -> dict[str, Any]:
        """The strongest path from ``a`` to ``b``, step by step.

        Returns
        -------
        dict
            ``same_customer``; ``level``, that of the weakest tie on the strongest
            accepted path; ``path`` with each step's evidence, and the ``reason``
            where a rule refused it; ``rules_version``. Without any evidence between
            the two, the path is empty. ``apart``: operators' ``different`` decisions
            between the two customers.

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
        component = customer.component
        level, steps = self._steps(customer, start, end)
        keys = {start, end, *(key for step in steps for key in step)}
        records = self._finder.identifiers(sorted(keys))
        if end not in records:
            raise NotFound("b was never seen")
        return {
            "customer_id": customer.id,
            "same_customer": end in customer.members,
            "level": level,
            "path": [self._step(customer, step, records) for step in steps] if component else [],
            "apart": self._apart(customer, end),
            "rules_version": self._rules_version,
        }

    def _apart(self, customer: Customer, end: str) -> list[dict[str, Any]]:
        """Operators' words that keep the customers of both identifiers apart."""
        component = customer.component
        if component is None or end not in component.nodes or end in customer.members:
            return []
        sides = {customer.id, component.customer_of[end]}
        return [
            _decision(decision)
            for decision in component.decisions.values()
            if decision.decision == "different"
            and {component.customer_of.get(k) for k in (decision.a, decision.b)} == sides
        ]

    def _steps(
        self, customer: Customer, start: str, end: str
    ) -> tuple[str | None, list[tuple[str, str]]]:
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

    def _step(
        self, customer: Customer, step: tuple[str, str], records: dict[str, IdentifierRecord]
    ) -> dict[str, Any]:
        pair = edge_key(*step)
        component, partition = customer.component, customer.partition
        edge = component.edges.get(pair) if component else None
        decisions = component.decisions.values() if component else ()
        reason = partition.refused.get(pair) if partition else None
        return {
            "from": named(records[step[0]]) if step[0] in records else None,
            "to": named(records[step[1]]) if step[1] in records else None,
            "accepted": reason is None,
            "reason": reason,
            "level": edge.level if edge else None,
            "last_seen": edge.last_day if edge else None,
            "sources": [
                {
                    "level": level,
                    "event_id": source.event_id,
                    "channel": source.channel,
                    "first_seen": source.first_seen,
                }
                for level, source in sorted(edge.sources.items())
            ]
            if edge
            else [],
            "decisions": [
                _decision(decision)
                for decision in decisions
                if edge_key(decision.a, decision.b) == pair
            ],
        }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "conciliation_id": decision.id,
        "decision": decision.decision,
        "operator": decision.operator,
        "decided_at": decision.decided_at,
        "verified": decision.verified,
    }
