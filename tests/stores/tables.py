"""Stores on DynamoDB tables of their own, and the laws of identity on them.

moto and the laptop stack run the same laws; the memory store, which the quick property tests
use, is the oracle, so that what those prove holds for the tables too.
"""

from __future__ import annotations

import itertools
import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enlace.aws.identity_table import record_of
from enlace.aws.store import DynamoStore
from enlace.aws.timeline_table import item_of
from enlace.domain.component import Component
from enlace.domain.interaction import Identifier, Interaction
from enlace.domain.records import Document, IdentifierRecord, Tombstone
from local.memory_store import MemoryStore
from tests.stores.builders import conciliator
from tests.stores.forgetting import deliver_late, forget
from tests.stores.laws import POOL, batched, deliver, events, renamed, snapshot

KEYS = {"identity": ["pk"], "timeline": ["pk", "sk"]}


class Tables:
    """Makes pairs of tables as the template declares them.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    """

    def __init__(self, client: Any):
        self._client = client
        self._names: list[str] = []

    def store(self) -> DynamoStore:
        """A store on two new, empty tables."""
        prefix = uuid.uuid4().hex
        names = {table: f"{prefix}-{table}" for table in KEYS}
        for table, keys in KEYS.items():
            self._client.create_table(
                TableName=names[table],
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            )
            self._names.append(names[table])
        self._newest = names
        return DynamoStore(self._client, names["identity"], names["timeline"])

    def state(self) -> MemoryStore:
        """Everything that the newest store's tables hold, in memory."""
        memory = MemoryStore()
        for item in self._items("identity"):
            pk = item["pk"]["S"]
            if pk.startswith("component#"):
                component = Component.from_body(item["body"]["S"])
                memory.components[component.id] = component
            elif "kind" in item:
                memory.records[pk] = record_of(item)
            elif "erased_before" in item:
                memory.tombstones[pk] = Tombstone(pk, item["erased_before"]["S"])
            else:
                memory.entries[pk] = json.loads(item["body"]["S"])
        for item in self._items("timeline"):
            pk, sk = item["pk"]["S"], item["sk"]["S"]
            if sk.startswith("pin#"):
                memory.pins[pk, sk.partition("#")[2]] = item["at"]["S"]
            elif "etag" in item:
                memory.documents[pk, sk] = Document(pk, sk, json.loads(item["body"]["S"]))
            else:
                memory.timelines.setdefault(pk, {})[sk] = item_of(item)
        return memory

    def drop(self) -> None:
        """Delete the tables."""
        for name in self._names:
            self._client.delete_table(TableName=name)
        self._names.clear()

    def _items(self, table: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._newest[table], ConsistentRead=True
        )
        return [item for page in pages for item in page["Items"]]


def few(examples: int) -> Any:
    """Settings for examples that cost calls to a service, each on tables of its own."""
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


class TableLaws:
    """Subclasses give a ``tables`` fixture; see :mod:`tests.unit.identity.test_laws`."""

    EXAMPLES = 10

    @pytest.fixture
    def tables(self) -> Tables:
        raise NotImplementedError

    def test_order_repetition_and_batching_change_nothing(self, tables: Tables) -> None:
        @few(self.EXAMPLES)
        @given(st.data())
        def law(data: st.DataObject) -> None:
            made = data.draw(events())
            in_order, shuffled = MemoryStore(), tables.store()
            deliver(in_order, [[item] for item in made])
            deliver(shuffled, batched(data.draw, made))
            assert renamed(tables.state()) == renamed(in_order)
            tables.drop()

        law()

    def test_an_erasure_amid_events_ends_alike(self, tables: Tables) -> None:
        @few(self.EXAMPLES)
        @given(events(), st.sets(st.sampled_from(POOL), min_size=1, max_size=4), st.data())
        def law(made: list[Interaction], gone: set[tuple[str, str]], data: st.DataObject) -> None:
            batches = batched(data.draw, made)
            cut = data.draw(st.integers(0, len(batches)))
            memory, store = MemoryStore(), tables.store()
            for one in (memory, store):
                deliver(one, batches[:cut])
                forget(one, *sorted(gone), at="2026-11-22T12:00:00.000Z")
                deliver_late(one, batches[cut:])
            state = tables.state()
            assert renamed(state) == renamed(memory)
            assert state.tombstones == memory.tombstones
            assert len(state.tombstones) == len(gone)
            tables.drop()

        law()

    def test_withdrawn_decisions_leave_no_trace(self, tables: Tables) -> None:
        @few(self.EXAMPLES)
        @given(events(), events(max_size=3), st.booleans(), st.data())
        def law(
            made: list[Interaction],
            later: list[Interaction],
            meanwhile: bool,
            data: st.DataObject,
        ) -> None:
            store = tables.store()
            deliver(store, [made])
            before = tables.state()
            ids = decided(store, before, data)
            if meanwhile:
                # Events go on arriving while the decisions stand.
                renumbered = [replace(item, id=f"later-{n}") for n, item in enumerate(later)]
                undecided = MemoryStore()
                deliver(store, [renumbered])
                deliver(undecided, [made, renumbered])
            for id_ in data.draw(st.permutations(ids)):
                conciliator(store).withdraw(id_, operator="op")
            if meanwhile:
                assert renamed(tables.state()) == renamed(undecided)
            else:
                assert snapshot(tables.state()) == snapshot(before)
            tables.drop()

        law()


def decided(store: DynamoStore, known: MemoryStore, data: st.DataObject) -> list[str]:
    """Up to three decisions about known identifiers; their ids."""
    records = sorted(known.records.values(), key=lambda record: (record.kind, record.value))
    pairs = list(itertools.combinations(records, 2))
    chosen = data.draw(st.lists(st.sampled_from(pairs), max_size=3)) if pairs else []
    return [_decide(store, data.draw(st.sampled_from(["same", "different"])), *p) for p in chosen]


def _decide(store: DynamoStore, word: str, a: IdentifierRecord, b: IdentifierRecord) -> str:
    one, other = Identifier(a.kind, a.raw), Identifier(b.kind, b.raw)
    return conciliator(store).decide(word, one, other, operator="op", reason="test").id
