"""Rules that change on a running stack: what is stored ends as a replay from nothing gives it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.envelope import Entry
from enlace.domain.interaction import Interaction
from enlace.domain.rules import parse_rules
from enlace.errors import ComponentSaturated, InvalidRules, RulesRefused, TemporaryFailure
from enlace.rules import default_text
from enlace.usecases import apply_rules
from enlace.usecases.ports import PutEntry, Write
from enlace.usecases.rules_in_force import in_force
from enlace.usecases.rules_job import JOB, state_of
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, interaction
from tests.stores.laws import events, renamed, snapshot
from tests.stores.rule_texts import rule_texts
from tests.stores.running import START, Running, replayed

MANY = settings(max_examples=40, deadline=None)
DEFAULT = default_text()
NO_EMAIL = DEFAULT.replace('version = "', 'version = "no-email-').replace(
    "[kinds.email]\n", "[kinds.email]\nlinks = false\n"
)
PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "joao@example.com")


def exact(store: MemoryStore) -> Any:
    """Every byte but for the entries."""
    return snapshot(store), {id_: component.body for id_, component in store.components.items()}


# What it comes to


@MANY
@given(events(), rule_texts("a"), rule_texts("b"), st.integers(0, 3), st.integers(0, 6))
def test_the_result_is_that_of_a_replay(
    made: list[Interaction], a: str, b: str, day: int, days: int
) -> None:
    stack = Running(MemoryStore(), a, day=day)
    stack.deliver(made)
    stack.clock += days * 86_400
    stack.change(b)
    assert renamed(stack.store) == renamed(replayed(MemoryStore(), b, made, day + days))


@MANY
@given(events(), rule_texts("a"), rule_texts("b"))
def test_there_and_back_restores_every_byte(made: list[Interaction], a: str, b: str) -> None:
    stack = Running(MemoryStore(), a)
    stack.deliver(made)
    before = exact(stack.store)
    stack.change(b)
    stack.change(a)
    assert exact(stack.store) == before


@settings(max_examples=30, deadline=None)
@given(events(), rule_texts("a"), st.integers(1, 15))
def test_evidence_expires_from_day_to_day(made: list[Interaction], a: str, days: int) -> None:
    stack = Running(MemoryStore(), a)
    stack.deliver(made)
    stack.job().run()
    for _ in range(days):
        stack.clock += 86_400
        stack.job().run()
    assert renamed(stack.store) == renamed(replayed(MemoryStore(), a, made, days))


# While events come and runs break off


class Fragile:
    """The job's store and bus: others write in between, and it breaks off where it is told to."""

    def __init__(self, stack: Running, breaks: Callable[[], str], meanwhile: Callable[[], None]):
        self._stack = stack
        self._breaks = breaks
        self._meanwhile = meanwhile
        self._dead = False

    def __getattr__(self, name: str) -> Any:
        target = self._stack.bus if name == "publish_all" else self._stack.store

        def call(*arguments: Any, **named: Any) -> Any:
            if self._dead:
                raise TemporaryFailure("the run is over")
            how = self._breaks()
            if how == "before":
                self._dead = True
                raise TemporaryFailure("broke off")
            if name == "commit":
                self._meanwhile()
            result = getattr(target, name)(*arguments, **named)
            if how == "after":
                self._dead = True
                raise TemporaryFailure("the answer is lost")
            return result

        return call


