"""How strongly the identifiers of one customer hang together.

Anyone can *state* another person's e-mail, so a customer joins what the company
should see as one, and says nothing about who may learn what. The proven circle
of a contact point does: what proven evidence and verified decisions reach from
there, and nothing else. (docs/identity.md, "Safe stitching".)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from enlace.domain.component import Component
from enlace.domain.interaction import LEVELS
from enlace.domain.rules import LEVEL_RANK

#: Strongest first.
_DESCENDING = tuple(reversed(LEVELS))


def tie_levels(
    component: Component, accepted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The level of every tie that holds a customer of the component together.

    Parameters
    ----------
    component : Component
    accepted : iterable of edge keys
        Those of its partition; an edge between two customers is left out even
        so, since the customers that were written are the ones in force.

    Returns
    -------
    dict of edge key to level
        ``proven`` by evidence or by a verified decision; a decision that is
        merely believed counts as ``stated``.
    """
    said: dict[tuple[str, str], str] = {}
    for decision in component.decisions.values():
        if decision.decision == "same":
            pair = (decision.a, decision.b) if decision.a < decision.b else (decision.b, decision.a)
            level = "proven" if decision.verified else "stated"
            said[pair] = stronger(level, said.get(pair, level))
    ties: dict[tuple[str, str], str] = {}
    for pair in accepted:
        owner = component.customer_of.get(pair[0])
        if owner is None or owner != component.customer_of.get(pair[1]):
            continue
        levels = [said[pair]] if pair in said else []
        if pair in component.edges:
            levels.append(component.edges[pair].level)
        ties[pair] = max(levels, key=LEVEL_RANK.__getitem__)
    return ties


def stronger(a: str, b: str) -> str:
    """The higher of two levels."""
    return max(a, b, key=LEVEL_RANK.__getitem__)


def reach(ties: Mapping[tuple[str, str], str], start: str, level: str) -> frozenset[str]:
    """What ties of at least ``level`` reach from ``start``, itself included."""
    floor = LEVEL_RANK[level]
    beside: dict[str, list[str]] = defaultdict(list)
    for (a, b), tie in ties.items():
        if LEVEL_RANK[tie] >= floor:
            beside[a].append(b)
            beside[b].append(a)
    found, open_ = {start}, [start]
    while open_:
        for key in beside[open_.pop()]:
            if key not in found:
                found.add(key)
                open_.append(key)
    return frozenset(found)


def circle(ties: Mapping[tuple[str, str], str], start: str) -> frozenset[str]:
    """The proven circle of a contact point: all that may be disclosed to it."""
    return reach(ties, start, "proven")


def circles(ties: Mapping[tuple[str, str], str], members: Iterable[str]) -> list[frozenset[str]]:
    """The members of a customer, divided into their proven circles."""
    found: list[frozenset[str]] = []
    done: set[str] = set()
    for key in sorted(members):
        if key not in done:
            found.append(circle(ties, key))
            done |= found[-1]
    return found


def levels_from(ties: Mapping[tuple[str, str], str], start: str) -> dict[str, str]:
    """How surely each reachable identifier is the same person as ``start``.

    A path is as strong as its weakest tie, and the strongest path counts;
    ``start`` itself is left out.
    """
    levels: dict[str, str] = {}
    for level in _DESCENDING:
        for key in reach(ties, start, level):
            if key != start:
                levels.setdefault(key, level)
    return levels


def path(pairs: Iterable[tuple[str, str]], start: str, end: str) -> list[tuple[str, str]] | None:
    """A shortest path over undirected pairs as ``(from, to)`` steps, or None."""
    beside: dict[str, list[str]] = defaultdict(list)
    for a, b in sorted(pairs):
        beside[a].append(b)
        beside[b].append(a)
    came_from = {start: start}
    queue = [start]
    for key in queue:
        if key == end:
            steps = []
            while key != start:
                steps.append((came_from[key], key))
                key = came_from[key]
            return steps[::-1]
        for other in beside[key]:
            if other not in came_from:
                came_from[other] = key
                queue.append(other)
    return None
