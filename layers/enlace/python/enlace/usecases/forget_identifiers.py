"""Forget identifiers: their records, and whatever others' evidence says about them.

What is forgotten is simply no longer in the set that customers are computed from, so the
others are what they would be had the person never been there. Records, component and
neighbours change in one transaction; what it means for other customers is written with it,
and told until it has been told.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from enlace.domain.change import Effect, GraphChange, evolve
from enlace.domain.component import Component
from enlace.domain.evidence import Node
from enlace.domain.records import IdentifierRecord, Pointer
from enlace.domain.rules import Rules
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.graph import neighbourhood_of
from enlace.usecases.ports import (
    ForgetRecord,
    PutComponent,
    PutEntry,
    Store,
    UpdateRecord,
    Write,
)

#: DynamoDB's bound of a transaction.
MAX_WRITES = 100
_ATTEMPTS = 10

#: ``(effects, at)``: publishes what became of customers; raises TemporaryFailure.
Tell = Callable[[Sequence[Effect], str], None]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the graph that is changed in one transaction.

    Parameters
    ----------
    records : dict
        All records that it may change, read consistently.
    going : frozenset of str
        Those of them to be forgotten.
    """

    records: dict[str, IdentifierRecord]
    component: Component | None
    going: frozenset[str]

    @property
    def loners(self) -> dict[str, Node]:
        return {} if self.component else {key: self.records[key].node for key in self.going}

    def touching(self) -> list[tuple[str, str]]:
        """The evidence about what is to be forgotten."""
        edges = self.component.edges if self.component else {}
        return sorted(pair for pair in edges if not self.going.isdisjoint(pair))


