"""Joins contact points that are alike beyond what the rules file asks for, if it does."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Protocol

from enlace.domain.envelope import NAMESPACE, Cause, Entry
from enlace.domain.evidence import edge_key
from enlace.domain.interaction import Identifier
from enlace.domain.records import IdentifierRecord
from enlace.errors import ComponentSaturated, NotFound, TooManyPending
from enlace.usecases.conciliate import Conciliator
from enlace.usecases.publish import effect_entries

SOURCE = "enlace.find_candidates"
OPERATOR = "enlace:candidates"


class Bus(Protocol):
    """Where events go."""

    def publish_all(self, entries: Sequence[Entry]) -> None:
        """Publish events, all of them."""


class JoinCandidates:
    """Implements :class:`enlace.usecases.find_candidates.Merge` with an operator's means.

    A pair is decided once: the decision's id is made from the pair, so what a person
    took back stays taken back. It is an ordinary, unverified ``same``: limits and
    ``different`` decisions hold against it, it waits for an operator's approval where
    a person's would wait for a second one's, and it widens no proven circle.

    Parameters
    ----------
    now : callable
        Gives the current contract time.
    """

    def __init__(self, conciliator: Conciliator, bus: Bus, *, now: Callable[[], str]):
        self._conciliator = conciliator
        self._bus = bus
        self._now = now

    def __call__(self, a: IdentifierRecord, b: IdentifierRecord) -> bool:
        """Decide that two are the same, and tell what it changed; whether they are one now.

        Raises
        ------
        TemporaryFailure
            If the store or the bus did not do its part.
        """
        try:
            made = self._conciliator.decide(
                "same",
                Identifier(a.kind, a.raw),
                Identifier(b.kind, b.raw),
                operator=OPERATOR,
                reason="alike beyond candidates.auto_merge_above",
                conciliation_id=decision_id(a.key, b.key),
            )
        except (ComponentSaturated, NotFound, TooManyPending):
            return False
        cause = Cause("conciliation_id", made.id)
        entries = effect_entries(made.effects, cause, made.decided_at, self._now(), SOURCE)
        if entries:
            self._bus.publish_all(entries)
        return len(made.customers) == 1


def decision_id(a: str, b: str) -> str:
    """The id of the one decision that is ever made about a pair without asking."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(("candidates", *edge_key(a, b)))))
