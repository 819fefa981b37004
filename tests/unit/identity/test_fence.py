"""What an erasure keeps out, and who comes back as somebody new."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.change import Effect
from enlace.domain.interaction import Interaction
from enlace.domain.records import IdentifierRecord, Tombstone
from enlace.errors import Fenced
from enlace.rules import default_rules
from enlace.usecases.consume_interactions import Message, consume
from enlace.usecases.forget_identifiers import ForgetIdentifiers
from enlace.usecases.observe import sight
from enlace.usecases.ports import PutInteraction, Write
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, KEYS, customers, interaction, resolver

PHONE, EMAIL, CPF = ("phone", "+5511987654321"), ("email", "joao@example.com"), ("cpf", CPFS[0])
FENCE = "2026-11-22T12:00:00.000Z"
BEFORE, AFTER = "2026-11-22T11:59:00.000Z", "2026-11-22T13:00:00.000Z"
LATER = "2026-11-22T13:05:00.001Z"


def key_of(identifier: tuple[str, str]) -> str:
    point = interaction("k", identifier).contact_point
    return sight(point, KEYS, default_rules())[0].key


PHONE_KEY, EMAIL_KEY = key_of(PHONE), key_of(EMAIL)


def came(
    source_id: str,
    point: tuple[str, ...],
    *others: tuple[str, ...],
    at: str | None,
    received: str,
    **fields: Any,
) -> Interaction:
    """An interaction with its time and that of its receipt."""
    made = interaction(source_id, point, *others, at=at or BEFORE, **fields)
    return replace(made, occurred_at=at, received_at=received)


def forget(store: Any, *keys: str, at: str | None = FENCE) -> list[Effect]:
    """What an erasure does to identities: the fence, then the forgetting."""
    told: list[Effect] = []
    if at:
        store.raise_fence(keys, at)

    def tell(effects: Sequence[Effect], moment: str) -> None:
        told.extend(effects)

    use_case = ForgetIdentifiers(
        store, default_rules(), tell=tell, now=lambda: FENCE, sleep=lambda seconds: None
    )
    assert use_case(keys, erased_before=at)
    return told


@pytest.fixture
def store() -> MemoryStore:
    """João wrote from his phone, and is erased."""
    store = MemoryStore()
    resolver(store).resolve(came("old", PHONE, at=BEFORE, received=BEFORE))
    forget(store, PHONE_KEY)
    # What the erasure of the timeline does.
    store.timelines.clear()
    return store


def outcome(store: MemoryStore, event: Interaction) -> str:
    before = (dict(store.records), repr(store.timelines))
    try:
        resolver(store).resolve(event)
    except Fenced as error:
        assert (dict(store.records), repr(store.timelines)) == before
        return error.outcome
    return "recorded"


@pytest.mark.parametrize(
    ("at", "received", "expected"),
    [
        (BEFORE, BEFORE, "fenced"),  # a redrive of the dead-letter queue (case 6)
        (BEFORE, AFTER, "fenced"),  # the vendor delivers again (case 8)
        (FENCE, AFTER, "fenced"),
        (AFTER, FENCE, "fenced"),
        ("2026-11-22T12:04:00.000Z", FENCE, "fenced"),
        (LATER, AFTER, "fenced"),  # from a future that no clock explains
        ("9998-01-01T00:00:00.000Z", AFTER, "fenced"),
        ("2026-11-22T12:00:00.001Z", "2026-11-22T12:00:00.001Z", "recorded"),
        ("2026-11-22T13:05:00.000Z", AFTER, "recorded"),
        (None, FENCE, "fenced"),  # where the vendor sends no time, the first receipt's counts
        (None, "2026-11-22T12:00:01.000Z", "recorded"),
    ],
)
def test_what_is_older_or_from_the_future_is_dropped(
    store: MemoryStore, at: str | None, received: str, expected: str
) -> None:
    assert outcome(store, came("n", PHONE, at=at, received=received)) == expected


def test_a_second_delivery_without_a_time_of_its_own_is_the_first_ones() -> None:
    store = MemoryStore()
    resolver(store).resolve(came("old", PHONE, at=None, received=BEFORE))
    forget(store, PHONE_KEY)
    store.timelines.clear()
    assert outcome(store, came("old", PHONE, at=None, received=AFTER)) == "fenced"


def test_what_was_recorded_by_a_clock_ahead_of_ours_has_left_a_pin(store: MemoryStore) -> None:
    ahead = came("a", PHONE, at="2026-11-22T12:04:00.000Z", received=AFTER)
    far = came("f", PHONE, at="2026-11-22T12:30:00.000Z", received=AFTER)
    for event in (ahead, far):
        store.pins[PHONE_KEY, event.id] = event.occurred_at or ""
        assert outcome(store, event) == "fenced"
        assert outcome(store, replace(event, id=event.id[::-1])) == "recorded"
        del store.records[PHONE_KEY]
        store.tombstones[PHONE_KEY] = Tombstone(PHONE_KEY, FENCE)


def test_a_newcomer_is_somebody_new_behind_the_old_fence(store: MemoryStore) -> None:
    old = KEYS.mint_customer_id(PHONE_KEY)
    resolved = resolver(store).resolve(came("n", PHONE, at=AFTER, received=AFTER))
    record = store.records[PHONE_KEY]
    assert [effect["effect"] for effect in resolved.effects] == ["created"]
    assert resolved.customer_id == record.birth != old
    assert (record.erased_before, record.returned_after) == (FENCE, FENCE)
    assert store.tombstones == {}
    # The fence goes on keeping out what was on its way.
    assert outcome(store, came("old", PHONE, at=BEFORE, received=AFTER)) == "fenced"
    again = resolver(store).resolve(came("m", PHONE, at=LATER, received=LATER))
    assert again.customer_id == resolved.customer_id


def test_imports_and_outcomes_of_messages_bring_nobody_back(store: MemoryStore) -> None:
    def at_once(source_id: str, point: tuple[str, ...], **fields: Any) -> Interaction:
        return came(source_id, point, at=AFTER, received=AFTER, **fields)

    assert outcome(store, at_once("i", (*PHONE, "imported"))) == "quarantined"
    assert outcome(store, at_once("o", (*PHONE, "stated"), direction="outbound")) == "fenced"
    for type_ in ("message.delivered", "message.failed", "consent.withdrawn", "case.closed"):
        assert outcome(store, at_once("o", (*PHONE, "stated"), type_=type_)) == "fenced"
    shipped = {"order_id": "A-1", "value": {"amount": 100, "currency": "BRL"}}
    old_order = at_once("o", (*PHONE, "stated"), type_="order.shipped", data=shipped)
    assert outcome(store, old_order) == "fenced"
    assert outcome(store, at_once("s", (*PHONE, "stated"))) == "recorded"
    # Whoever is back is told what becomes of messages, and imports may name them.
    assert outcome(store, at_once("i", (*PHONE, "imported"))) == "recorded"
    assert outcome(store, at_once("o", (*PHONE, "stated"), direction="outbound")) == "recorded"


def test_another_persons_contact_goes_on_without_the_fenced_identifier(store: MemoryStore) -> None:
    use_case = resolver(store)
    late = came("late", EMAIL, (*PHONE, "stated"), CPF, at=BEFORE, received=AFTER)
    resolved = use_case.resolve(late)
    assert PHONE_KEY not in store.records
    body = store.page(resolved.contact_point, before=None, since=None, limit=1)[0].body
    assert [key for key, _ in body["ids"]] == [key_of(CPF)]
    assert PHONE_KEY not in store.records[EMAIL_KEY].seen
    assert len(set(customers(store, EMAIL, CPF))) == 1
    # Imports bring nobody back here either; what is said anew does.
    use_case.resolve(came("i", EMAIL, (*PHONE, "imported"), at=AFTER, received=AFTER))
    assert PHONE_KEY not in store.records
    use_case.resolve(came("s", EMAIL, (*PHONE, "stated"), at=AFTER, received=AFTER))
    assert store.records[PHONE_KEY].returned_after == FENCE


def test_whoever_is_being_erased_names_nobody_any_more(store: MemoryStore) -> None:
    resolver(store).resolve(came("n", PHONE, at=AFTER, received=AFTER))
    store.raise_fence([PHONE_KEY], AFTER)
    naming = came("m", PHONE, EMAIL, (*CPF, "proven"), at=LATER, received=LATER)
    resolved = resolver(store).resolve(naming)
    assert set(store.records) == {PHONE_KEY}
    body = store.page(resolved.contact_point, before=None, since=None, limit=1)[0].body
    assert "ids" not in body
    assert resolver(store).resolve(naming).duplicate


def test_between_fence_and_tombstone_what_is_older_is_dropped_already() -> None:
    store = MemoryStore()
    resolver(store).resolve(came("old", PHONE, at=BEFORE, received=BEFORE))
    store.raise_fence([PHONE_KEY], FENCE)
    assert outcome(store, came("late", PHONE, at=BEFORE, received=AFTER)) == "fenced"
    assert outcome(store, came("new", PHONE, at=AFTER, received=AFTER)) == "recorded"
    assert store.records[PHONE_KEY].returned_after == ""
    forget(store, PHONE_KEY, at=LATER)
    assert store.tombstones[PHONE_KEY].erased_before == LATER


class Raced(MemoryStore):
    """Erases the contact point between the resolver's reading and its writing."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.armed, self.at = False, at

    def commit(self, writes: Sequence[Write]) -> None:
        if self.armed and any(isinstance(write, PutInteraction) for write in writes):
            self.armed = False
            forget(self, PHONE_KEY, at=self.at)
        super().commit(writes)


