"""The candidates of the laptop tools and the property tests: dictionaries in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from enlace.domain.candidate import Candidate
from enlace.domain.evidence import edge_key
from enlace.usecases.candidate_ports import Members, Point


class MemoryCandidates:
    """Implements :class:`enlace.usecases.candidate_ports.CandidateStore`."""

    def __init__(self) -> None:
        self.members: dict[str, set[str]] = defaultdict(set)
        self.common: set[str] = set()
        self.entered: dict[str, set[str]] = defaultdict(set)
        self.with_whom: dict[str, set[str]] = defaultdict(set)
        self.kept: dict[tuple[str, str], Candidate] = {}

    def points(self, keys: Collection[str]) -> dict[str, Point]:
        """The entries of contact points."""
        return {
            key: Point(
                frozenset(self.entered.get(key, ())),
                frozenset(self.with_whom.get(key, ())),
                self._open(key),
            )
            for key in keys
        }

    def blocks(self, ids: Collection[str]) -> dict[str, Members]:
        """Members by block id."""
        return {
            id_: None if id_ in self.common else frozenset(self.members.get(id_, ())) for id_ in ids
        }

    def enter(self, key: str, known: Mapping[str, Members], block_size: int) -> dict[str, Members]:
        """Make a contact point a member of blocks."""
        for id_ in known:
            members = self.members[id_]
            if id_ in self.common or len(members | {key}) > block_size:
                self.common.add(id_)
                del self.members[id_]
                continue
            members.add(key)
            self.entered[key].add(id_)
        return self.blocks(known.keys())

    def leave(self, key: str, ids: Collection[str]) -> None:
        """Make it none."""
        for id_ in ids:
            members = self.members.get(id_, set())
            members.discard(key)
            if not members:
                self.members.pop(id_, None)
        self.entered[key].difference_update(ids)
        if not self.entered[key]:
            del self.entered[key]

    def candidates(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Candidate]:
        """Candidates by sorted pair."""
        return {pair: self.kept[pair] for pair in pairs if pair in self.kept}

    def keep(self, kept: Collection[Candidate]) -> None:
        """Write candidates."""
        for one in kept:
            self.kept[one.pair] = one
            self.with_whom[one.a].add(one.b)
            self.with_whom[one.b].add(one.a)

    def tidy(self, key: str) -> None:
        """There are no empty entries here."""

    def drop(self, pairs: Collection[tuple[str, str]], *, last: str = "") -> None:
        """Remove candidates."""
        for a, b in pairs:
            self.kept.pop((a, b), None)
            for end, other in ((a, b), (b, a)):
                self.with_whom[end].discard(other)
                if not self.with_whom[end]:
                    del self.with_whom[end]

    def best(self, after: str, size: int) -> Iterator[Candidate]:
        """Listed candidates behind a position, best first."""
        listed = (c for c in self.kept.values() if c.listed and c.position > after)
        yield from sorted(listed, key=lambda c: c.position)

    def open_for(self, keys: Sequence[str]) -> bool:
        """Whether a listed candidate has one end among some contact points."""
        return any(self._open(key) - set(keys) for key in keys)

    def _open(self, key: str) -> frozenset[str]:
        others = self.with_whom.get(key, ())
        return frozenset(other for other in others if self.kept[edge_key(key, other)].listed)