class ForgetIdentifiers:
    """The use case, of erasure and of retention.

    Parameters
    ----------
    store : Store
    rules : Rules
    tell : callable
        Publishes effects; the same ones again after a crash.
    now : callable
        Gives the current contract time.
    sleep : callable
        Waits some seconds between attempts at a contended component.
    """

    def __init__(
        self,
        store: Store,
        rules: Rules,
        *,
        tell: Tell,
        now: Callable[[], str],
        sleep: Callable[[float], None],
    ):
        self._store = store
        self._rules = rules
        self._tell = tell
        self._now = now
        self._sleep = sleep

    def __call__(
        self,
        keys: Iterable[str],
        *,
        erased_before: str | None,
        time_left: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Forget identifiers, while there is time; those that are not there are skipped.

        Parameters
        ----------
        keys : iterable of str
            Address keys.
        erased_before : str or None
            An erasure's fence: tombstones stay, and whoever came back behind it is somebody
            else, and stays too. None removes without a trace; but a fence that an erasure
            left before is kept.

        Returns
        -------
        bool
            Whether all is done and told; False where time ran out first.

        Raises
        ------
        TemporaryFailure
            If the store or the bus did not do its part, or others kept changing the same
            customer.
        """
        pending = sorted(set(keys))
        # One that was cut off had changed customers perhaps, and told nobody.
        for key in pending:
            self._tell_left(key)
        conflicts = 0
        while time_left():
            try:
                going = self._live(pending, erased_before)
                if not going:
                    return True
                self._forget(self._part(going), erased_before)
                conflicts = 0
            except Conflict:
                conflicts += 1
                if conflicts == _ATTEMPTS:
                    raise TemporaryFailure("others kept changing the same customer") from None
                self._sleep(random.uniform(0, 0.01 * 2**conflicts))
        return False

    def _live(self, keys: Sequence[str], erased_before: str | None) -> dict[str, IdentifierRecord]:
        records = self._store.get_identifiers(keys, consistent=True)
        return {
            key: record
            for key, record in sorted(records.items())
            if erased_before is None or record.returned_after < erased_before
        }

    def _part(self, going: dict[str, IdentifierRecord]) -> _Part:
        """One component's identifiers, or one that stands alone, with whom they touch."""
        first = next(iter(going.values()))
        id_ = first.pointer.component
        if id_ is None:
            return self._alone(first)
        records = {key: one for key, one in going.items() if one.pointer.component == id_}
        (component,) = neighbourhood_of(self._store, records).components
        others = component.nodes.keys() | {
            end for pair in component.edges if not records.keys().isdisjoint(pair) for end in pair
        }
        return self._with(others - records.keys(), records, component)

    def _alone(self, record: IdentifierRecord) -> _Part:
        """A loner; of one that had too many neighbours, first what one of them says of it.

        Of those that it has not shown itself nothing leads to them: what they say goes on
        joining nobody, under a key that stands for nobody.
        """
        near = self._store.get_identifiers(sorted(record.seen), consistent=True)
        ids = {other.pointer.component for other in near.values()} - {None}
        found = self._store.get_components(sorted(filter(None, ids)), consistent=True)
        for _, component in sorted(found.items()):
            if any(record.key in pair for pair in component.edges):
                part = self._with(component.nodes, {}, component)
                return replace(part, going=frozenset({record.key}))
        near = {key: other for key, other in near.items() if record.key in other.seen}
        return _Part({**near, record.key: record}, None, frozenset({record.key}))

    def _with(
        self, others: Iterable[str], going: dict[str, IdentifierRecord], component: Component
    ) -> _Part:
        records = self._store.get_identifiers(sorted(others), consistent=True)
        return _Part({**records, **going}, component, frozenset(going))

    def _forget(self, part: _Part, erased_before: str | None) -> None:
        """Forget what is to be forgotten of one part, or as much as one transaction takes."""
        today = self._now()[:10]
        change = GraphChange(forget=part.going)
        touching = part.touching()
        while True:
            components = [part.component] if part.component else []
            evolution = evolve(components, part.loners, change, self._rules, today)
            writes: list[Write] = [PutComponent(new, old) for old, new in evolution.components]
            writes += self._records(part, change, evolution.pointers, erased_before)
            if evolution.effects:
                told = {"at": self._now(), "effects": evolution.effects}
                writes.append(PutEntry(_told_key(min(part.going)), told, None))
            if len(writes) <= MAX_WRITES or not touching or len(change.cut) == 1:
                break
            # So many neighbours: some of the evidence first, the rest at the next turn.
            touching = touching[: max(len(touching) // 2, 1)]
            change = GraphChange(cut=frozenset(touching))
        self._store.commit(writes)
        self._tell_left(min(part.going))

    def _records(
        self,
        part: _Part,
        change: GraphChange,
        pointers: Mapping[str, tuple[Pointer | None, Pointer]],
        erased_before: str | None,
    ) -> list[Write]:
        writes: list[Write] = []
        for key, record in sorted(part.records.items()):
            if key in change.forget:
                fence = max(record.erased_before, erased_before or "")
                writes.append(ForgetRecord(record, fence))
                continue
            after = replace(record, seen=_without(record, change))
            own = (record, after) if after.seen != record.seen else None
            pointer = pointers[key][1] if key in pointers else record.pointer
            if own or pointer != record.pointer:
                writes.append(UpdateRecord(key, record.pointer, pointer, own))
        return writes

    def _tell_left(self, key: str) -> None:
        entry = self._store.get_entry(_told_key(key))
        if entry is None:
            return
        self._tell(entry["effects"], entry["at"])
        with suppress(Conflict):  # somebody else has told it at the same time
            self._store.commit([PutEntry(_told_key(key), None, entry)])


def _without(record: IdentifierRecord, change: GraphChange) -> dict[str, Mapping[str, str]]:
    cut = {other for pair in change.cut if record.key in pair for other in pair}
    return {
        key: entry
        for key, entry in record.seen.items()
        if key not in change.forget and key not in cut
    }


def _told_key(key: str) -> str:
    return f"forgotten#{key}"
