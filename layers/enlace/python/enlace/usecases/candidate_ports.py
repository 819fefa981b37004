"""Where candidates and the blocks that find them are kept.

Implemented on a table by :mod:`enlace.aws.candidate_table` and in memory by
``local.memory_candidates``; both pass one suite.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from enlace.domain.candidate import Candidate


@dataclass(frozen=True, slots=True)
class Point:
    """What is kept about one contact point.

    Parameters
    ----------
    blocks : frozenset of str
        Ids of the blocks that it is, or may be, a member of.
    partners : frozenset of str
        Address keys of those with whom it makes, or may make, candidates.
    open : frozenset of str
        Those among them with whom it makes a listed one.
    """

    blocks: frozenset[str] = frozenset()
    partners: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()


#: Members of a block; None if so many were in it that it finds nobody any more.
Members = frozenset[str] | None


class CandidateReader(Protocol):
    """What the API reads."""

    def candidates(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Candidate]:
        """Candidates by sorted pair, read consistently; unknown pairs are absent."""

    def best(self, after: str, size: int) -> Iterator[Candidate]:
        """Listed candidates whose position is greater than ``after``, best first.

        Parameters
        ----------
        size : int
            How many will probably be wanted; more are read as they are asked for.
        """

    def open_for(self, keys: Sequence[str]) -> bool:
        """Whether a listed candidate has one end among some contact points; one round trip.

        It may lag behind a merge, a split or a decision for as long as the bus takes;
        the list itself never does.
        """


class CandidateStore(CandidateReader, Protocol):
    """What the finder reads and writes.

    No write has a condition: the finder looks again after it has written, and
    whoever saw the older state writes once more.
    """

    def points(self, keys: Collection[str]) -> dict[str, Point]:
        """The entries of contact points, read consistently; empty where there is none."""

    def blocks(self, ids: Collection[str]) -> dict[str, Members]:
        """Members by block id, read consistently."""

    def enter(self, key: str, known: Mapping[str, Members], block_size: int) -> dict[str, Members]:
        """Make a contact point a member of blocks; gives all members after that.

        Parameters
        ----------
        known : mapping of block id to members
            The blocks to enter as they were read.
        block_size : int
            A block that would have more members is dropped for ever.
        """

    def leave(self, key: str, ids: Collection[str]) -> None:
        """The inverse of :meth:`enter`."""

    def keep(self, kept: Collection[Candidate]) -> None:
        """Write candidates, under both of their ends."""

    def drop(self, pairs: Collection[tuple[str, str]], *, last: str = "") -> None:
        """Remove candidates, from both of their ends.

        Parameters
        ----------
        last : str
            The contact point whose entry is changed last: whoever comes after a crash finds
            there what is left to do.
        """

    def tidy(self, key: str) -> None:
        """Remove a contact point's entry that holds nothing, as a crash may leave it."""
