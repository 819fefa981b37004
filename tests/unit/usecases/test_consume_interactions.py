"""The queue's consumer: record, then publish, then acknowledge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from enlace.domain.envelope import Entry
from enlace.errors import TemporaryFailure
from enlace.usecases.consume_interactions import BatchReport, Message, consume
from enlace.usecases.ports import Write
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, interaction, resolver

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "joao@example.com")
NOW = "2026-11-22T12:00:00.000Z"


class FakeBus:
    """Keeps what it takes; refuses the positions it is told to."""

    def __init__(self, refuse: Sequence[int] = ()):
        self.refuse = set(refuse)
        self.taken: list[Entry] = []

    def publish(self, entries: Sequence[Entry]) -> set[int]:
        self.taken += [e for n, e in enumerate(entries) if n not in self.refuse]
        return self.refuse & set(range(len(entries)))


class FakeDeadLetters:
    """Keeps bodies with their reasons, or is out of order."""

    def __init__(self, broken: bool = False):
        self.broken = broken
        self.taken: list[tuple[str, str]] = []

    def send_rejected(self, rejected: Sequence[tuple[str, str]], channel: str) -> None:
        if self.broken:
            raise TemporaryFailure("no queue")
        self.taken += rejected


class BrokenStore(MemoryStore):
    """Throttled for the interactions it is told."""

    def __init__(self, failing: str):
        super().__init__()
        self.failing = failing

    def commit(self, writes: Sequence[Write]) -> None:
        if self.failing in repr(writes):
            raise TemporaryFailure("throttled")
        super().commit(writes)


def run(
    bodies: Sequence[Any],
    store: MemoryStore | None = None,
    bus: FakeBus | None = None,
    dead: FakeDeadLetters | None = None,
) -> BatchReport:
    messages = [
        Message(f"m{n}", body if isinstance(body, str) else json.dumps(body), NOW)
        for n, body in enumerate(bodies)
    ]
    use_case = resolver(store or MemoryStore())
    return consume(messages, use_case, bus or FakeBus(), dead or FakeDeadLetters(), now=lambda: NOW)


def body(*arguments: Any, **fields: Any) -> dict[str, Any]:
    return interaction(*arguments, **fields).to_dict()


def test_a_batch_is_recorded_and_published() -> None:
    bus = FakeBus()
    report = run([body("1", PHONE), [body("2", EMAIL), body("3", PHONE, EMAIL)]], bus=bus)
    assert report.failed == {}
    assert [entry.detail_type for entry in bus.taken] == [
        "interaction.recorded.v1",
        "customer.created.v1",
        "interaction.recorded.v1",
        "customer.created.v1",
        "interaction.recorded.v1",
        "customer.merged.v1",
    ]
    assert report.counts == {"recorded": 3, "customers_created": 2, "customers_merged": 1}


def test_what_can_never_be_recorded_goes_to_the_dead_letters_with_its_reason() -> None:
    dead = FakeDeadLetters()
    report = run(
        [
            "{",
            [body("1", PHONE), {"channel": "x"}],
            {**body("2", EMAIL), "type": "order.placed", "data": {"value": {"amount": 1}}},
        ],
        dead=dead,
    )
    assert report.failed == {}
    assert report.counts["recorded"] == 1
    reasons = [reason for reason, _ in dead.taken]
    assert reasons[0] == "not JSON"
    assert reasons[1].startswith("type:")
    assert reasons[2].startswith("data.value.currency")


def test_a_message_is_kept_while_its_poison_is_not_safe() -> None:
    report = run(["{", body("1", PHONE)], dead=FakeDeadLetters(broken=True))
    assert list(report.failed) == ["m0"]


def test_a_throttled_interaction_fails_alone() -> None:
    failing = interaction("1", PHONE)
    report = run([body("1", PHONE), body("2", EMAIL)], store=BrokenStore(failing.id))
    assert list(report.failed) == ["m0"]
    assert report.counts["recorded"] == 1


def test_what_the_bus_refuses_is_redelivered_and_published_under_the_same_id() -> None:
    store = MemoryStore()
    later = body("2", PHONE, EMAIL, ("cpf", CPFS[0]), at="2026-11-21T12:00:00.000Z")
    bodies = [body("1", PHONE), later]
    refused = FakeBus(refuse=[0, 1, 2])
    first = run(bodies, store=store, bus=refused)
    assert set(first.failed) == {"m0", "m1"}
    whole = FakeBus()
    again = run(bodies, store=store, bus=whole)
    assert again.failed == {}
    assert again.counts == {"duplicates": 2}
    twice = FakeBus()
    run(bodies, store=store, bus=twice)
    assert [e.event_id for e in whole.taken] == [e.event_id for e in twice.taken]
    assert len(whole.taken) == 3
