"""A component: the identifiers joined by evidence or decisions, as one document.

It is small by construction (``MAX_NODES``), is written whole under optimistic
locking, and holds the customers it divides into, so that one read sees a merge
either not at all or complete.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

from enlace.domain.claims import NO_CLAIMS, Claims
from enlace.domain.evidence import Decision, Edge, Node, edge_from_json, edge_key, edge_to_json
from enlace.domain.partition import Partition, partition
from enlace.domain.rules import Rules, root

#: One transaction of DynamoDB writes at most 100 items: the nodes' pointers, the
#: documents that they leave and join, and the interaction itself.
MAX_NODES = 70


@dataclass(frozen=True)
class Component:
    """Nodes, edges and decisions that hang together, and their customers.

    Parameters
    ----------
    nodes, edges, decisions
        By address key, sorted pair of address keys, and decision id.
    customer_of : dict[str, str]
        The partition that was in force when the document was written.
    """

    nodes: Mapping[str, Node]
    edges: Mapping[tuple[str, str], Edge] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    customer_of: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The birth id of the earliest identifier.

        A function of the nodes, so that undo is exact; and one that newcomers
        rarely change, since a new id would cost the old document's deletion.
        """
        return min(self.nodes.values(), key=lambda node: (node.first_seen, node.birth)).birth

    @cached_property
    def body(self) -> str:
        """The document as canonical JSON: equal components have equal bytes.

        Nodes are named by their place in the sorted list, since what a merge
        costs is the size of this document; ends that are no nodes (hubs cut
        off) are named by their key.
        """
        keys = sorted(self.nodes)
        place: dict[str, int | str] = {key: n for n, key in enumerate(keys)}
        by_birth = {self.nodes[key].birth: n for n, key in enumerate(keys)}
        nodes = []
        for key in keys:
            n = self.nodes[key]
            scope = n.kind[len(root(n.kind)) :]
            flags = int(n.blocked) + 2 * int(n.hub)
            owner = by_birth[self.customer_of[key]]
            said = [*n.claims.names, *n.claims.births]
            node = [key, scope, n.birth, n.first_seen, flags, owner]
            nodes.append([*node, said] if said else node)
        edges = [
            [place.get(a, a), place.get(b, b), *edge_to_json(edge)]
            for (a, b), edge in sorted(self.edges.items())
        ]
        decisions = [asdict(d) for _, d in sorted(self.decisions.items())]
        return json.dumps([nodes, edges, decisions], separators=(",", ":"), sort_keys=True)

    @cached_property
    def etag(self) -> str:
        """What optimistic locking compares: equal content is equal state."""
        return etag_of(self.body)

    @staticmethod
    def from_body(body: str) -> Component:
        """The inverse of :attr:`body`."""
        nodes, edges, decisions = json.loads(body)
        keys = [node[0] for node in nodes]

        def key_at(place: int | str) -> str:
            return keys[place] if isinstance(place, int) else place

        return Component(
            nodes={
                key: Node(
                    root(key, "#") + scope,
                    birth,
                    seen,
                    bool(flags & 1),
                    bool(flags & 2),
                    _claims(*said),
                )
                for key, scope, birth, seen, flags, _, *said in nodes
            },
            edges={(key_at(a), key_at(b)): edge_from_json(rest) for a, b, *rest in edges},
            decisions={d["id"]: Decision(**d) for d in decisions},
            customer_of={node[0]: nodes[node[5]][2] for node in nodes},
        )

    def partition(self, rules: Rules, today: str) -> Partition:
        """Divide into customers under ``rules``, with reasons for refused edges."""
        return partition(self.nodes, self.edges, self.decisions.values(), rules, today)

    def members(self, customer_id: str) -> list[str]:
        """Address keys of one customer, sorted."""
        return sorted(key for key, owner in self.customer_of.items() if owner == customer_id)


def _claims(said: Iterable[str] = ()) -> Claims:
    # Names hold no digits, so a date is told by its first character.
    births = tuple(text for text in said if text[0].isdigit())
    return Claims(tuple(said)[: -len(births) or None], births) if said else NO_CLAIMS


def etag_of(body: str) -> str:
    """A short digest of a canonical document."""
    return hashlib.blake2b(body.encode(), digest_size=9).hexdigest()


def rebuild(
    nodes: Mapping[str, Node],
    edges: Mapping[tuple[str, str], Edge],
    decisions: Mapping[str, Decision],
    rules: Rules,
    today: str,
) -> tuple[list[Component], dict[str, Node]]:
    """Divide a graph into components, each divided into customers.

    A node that has come to stand beside more than ``hub_degree`` others is made
    a hub, for ever, and cut off: whatever its edges are, they join nobody, and
    keeping it would let one shared address tie hundreds of people into one
    document. The edge stays with its other end, which goes on counting it.

    Returns
    -------
    (components, loners) : components with evidence, and nodes that have none
    """
    degree: Counter[str] = Counter(key for pair in edges for key in pair)
    nodes = {
        key: node if node.hub or degree[key] <= rules.hub_degree else replace(node, hub=True)
        for key, node in nodes.items()
    }

    def is_hub(key: str) -> bool:
        # An end that is not among the nodes is a hub that was cut off before.
        return key not in nodes or nodes[key].hub

    edges = {pair: edge for pair, edge in edges.items() if not all(map(is_hub, pair))}
    components: list[Component] = []
    loners: dict[str, Node] = {}
    pairs = [pair for pair in edges if not any(map(is_hub, pair))]
    pairs += [edge_key(d.a, d.b) for d in decisions.values()]
    for keys in _connected(nodes, pairs):
        own = {key for key in keys if not nodes[key].hub}
        component = Component(
            nodes={key: nodes[key] for key in sorted(keys)},
            edges={pair: edge for pair, edge in edges.items() if not own.isdisjoint(pair)},
            decisions={id_: d for id_, d in decisions.items() if d.a in keys},
        )
        if len(keys) == 1 and not component.edges:
            loners.update(component.nodes)
            continue
        customer_of = component.partition(rules, today).customer_of
        components.append(replace(component, customer_of=customer_of))
    return components, loners


def _connected(nodes: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[set[str]]:
    group = {key: {key} for key in nodes}
    for a, b in pairs:
        if group[a] is not group[b]:
            small, large = sorted((group[a], group[b]), key=len)
            large |= small
            for key in small:
                group[key] = large
    return list({id(keys): keys for keys in group.values()}.values())
