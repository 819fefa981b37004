"""What is known about identifiers being one person: nodes, edges, decisions.

Every field merges by minimum, maximum or set union, so that any order and any
repetition of the same observations ends in the same evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from enlace.domain.claims import NO_CLAIMS, Claims
from enlace.domain.interaction import LEVELS
from enlace.domain.rules import LEVEL_RANK


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """The earliest event that showed an edge at one level."""

    first_seen: str
    event_id: str
    channel: str


@dataclass(frozen=True, slots=True)
class Node:
    """An identifier as the partition sees it: no clear value.

    Parameters
    ----------
    kind : str
        With its scope.
    birth : str
        The customer id minted when the identifier was first stored.
    first_seen : str
        Contract time of the earliest interaction that carried it.
    blocked : bool
        By the rules' lists, or because its value is not valid.
    hub : bool
        Seen beside more identifiers than ``hub_degree``; for ever.
    claims : Claims
        The names and birth dates that came through it as a contact point.
    """

    kind: str
    birth: str
    first_seen: str
    blocked: bool = False
    hub: bool = False
    claims: Claims = NO_CLAIMS


@dataclass(frozen=True, slots=True)
class Edge:
    """Evidence between two identifiers.

    ``last_day`` (``YYYY-MM-DD``) has the precision of a day so that a
    conversation does not rewrite its component with every message.
    """

    sources: Mapping[str, Source]
    last_day: str

    @property
    def level(self) -> str:
        """The highest level seen."""
        return max(self.sources, key=LEVEL_RANK.__getitem__)

    @property
    def first_seen(self) -> str:
        """When the edge was first seen, at any level."""
        return min(source.first_seen for source in self.sources.values())

    def merged(self, other: Edge) -> Edge:
        """Both observations of the same edge in one: commutative and idempotent."""
        sources = dict(self.sources)
        for level, source in other.sources.items():
            sources[level] = min(source, sources.get(level, source))
        return Edge(sources, max(self.last_day, other.last_day))


@dataclass(frozen=True, slots=True)
class Decision:
    """An operator's word about two identifiers.

    ``verified`` says that the operator checked it (it widens the proven
    circle), and not merely believes it.
    """

    id: str
    decision: str  # same | different
    a: str
    b: str
    operator: str
    decided_at: str
    verified: bool = False


def edge_key(a: str, b: str) -> tuple[str, str]:
    """The one key of an undirected edge."""
    return (a, b) if a < b else (b, a)


def observed_edge(level: str, occurred_at: str, event_id: str, channel: str) -> Edge:
    """The edge that one interaction shows between two of its identifiers."""
    return Edge({level: Source(occurred_at, event_id, channel)}, occurred_at[:10])


def lower_level(a: str, b: str) -> str:
    """An edge is proven only where both of its ends were."""
    return min(a, b, key=LEVEL_RANK.__getitem__)


def first_seen_at(node: Node, moment: str) -> Node:
    """The node, first seen at ``moment`` if that is earlier."""
    return replace(node, first_seen=moment) if moment < node.first_seen else node


def edge_to_json(edge: Edge) -> list[Any]:
    """Compact form: ``[last_day, {level initial: [first_seen, event_id, channel]}]``."""
    return [
        edge.last_day,
        {
            level[0]: [source.first_seen, source.event_id, source.channel]
            for level, source in sorted(edge.sources.items())
        },
    ]


_LEVEL_OF_INITIAL = {level[0]: level for level in LEVELS}


def edge_from_json(body: list[Any]) -> Edge:
    """The inverse of :func:`edge_to_json`."""
    return Edge(
        {_LEVEL_OF_INITIAL[initial]: Source(*source) for initial, source in body[1].items()},
        body[0],
    )
