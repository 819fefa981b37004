"""Which identifiers are the same customer: a pure function of the evidence.

It looks at the set of nodes, edges and decisions and at nothing else, so every
order, duplication and batching of events gives the same customers, and taking
a decision away gives back what was there before. (Semantics: docs/identity.md.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations

from enlace.domain.claims import Claims, agree, contradict, pooled
from enlace.domain.evidence import Decision, Edge, Node, edge_key
from enlace.domain.rules import LEVEL_RANK, KindRule, Rules, root


def overrulable(reason: str) -> bool:
    """Whether an operator's ``same`` could join what was refused for this reason.

    Those edges are worth a person's look; the others no decision can change, or an
    operator's ``different`` stands behind them.
    """
    return reason in ("contradiction", "below_min_level", "expired") or reason.startswith("limit:")


@dataclass(frozen=True, slots=True)
class Partition:
    """The customers of a component.

    Parameters
    ----------
    customer_of : dict[str, str]
        Address key -> customer id.
    accepted : frozenset of edge keys
        Edges of evidence and ``same`` decisions that the joins rest on.
    refused : dict of edge key to reason
        Why an edge joins nobody: ``blocked``, ``shared``, ``hub``, ``expired``,
        ``not_linking``, ``below_min_level``, ``limit:<kind>``,
        ``limit:identifiers``, ``different``, ``contradiction``.
    """

    customer_of: Mapping[str, str]
    accepted: frozenset[tuple[str, str]]
    refused: Mapping[tuple[str, str], str]

    def members(self) -> dict[str, list[str]]:
        """Customer id -> its address keys, sorted."""
        members: dict[str, list[str]] = defaultdict(list)
        for key in sorted(self.customer_of):
            members[self.customer_of[key]].append(key)
        return dict(members)


def partition(
    nodes: Mapping[str, Node],
    edges: Mapping[tuple[str, str], Edge],
    decisions: Iterable[Decision],
    rules: Rules,
    today: str,
    *,
    sides: dict[tuple[str, str], tuple[list[str], list[str]]] | None = None,
) -> Partition:
    """Divide identifiers into customers.

    Parameters
    ----------
    nodes, edges : mappings by address key and by sorted pair of address keys
    decisions : iterable of Decision
        Those in force; withdrawn ones are simply not there.
    rules : Rules
    today : str
        ``YYYY-MM-DD``; evidence last seen more than ``valid_days`` before it has expired.
    sides : dict, optional
        Filled with the identifiers that stood on either side of each edge whose join a
        limit, a ``different`` or a contradiction refused.
    """
    rule_of = {key: rules.of(node.kind) for key, node in nodes.items()}
    shared = shared_by_several(nodes, edges, rule_of)

    def nobodys(key: str) -> str | None:
        # Not even an operator joins people through an identifier that is no one person's.
        node = nodes.get(key)
        if node is None or node.hub:
            return "hub"
        if node.blocked:
            return "blocked"
        if not rule_of[key].links:
            return "not_linking"
        return "shared" if key in shared else None

    backing = _backing(nodes, edges, rule_of)
    refused: dict[tuple[str, str], str] = {}
    proposals: list[tuple[tuple[object, ...], tuple[str, str], bool]] = []
    different: dict[str, set[str]] = defaultdict(set)
    same: set[tuple[str, str]] = set()
    for decision in decisions:
        pair = edge_key(decision.a, decision.b)
        if decision.decision == "different":
            different[pair[0]].add(pair[1])
            different[pair[1]].add(pair[0])
        elif pair not in same:
            same.add(pair)
            reason = next(filter(None, map(nobodys, pair)), None)
            if reason:
                refused[pair] = reason
            else:
                proposals.append(((0, pair), pair, False))
    for pair, edge in edges.items():
        if pair in same:
            continue
        reason = next(filter(None, map(nobodys, pair)), None) or _left_out(
            pair, edge, nodes, rule_of, today
        )
        if reason:
            refused[pair] = reason
            continue
        priorities = sorted((rule_of[pair[0]].priority, rule_of[pair[1]].priority))
        guarded = edge.level != "proven" and any(rule_of[key].contradiction for key in pair)
        # Of people who contradict each other under one number, what a till took down and
        # what an import brought are hearsay alike: what most of them say goes first.
        rank = LEVEL_RANK["stated" if pair in backing else edge.level]
        order = (1, -rank, -backing.get(pair, 0), *priorities, edge.first_seen, pair)
        proposals.append((order, pair, guarded))
    proposals.sort(key=lambda proposal: proposal[0])

    blocks = _Blocks(nodes, rule_of, rules.max_identifiers, different)
    accepted = set()
    for _, pair, guarded in proposals:
        refusal = blocks.join(*pair, guarded=guarded)
        if refusal:
            refused[pair] = refusal
            if sides is not None:
                sides[pair] = blocks.sides(*pair)
        else:
            accepted.add(pair)
    return Partition(blocks.customer_of(), frozenset(accepted), refused)


def _backing(
    nodes: Mapping[str, Node],
    edges: Mapping[tuple[str, str], Edge],
    rule_of: Mapping[str, KindRule],
) -> dict[tuple[str, str], int]:
    """How many others speak of the same person, by edge of an identifier of several people.

    The first to state a lent CPF need not be the one whose it is.
    """
    users: dict[str, list[tuple[tuple[str, str], Claims]]] = defaultdict(list)
    for pair, edge in edges.items():
        if edge.level == "proven":
            continue
        for key, other in (pair, pair[::-1]):
            if key in nodes and other in nodes and rule_of[key].contradiction:
                users[key].append((pair, nodes[other].claims))
    backing: dict[tuple[str, str], int] = {}
    for found in users.values():
        said = {claims for _, claims in found}
        if any(contradict(a, b) for a, b in combinations(said, 2)):
            for pair, claims in found:
                backing[pair] = sum(agree(claims, other) for _, other in found)
    return backing


def shared_by_several(
    nodes: Mapping[str, Node],
    edges: Mapping[tuple[str, str], Edge],
    rule_of: Mapping[str, KindRule],
) -> set[str]:
    """Identifiers that several people use: seen beside too many of one unique kind."""
    beside: dict[str, Counter[str]] = defaultdict(Counter)
    for a, b in edges:
        if a not in nodes or b not in nodes:
            continue
        for key, other in ((a, b), (b, a)):
            node = nodes[other]
            if rule_of[other].unique and not node.blocked and not node.hub:
                beside[key][root(node.kind)] += 1
    return {
        key
        for key, counts in beside.items()
        if (limit := rule_of[key].shared_after) is not None and max(counts.values()) > limit
    }


def _left_out(
    pair: tuple[str, str],
    edge: Edge,
    nodes: Mapping[str, Node],
    rule_of: Mapping[str, KindRule],
    today: str,
) -> str | None:
    for key, other in (pair, pair[::-1]):
        rule = rule_of[key]
        if rule.joins_only and root(nodes[other].kind) not in rule.joins_only:
            return "not_linking"
        if LEVEL_RANK[edge.level] < LEVEL_RANK[rule.min_level]:
            return "below_min_level"
        if rule.valid_days is not None:
            last_valid = date.fromisoformat(edge.last_day) + timedelta(days=rule.valid_days)
            if last_valid.isoformat() < today:
                return "expired"
    return None


class _Blocks:
    """Union-find that refuses a join which would break a limit."""

    def __init__(
        self,
        nodes: Mapping[str, Node],
        rule_of: Mapping[str, KindRule],
        max_identifiers: int,
        different: Mapping[str, set[str]],
    ):
        self._nodes = nodes
        self._rule_of = rule_of
        self._max_identifiers = max_identifiers
        self._different = different
        self._block: dict[str, list[str]] = {key: [key] for key in nodes}

    def join(self, a: str, b: str, *, guarded: bool) -> str | None:
        """Join the blocks of ``a`` and ``b``, or give the reason for not doing so.

        ``guarded``: not if the people of both sides cannot be one.
        """
        left, right = self._block[a], self._block[b]
        if left is right:
            return None
        if len(left) + len(right) > self._max_identifiers:
            return "limit:identifiers"
        counts: Counter[str] = Counter()
        limits: dict[str, int] = {}
        for key in (*left, *right):
            kind = root(self._nodes[key].kind)
            counts[kind] += 1
            limit = self._rule_of[key].max_per_customer
            if limit is not None:
                limits[kind] = limit
        for kind in sorted(limits):
            if counts[kind] > limits[kind]:
                return f"limit:{kind}"
        members = set(right)
        if any(not members.isdisjoint(self._different.get(key, ())) for key in left):
            return "different"
        if guarded and contradict(self._claims(left), self._claims(right)):
            return "contradiction"
        if len(left) < len(right):
            left, right = right, left
        left.extend(right)
        for key in right:
            self._block[key] = left
        return None

    def sides(self, a: str, b: str) -> tuple[list[str], list[str]]:
        """The blocks of both, sorted, as they are by now."""
        return sorted(self._block[a]), sorted(self._block[b])

    def _claims(self, block: list[str]) -> Claims:
        return pooled(self._nodes[key].claims for key in block)

    def customer_of(self) -> dict[str, str]:
        """Each key's customer id: the birth id of its block's earliest identifier."""
        customer_of: dict[str, str] = {}
        for key, block in self._block.items():
            if key in customer_of:
                continue
            earliest = min(
                block,
                key=lambda k: (self._nodes[k].first_seen, self._rule_of[k].priority, k),
            )
            for member in block:
                customer_of[member] = self._nodes[earliest].birth
        return customer_of
