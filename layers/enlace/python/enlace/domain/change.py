"""What one observation or decision changes: components, pointers, customers.

Pure: it takes the touched part of the identity graph as it was read, and gives
the writes that turn it into what the evidence now says, with the effects on
customers that the bus is to be told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from enlace.domain.claims import Claims
from enlace.domain.component import MAX_NODES, Component, rebuild
from enlace.domain.evidence import Decision, Edge, Node, first_seen_at
from enlace.domain.partition import overrulable
from enlace.domain.records import Pointer
from enlace.domain.rules import Rules
from enlace.errors import ComponentSaturated

Effect = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GraphChange:
    """News about the graph.

    Parameters
    ----------
    nodes : dict
        Identifiers seen for the first time.
    edges : dict
        Observed edges; merged into what is known.
    seen_at : dict of address key to contract time
        Sightings; they lower ``first_seen`` and never raise it.
    claims : dict of address key to Claims
        What contact points say now.
    blocked : dict of address key to bool
        What changed rules say of identifiers.
    decide : Decision, optional
    withdraw : str, optional
        Id of a decision that is taken back.
    cut : set of edge keys
        Evidence that is forgotten.
    forget : set of address keys
        Identifiers that are forgotten, with all evidence and decisions about them.
    """

    nodes: Mapping[str, Node] = field(default_factory=dict)
    edges: Mapping[tuple[str, str], Edge] = field(default_factory=dict)
    seen_at: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, Claims] = field(default_factory=dict)
    blocked: Mapping[str, bool] = field(default_factory=dict)
    decide: Decision | None = None
    withdraw: str | None = None
    cut: frozenset[tuple[str, str]] = frozenset()
    forget: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evolution:
    """The writes, each with what it replaces, and the effects on customers."""

    components: list[tuple[Component | None, Component | None]]
    pointers: dict[str, tuple[Pointer | None, Pointer]]
    effects: list[Effect]


def created(customer_id: str, key: str) -> Effect:
    """A customer known for the first time; ``key`` is the identifier whose birth id it has."""
    return {"effect": "created", "customer_id": customer_id, "key": key}


def described(customer_id: str, key: str) -> Effect:
    """There is something new to compare about the contact point ``key``."""
    return {"effect": "described", "customer_id": customer_id, "key": key}


def erased(customer_id: str) -> Effect:
    """Nothing is left of a customer."""
    return {"effect": "erased", "customer_id": customer_id}


def evolve(
    components: Iterable[Component],
    loners: Mapping[str, Node],
    change: GraphChange,
    rules: Rules,
    today: str,
) -> Evolution:
    """Apply news to the touched part of the graph.

    Parameters
    ----------
    components : iterable of Component
        Every component that the change touches.
    loners : dict
        Known identifiers that the change touches and that are in no component.
    today : str
        ``YYYY-MM-DD``.

    Raises
    ------
    ComponentSaturated
        If the components together would outgrow one transaction.
    """
    before = {component.id: component for component in components}
    nodes: dict[str, Node] = {**loners, **change.nodes}
    edges: dict[tuple[str, str], Edge] = {}
    decisions: dict[str, Decision] = {}
    was: dict[str, Pointer] = {key: Pointer.of(node, node.birth) for key, node in loners.items()}
    for component in before.values():
        nodes.update(component.nodes)
        edges.update(component.edges)
        decisions.update(component.decisions)
        for key, node in component.nodes.items():
            was[key] = Pointer.of(node, component.customer_of[key], component.id)
    for key, moment in change.seen_at.items():
        nodes[key] = first_seen_at(nodes[key], moment)
    for key, claims in change.claims.items():
        nodes[key] = replace(nodes[key], claims=claims)
    for key, blocked in change.blocked.items():
        nodes[key] = replace(nodes[key], blocked=blocked)
    for pair, edge in change.edges.items():
        edges[pair] = edges[pair].merged(edge) if pair in edges else edge
    if change.decide:
        decisions[change.decide.id] = change.decide
    if change.withdraw:
        decisions.pop(change.withdraw, None)
    if change.cut or change.forget:
        gone = change.forget
        nodes = {key: node for key, node in nodes.items() if key not in gone}
        edges = {
            pair: edge
            for pair, edge in edges.items()
            if pair not in change.cut and gone.isdisjoint(pair)
        }
        decisions = {id_: d for id_, d in decisions.items() if gone.isdisjoint((d.a, d.b))}

    rebuilt, alone = rebuild(nodes, edges, decisions, rules, today)
    if any(len(component.nodes) > MAX_NODES for component in rebuilt):
        raise ComponentSaturated("a component would outgrow its document")
    after = {component.id: component for component in rebuilt}
    now = {key: Pointer.of(node, node.birth) for key, node in alone.items()}
    for component in rebuilt:
        for key, node in component.nodes.items():
            now[key] = Pointer.of(node, component.customer_of[key], component.id)
    return Evolution(
        components=[
            (before.get(id_), after.get(id_))
            for id_ in sorted(before.keys() | after.keys())
            if id_ not in before or id_ not in after or before[id_].body != after[id_].body
        ],
        pointers={
            key: (was.get(key), pointer)
            for key, pointer in sorted(now.items())
            if was.get(key) != pointer
        },
        effects=[
            *_effects(
                was, now, {node.birth: key for key, node in nodes.items()}, rebuilt, rules, today
            ),
            *_newly_refused(before.values(), rebuilt, rules, today),
        ],
    )


def _effects(
    was: Mapping[str, Pointer],
    now: Mapping[str, Pointer],
    born: Mapping[str, str],
    components: Iterable[Component],
    rules: Rules,
    today: str,
) -> list[Effect]:
    """Customers created, merged and split, by comparing both partitions."""
    old = {key: pointer.customer_id for key, pointer in was.items()}
    new = {key: pointer.customer_id for key, pointer in now.items()}
    old_members, new_members = _members(old), _members(new)
    left = {id_: [key for key in keys if key in new] for id_, keys in old_members.items()}
    # What lost the identifier that led it, and fell into several: it is no one's alias.
    bereft = {
        id_
        for id_, keys in left.items()
        if len(keys) < len(old_members[id_]) and len({new[key] for key in keys}) > 1
    }
    effects: list[Effect] = []
    for customer_id, keys in new_members.items():
        former = sorted({old[key] for key in keys if key in old})
        if not former:
            effects.append(created(customer_id, born[customer_id]))
        elif former != [customer_id]:
            gone = [id_ for id_ in former if id_ not in new_members and id_ not in bereft]
            if len(former) > 1 or gone:
                effects.append(
                    {
                        "effect": "merged",
                        "customer_id": customer_id,
                        "identifiers": {
                            id_: [key for key in old_members[id_] if new.get(key) == customer_id]
                            for id_ in former
                        },
                        "evidence": _evidence(keys, old, components, rules, today),
                    }
                )
    for customer_id, keys in left.items():
        parts = sorted({new[key] for key in keys})
        # One that goes on with less than it had is told as a split into one part.
        lessened = parts == [customer_id] and len(keys) < len(old_members[customer_id])
        if not parts:
            effects.append(erased(customer_id))
        elif len(parts) > 1 or lessened:
            effects.append(
                {
                    "effect": "split",
                    "customer_id": customer_id,
                    "into": [[part, new_members[part]] for part in parts],
                }
            )
    return effects


def _newly_refused(
    before: Iterable[Component], after: Iterable[Component], rules: Rules, today: str
) -> Iterable[Effect]:
    """Edges that an operator should look at; their candidates are found from one end."""
    known: set[tuple[str, str]] | None = None
    for component in after:
        refused = component.partition(rules, today).refused
        pairs = {pair for pair, reason in refused.items() if overrulable(reason)}
        if not pairs:
            continue
        if known is None:
            known = {pair for was in before for pair in was.partition(rules, today).refused}
        if pairs - known:
            key = min(pairs - known)[0]
            yield described(component.customer_of[key], key)


def _members(customer_of: Mapping[str, str]) -> dict[str, list[str]]:
    members: dict[str, list[str]] = defaultdict(list)
    for key in sorted(customer_of):
        members[customer_of[key]].append(key)
    return members


def _evidence(
    keys: list[str],
    old: Mapping[str, str],
    components: Iterable[Component],
    rules: Rules,
    today: str,
) -> list[list[str]]:
    """The accepted edges that tie formerly different customers, with their levels."""
    for component in components:
        if keys[0] in component.nodes:
            accepted = component.partition(rules, today).accepted
            return [
                [a, b, component.edges[a, b].level if (a, b) in component.edges else "decision"]
                for a, b in sorted(accepted)
                if a in keys and a in old and b in old and old[a] != old[b]
            ]
    return []
