"""Why an edge joins nobody: the rule that refused it, and between whom.

A reason alone (``limit:cpf``) does not tell an operator what to look at. This finds
the identifiers that fill the limit, the fields that contradict each other, or the
decisions that stand between.
"""

from __future__ import annotations

from dataclasses import dataclass

from enlace.domain.claims import contradicting, pooled
from enlace.domain.component import Component
from enlace.domain.partition import partition, shared_by_several
from enlace.domain.rules import Rules, root


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why two identifiers are not joined by the edge between them.

    Parameters
    ----------
    reason : str
        As in :class:`enlace.domain.partition.Partition`.
    keys : tuple of str
        Address keys that it rests on: those that fill the limit, that have said what
        contradicts itself, that are nobody's own, or that were said to be two people.
    limit : int or None
        How many of them one customer may have.
    fields : tuple of str
        ``name`` and ``birth_date``, where they contradict each other.
    decisions : tuple of str
        Ids of the ``different`` decisions that stand between.
    """

    reason: str
    keys: tuple[str, ...]
    limit: int | None = None
    fields: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()


def refusals(component: Component, rules: Rules, today: str) -> dict[tuple[str, str], Refusal]:
    """Every refused edge of a component, ``same`` decisions included, with what refused it.

    Parameters
    ----------
    today : str
        ``YYYY-MM-DD``.
    """
    sides: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    refused = partition(
        component.nodes,
        component.edges,
        component.decisions.values(),
        rules,
        today,
        sides=sides,
    ).refused
    return {
        pair: _refusal(component, pair, reason, sides.get(pair), rules)
        for pair, reason in sorted(refused.items())
    }


def _refusal(
    component: Component,
    pair: tuple[str, str],
    reason: str,
    sides: tuple[list[str], list[str]] | None,
    rules: Rules,
) -> Refusal:
    nodes = component.nodes
    if sides is None:
        return Refusal(reason, _nobodys(component, pair, reason, rules))
    left, right = sides
    if reason == "limit:identifiers":
        return Refusal(reason, pair, rules.max_identifiers)
    if reason.startswith("limit:"):
        kind = reason.partition(":")[2]
        keys = [key for key in (*left, *right) if root(nodes[key].kind) == kind]
        return Refusal(reason, tuple(sorted(keys)), rules.of(kind).max_per_customer)
    if reason == "different":
        between = [
            decision
            for _, decision in sorted(component.decisions.items())
            if decision.decision == "different"
            and (
                (decision.a in left and decision.b in right)
                or (decision.b in left and decision.a in right)
            )
        ]
        ends = sorted({key for decision in between for key in (decision.a, decision.b)})
        return Refusal(reason, tuple(ends), decisions=tuple(one.id for one in between))
    said = [pooled(nodes[key].claims for key in side) for side in (left, right)]
    keys = [key for key in (*left, *right) if nodes[key].claims.names or nodes[key].claims.births]
    return Refusal(reason, tuple(sorted(keys)), fields=contradicting(*said))


def _nobodys(
    component: Component, pair: tuple[str, str], reason: str, rules: Rules
) -> tuple[str, ...]:
    """The ends that join nobody; both, where it is the edge that is too weak or too old."""
    nodes = component.nodes
    if reason == "shared":
        rule_of = {key: rules.of(node.kind) for key, node in nodes.items()}
        shared = shared_by_several(nodes, component.edges, rule_of)
        ends = [key for key in pair if key in shared]
    elif reason == "hub":
        ends = [key for key in pair if key not in nodes or nodes[key].hub]
    elif reason == "blocked":
        ends = [key for key in pair if key in nodes and nodes[key].blocked]
    elif reason == "not_linking":
        ends = [key for key in pair if key in nodes and not rules.of(nodes[key].kind).links]
    else:
        ends = []
    return tuple(ends) or pair
