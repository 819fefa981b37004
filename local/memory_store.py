"""The store of the laptop tools and the property tests: dictionaries in memory.

It keeps to the port to the letter, conditional writes included, and passes the
suite that the DynamoDB store passes.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from enlace.domain.component import Component
from enlace.domain.records import (
    CustomerHint,
    Document,
    IdentifierRecord,
    TimelineItem,
    Tombstone,
)
from enlace.errors import AlreadyRecorded, Conflict
from enlace.usecases.ports import (
    CreateRecord,
    ForgetRecord,
    PutComponent,
    PutDocument,
    PutEntry,
    PutInteraction,
    UpdateRecord,
    Write,
)


class MemoryStore:
    """Implements :class:`enlace.usecases.ports.Store` and ``TimelineReader``."""

    def __init__(self) -> None:
        self.records: dict[str, IdentifierRecord] = {}
        self.tombstones: dict[str, Tombstone] = {}
        self.components: dict[str, Component] = {}
        self.entries: dict[str, dict[str, Any]] = {}
        self.documents: dict[tuple[str, str], Document] = {}
        self.timelines: dict[str, dict[str, TimelineItem]] = {}
        self.pins: dict[tuple[str, str], str] = {}

    def get_identifiers(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord]:
        """Known identifiers by address key."""
        return {key: self.records[key] for key in keys if key in self.records}

    def get_states(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord | Tombstone]:
        """Known identifiers, and tombstones, by address key."""
        wanted = set(keys)
        stones = {key: self.tombstones[key] for key in wanted if key in self.tombstones}
        return {**stones, **self.get_identifiers(wanted)}

    def raise_fence(self, keys: Iterable[str], at: str) -> None:
        """What an erasure does first, as its own adapter does it on the table."""
        for key in keys:
            record, stone = self.records.get(key), self.tombstones.get(key)
            if record is None:
                self.tombstones[key] = Tombstone(key, max(at, stone.erased_before if stone else ""))
            elif record.erased_before < at:
                self.records[key] = replace(record, erased_before=at)

    def get_components(
        self, ids: Iterable[str], *, consistent: bool = False
    ) -> dict[str, Component]:
        """Components by id."""
        return {id_: self.components[id_] for id_ in ids if id_ in self.components}

    def scan(
        self, cursor: str | None, limit: int
    ) -> tuple[list[IdentifierRecord | Component], str | None]:
        """Identifiers and components in the order of their keys."""
        keys = sorted([*self.records, *(f"component#{id_}" for id_ in self.components)])
        start = bisect_right(keys, cursor) if cursor else 0
        page = keys[start : start + limit]
        found: list[IdentifierRecord | Component] = [
            self.records.get(key) or self.components[key.partition("#")[2]] for key in page
        ]
        return found, page[-1] if start + limit < len(keys) else None

    def get_entry(self, key: str) -> dict[str, Any] | None:
        """An entry by its key."""
        return copy.deepcopy(self.entries.get(key))

    def put_hint(self, key: str, hint: CustomerHint | None) -> None:
        """Tell a record what its customer looks like."""
        if key in self.records:
            self.records[key] = replace(self.records[key], hint=hint)

    def get_documents(self, pk: str, sks: Sequence[str]) -> dict[str, Document]:
        """Aggregates of a contact point by sort key."""
        return {sk: self.documents[pk, sk] for sk in sks if (pk, sk) in self.documents}

    def pin_time(self, pk: str, interaction_id: str, moment: str) -> str:
        """The time of the first receipt."""
        return self.pins.setdefault((pk, interaction_id), moment)

    def is_pinned(self, pk: str, interaction_id: str) -> bool:
        """Whether an interaction has left a pin."""
        return (pk, interaction_id) in self.pins

    def commit(self, writes: Sequence[Write]) -> None:
        """All writes, or none."""
        for write in writes:
            if isinstance(write, PutInteraction):
                known = self.timelines.get(write.item.pk, {}).get(write.item.sk)
                if known:
                    raise AlreadyRecorded(known.effects)
        for write in writes:
            self._check(write)
        for write in writes:
            self._apply(write)

    def _check(self, write: Write) -> None:
        ok = True
        if isinstance(write, CreateRecord):
            stone = self.tombstones.get(write.record.key)
            fence = stone.erased_before if stone else ""
            ok = write.record.key not in self.records and write.record.erased_before == fence
        elif isinstance(write, UpdateRecord):
            record = self.records.get(write.key)
            ok = (
                record is not None
                and record.pointer == write.before
                and (write.own is None or _own(record) == _own(write.own[0]))
            )
        elif isinstance(write, ForgetRecord):
            record = self.records.get(write.before.key)
            ok = (
                record is not None
                and record.pointer == write.before.pointer
                and _own(record) == _own(write.before)
            )
        elif isinstance(write, PutComponent):
            named = write.after or write.before
            stored = self.components.get(named.id) if named else None
            ok = (stored and stored.etag) == (write.before and write.before.etag)
        elif isinstance(write, PutDocument):
            document = self.documents.get((write.after.pk, write.after.sk))
            ok = (document and document.etag) == (write.before and write.before.etag)
        elif isinstance(write, PutEntry):
            ok = self.entries.get(write.key) == write.before
        if not ok:
            raise Conflict("not as it was read")

    def _apply(self, write: Write) -> None:
        if isinstance(write, CreateRecord):
            self.tombstones.pop(write.record.key, None)
            self.records[write.record.key] = write.record
        elif isinstance(write, ForgetRecord):
            key = write.before.key
            del self.records[key]
            if write.erased_before:
                self.tombstones[key] = Tombstone(key, write.erased_before)
        elif isinstance(write, UpdateRecord):
            record = self.records[write.key]
            own = write.own[1] if write.own else record
            self.records[write.key] = replace(
                record, pointer=write.after, seen=own.seen, traits=own.traits
            )
        elif isinstance(write, PutComponent):
            if write.after:
                self.components[write.after.id] = write.after
            elif write.before:
                del self.components[write.before.id]
        elif isinstance(write, PutDocument):
            self.documents[write.after.pk, write.after.sk] = write.after
        elif isinstance(write, PutEntry):
            if write.after is None:
                del self.entries[write.key]
            else:
                self.entries[write.key] = copy.deepcopy(write.after)
        else:
            self.timelines.setdefault(write.item.pk, {})[write.item.sk] = write.item

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The stored body of one interaction."""
        item = self.timelines.get(pk, {}).get(sk)
        return item.body if item else None

    def page(
        self, pk: str, *, before: str | None, since: str | None, limit: int
    ) -> list[TimelineItem]:
        """Interactions of one contact point, newest first."""
        items = self.timelines.get(pk, {})
        keys = sorted(
            (
                sk
                for sk in items
                if (before is None or sk < before) and (since is None or sk >= since)
            ),
            reverse=True,
        )
        return [items[sk] for sk in keys[:limit]]


def _own(record: IdentifierRecord) -> tuple[str, str]:
    """What an update of a record's own part must find as it was read."""
    return record.own_etag, record.erased_before