class Witness(MemoryStore):
    """Notes what every commit of the job did to customers, by looking at them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Any, ...]] = []

    def commit(self, writes: Sequence[Write]) -> None:
        before = {key: record.customer_id for key, record in self.records.items()}
        super().commit(writes)
        if any(isinstance(write, PutEntry) and write.key == JOB for write in writes):
            after = {key: record.customer_id for key, record in self.records.items()}
            self.seen += split(before, after) + merged(before, after)


def split(before: dict[str, str], after: dict[str, str]) -> list[tuple[Any, ...]]:
    parts = defaultdict(set)
    for key, customer_id in before.items():
        parts[customer_id].add(after[key])
    return [("split", id_, tuple(sorted(ids))) for id_, ids in parts.items() if len(ids) > 1]


def merged(before: dict[str, str], after: dict[str, str]) -> list[tuple[Any, ...]]:
    former = defaultdict(set)
    for key, customer_id in after.items():
        former[customer_id].add(before[key])
    # A customer that goes on under another id is an alias of that, as if merged.
    gone = set(before.values()) - set(after.values())
    return [
        ("merged", id_, tuple(sorted(ids)))
        for id_, ids in former.items()
        if len(ids) > 1 or ids & gone
    ]


def told(entries: Iterable[Entry]) -> list[tuple[Any, ...]]:
    """Merges and splits on the bus, each once."""
    found = []
    for entry in {entry.event_id: entry for entry in entries}.values():
        data = json.loads(entry.detail)["data"]
        if entry.detail_type == "customer.split.v1":
            parts = {part["customer_id"] for part in data["into"]}
            found.append(("split", data["customer_id"], tuple(sorted(parts))))
        elif entry.detail_type == "customer.merged.v1":
            found.append(("merged", data["customer_id"], tuple(sorted(data["identifiers"]))))
    return found


@MANY
@given(events(max_size=10), events(max_size=6), rule_texts("a"), rule_texts("b"), st.data())
def test_whatever_breaks_nothing_is_lost(
    made: list[Interaction], later: list[Interaction], a: str, b: str, data: st.DataObject
) -> None:
    store = Witness()
    stack = Running(store, a)
    stack.deliver(made)
    stack.activate(b)
    activated_at = stack.clock
    waiting = [replace(item, id=f"later-{n}") for n, item in enumerate(later)]

    def meanwhile() -> None:
        if waiting and data.draw(st.booleans()):
            # Some functions go on by the former rules for a while.
            late = stack.clock < activated_at + 90 and data.draw(st.booleans())
            stack.deliver([waiting.pop()], parse_rules(a if late else b))

    breaks = iter(
        data.draw(st.lists(st.sampled_from(["no"] * 6 + ["before", "after"]), max_size=60))
    )
    while state_of(store.get_entry(JOB), in_force(store.get_entry)) != "done":
        stack.clock += 61
        fragile = Fragile(stack, lambda: next(breaks, "no"), meanwhile)
        try:
            stack.job(fragile, fragile, settle_seconds=120).run()
        except TemporaryFailure:
            continue
    stack.clock += 61
    stack.job(settle_seconds=120).run()
    stack.deliver(waiting)
    renumbered = [replace(item, id=f"later-{n}") for n, item in enumerate(later)]
    assert renamed(store) == renamed(replayed(MemoryStore(), b, [*made, *renumbered], 0))
    assert Counter(told(stack.bus.entries)) == Counter(store.seen)
    assert not store.get_entry(JOB)["pending"]


# Single cases


def test_who_is_parted_and_joined_is_told_once_with_the_rules_as_cause() -> None:
    stack = Running(MemoryStore(), DEFAULT)
    stack.deliver([interaction("1", PHONE, EMAIL), interaction("2", PHONE, ("cpf", CPFS[0]))])
    stack.change(NO_EMAIL)
    stack.job().run()
    assert [entry.detail_type for entry in stack.bus.entries] == ["customer.split.v1"]
    data = json.loads(stack.bus.entries[0].detail)["data"]
    assert data["cause"] == {"rules_version": in_force(stack.store.get_entry).version}
    stack.clock += 1
    stack.change(DEFAULT)
    stack.clock += 1
    stack.change(NO_EMAIL)
    # The same rules part the same customers again: that is another event.
    kinds = [entry.detail_type for entry in stack.bus.entries]
    assert kinds == ["customer.split.v1", "customer.merged.v1", "customer.split.v1"]
    assert len({entry.event_id for entry in stack.bus.entries}) == 3


def test_a_tie_expires_without_an_event_and_is_told_of() -> None:
    stack = Running(MemoryStore(), 'version = "5d"\n[kinds.email]\nvalid_days = 5\n[kinds.phone]\n')
    # Seen on 20 November; it is the 22nd.
    stack.deliver([interaction("1", PHONE, EMAIL)])
    stack.job().run()
    parted = []
    for _ in range(5):
        stack.clock += 86_400
        stack.job().run()
        assert stack.job().run() is None
        parted.append(len({record.customer_id for record in stack.store.records.values()}))
    assert parted == [1, 1, 1, 2, 2]
    assert "customer.split.v1" in [entry.detail_type for entry in stack.bus.entries]


def test_a_component_changes_once_however_many_of_its_identifiers_are_blocked() -> None:
    stack = Running(MemoryStore(), DEFAULT)
    emails = [("email", f"{name}@example.com") for name in ("ana", "rui", "eva")]
    stack.deliver([interaction("1", PHONE, *emails)])
    blocked = "".join(f'"{value}", ' for _, value in emails)
    stack.change(NO_EMAIL.replace("placeholders = [", f"placeholders = [{blocked}"))
    assert stack.store.get_entry(JOB)["changed"] == 1
    assert sum(record.blocked for record in stack.store.records.values()) == 3


def test_a_tie_that_a_limit_cuts_is_to_be_compared() -> None:
    stack = Running(MemoryStore(), DEFAULT)
    stack.deliver([interaction("1", PHONE, EMAIL), interaction("2", PHONE, ("cpf", CPFS[0]))])
    stack.change('version = "narrow"\nmax_identifiers = 2\n[kinds.phone]\n[kinds.email]\n')
    stack.change(DEFAULT.replace("max_identifiers = 50", "max_identifiers = 2"))
    kinds = [entry.detail_type for entry in stack.bus.entries]
    assert "contact_point.described.v1" in kinds


def test_customers_whom_the_rules_leave_alone_cost_no_write() -> None:
    stack = Running(MemoryStore(), DEFAULT)
    stack.deliver([interaction(f"{n}", PHONE, ("cpf", CPFS[0])) for n in range(3)])
    stack.job().run()
    commits: list[Sequence[Write]] = []
    commit = stack.store.commit
    stack.store.commit = lambda writes: (commits.append(writes), commit(writes))[1]
    stack.change(NO_EMAIL)
    written = {type(write) for writes in commits for write in writes}
    assert written == {PutEntry} and not stack.bus.entries
    progress = stack.store.get_entry(JOB)
    assert (progress["seen"], progress["changed"]) == (3, 0)


def test_who_finds_another_at_it_leaves_it_alone_until_the_lease_is_over() -> None:
    stack = Running(MemoryStore(), DEFAULT)
    stack.deliver([interaction("1", PHONE, EMAIL)])
    second: list[Any] = []
    stack.job().run(lambda: bool(second.append(stack.job().run())))
    assert second == [None]
    # Nobody is at it any more, and it is not done.
    assert state_of(stack.store.get_entry(JOB), in_force(stack.store.get_entry)) == "running"
    done = stack.job().run()
    assert done and done["finished_at"]
    assert stack.job().run() is None


def test_a_run_that_stalled_does_nothing_more_when_another_has_gone_on() -> None:
    stack = Running(MemoryStore(), DEFAULT)
    stack.deliver([interaction("1", PHONE, EMAIL)])
    stack.activate(NO_EMAIL)

    def stalls() -> bool:
        if stack.clock == START:
            stack.clock += 61
            stack.job().run()
        return True

    assert stack.job().run(stalls) is None
    progress = stack.store.get_entry(JOB)
    assert (progress["split"], progress["finished_at"]) == (1, stack.now())
    assert [entry.detail_type for entry in stack.bus.entries] == ["customer.split.v1"]


def test_newer_rules_begin_the_walk_anew() -> None:
    stack = Running(MemoryStore(), DEFAULT)
    stack.deliver([interaction("1", PHONE, EMAIL)])
    stack.activate(NO_EMAIL)
    steps = iter([True, True, False])
    stack.job().run(lambda: next(steps, False))
    assert not stack.store.get_entry(JOB)["finished_at"]
    stack.clock += 1
    stack.activate(DEFAULT)
    stack.job().run()
    progress = stack.store.get_entry(JOB)
    assert (progress["version"], bool(progress["finished_at"])) == (
        parse_rules(DEFAULT).version,
        True,
    )
    assert len({record.customer_id for record in stack.store.records.values()}) == 1


def test_what_the_bus_did_not_take_is_told_though_newer_rules_came() -> None:
    stack = Running(MemoryStore(), DEFAULT)
    stack.deliver([interaction("1", PHONE, EMAIL)])
    stack.activate(NO_EMAIL)

    class Down:
        def publish_all(self, entries: Sequence[Entry]) -> None:
            raise TemporaryFailure("the bus is down")

    with pytest.raises(TemporaryFailure):
        stack.job(bus=Down()).run()
    stack.clock += 1
    stack.activate(DEFAULT)
    stack.job().run()
    kinds = [entry.detail_type for entry in stack.bus.entries]
    assert kinds == ["customer.split.v1", "customer.merged.v1"]
    causes = [json.loads(entry.detail)["data"]["cause"] for entry in stack.bus.entries]
    assert [cause["rules_version"].startswith("no-email-") for cause in causes] == [True, False]


def test_a_second_walk_waits_until_everybody_has_the_rules() -> None:
    stack = Running(MemoryStore(), DEFAULT)
    stack.deliver([interaction("1", PHONE, EMAIL)])
    stack.activate(NO_EMAIL)

    def state() -> str:
        return state_of(stack.store.get_entry(JOB), in_force(stack.store.get_entry))

    assert state() == "pending"
    stack.job(settle_seconds=120).run()
    assert state() == "waiting"
    assert len(stack.bus.entries) == 1
    stack.clock += 60
    assert stack.job(settle_seconds=120).run() is None
    # By a function that had read the rules before they changed.
    stack.deliver([interaction("2", PHONE, ("email", "late@example.com"))], parse_rules(DEFAULT))
    stack.clock += 60
    stack.job(settle_seconds=120).run()
    assert state() == "done"
    assert len({record.customer_id for record in stack.store.records.values()}) == 3


def test_a_component_that_is_too_large_is_counted_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = Running(MemoryStore(), DEFAULT)
    other = [("phone", "+5511987650000"), ("email", "maria@example.com")]
    stack.deliver([interaction("1", PHONE, EMAIL), interaction("2", *other)])
    evolve, calls = apply_rules.evolve, []

    def saturated_at_first(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise ComponentSaturated("too large")
        return evolve(*arguments)

    monkeypatch.setattr(apply_rules, "evolve", saturated_at_first)
    stack.change(NO_EMAIL)
    progress = stack.store.get_entry(JOB)
    assert (progress["saturated"], progress["changed"]) == (1, 1)
    assert progress["finished_at"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (DEFAULT + "# a remark\n", "is in force with another text"),
        (NO_EMAIL.replace("hub_degree = 24", "hub_degree = 20"), "hub_degree"),
        (NO_EMAIL.replace("fold_local_part = true", "fold_local_part = false"), "fold_local_part"),
        (NO_EMAIL.replace('region = "BR"', 'region = "PT"'), "default_region"),
    ],
)
def test_what_cannot_change_on_a_running_stack_is_refused(text: str, reason: str) -> None:
    stack = Running(MemoryStore(), DEFAULT)
    with pytest.raises(RulesRefused, match=reason):
        stack.activate(text)


def test_a_bad_file_changes_nothing() -> None:
    stack = Running(MemoryStore(), DEFAULT)
    with pytest.raises(InvalidRules):
        stack.activate('version = "x"\nsurprise = 1')
    assert in_force(stack.store.get_entry).text == DEFAULT