@pytest.mark.parametrize("others", [(), (EMAIL,)])
def test_nothing_is_recorded_of_whom_is_erased_at_that_moment(others: Any) -> None:
    store = Raced(at=LATER)
    resolver(store).resolve(came("old", PHONE, at=BEFORE, received=BEFORE))
    store.raise_fence([PHONE_KEY], FENCE)
    store.armed = True
    with pytest.raises(Fenced):
        resolver(store).resolve(came("new", PHONE, *others, at=AFTER, received=AFTER))
    assert [len(items) for items in store.timelines.values()] == [1]
    assert store.records == {}


def test_the_consumer_acknowledges_and_counts_what_is_kept_out(store: MemoryStore) -> None:
    class Nothing:
        def publish(self, entries: Sequence[Any]) -> set[int]:
            raise AssertionError("nothing happened")

        def send_rejected(self, rejected: Any, channel: str) -> None:
            raise AssertionError("nothing is wrong with it")

    bodies = [
        came("old", PHONE, at=BEFORE, received=AFTER),
        came("import", (*PHONE, "imported"), at=AFTER, received=AFTER),
    ]
    message = Message("m-1", json.dumps([event.to_dict() for event in bodies]), AFTER)
    nothing = Nothing()
    report = consume([message], resolver(store), nothing, nothing, lambda: AFTER)
    assert report.failed == {} and report.poison == []
    assert report.counts == {"fenced": 1, "quarantined": 1}


def test_a_batch_knows_a_newcomer_from_its_own_first_contact(store: MemoryStore) -> None:
    batch = [
        came("n", PHONE, at=AFTER, received=AFTER),
        came("old", PHONE, at=BEFORE, received=AFTER),
        came("m", PHONE, at=LATER, received=LATER),
    ]
    first, late, second = resolver(store).resolve_batch(batch)
    assert isinstance(late, Fenced)
    assert first.customer_id == second.customer_id  # type: ignore[union-attr]
    assert isinstance(store.get_states([PHONE_KEY])[PHONE_KEY], IdentifierRecord)
