"""Decisions that wait for a second operator: nothing changes until one agrees, and once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.interaction import Identifier, Interaction
from enlace.errors import (
    InvalidPayload,
    NotFound,
    NotPending,
    SecondOperatorNeeded,
    TooManyPending,
)
from enlace.rules import default_rules
from enlace.usecases import conciliation_log
from enlace.usecases.conciliation_log import PENDING, ConciliationLog
from enlace.usecases.find_customer import one_by_one
from enlace.usecases.ports import Write
from local.memory_store import MemoryStore
from tests.stores.builders import TODAY, conciliator, customers, interaction, resolver
from tests.stores.laws import deliver, events, renamed, snapshot

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "joao@example.com")
PAIR = (Identifier(*PHONE), Identifier(*EMAIL))
#: A `same` that joins more than two identifiers waits.
RULES = replace(default_rules(), approval_above=2)
#: Every `same` of two customers waits.
STRICT = replace(default_rules(), approval_above=1)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    use_case = resolver(store)
    use_case.resolve(interaction("1", PHONE, at="2026-11-01T12:00:00.000Z"))
    use_case.resolve(interaction("2", EMAIL, at="2026-11-02T12:00:00.000Z"))
    return store


def log(store: Any) -> ConciliationLog:
    return ConciliationLog(store, STRICT, now=lambda: f"{TODAY}T12:00:00.000Z", parallel=one_by_one)


def decide(store: Any, decision: str = "same", **fields: Any) -> Any:
    return conciliator(store, STRICT).decide(
        decision, *PAIR, **{"operator": "ana", "reason": "r", **fields}
    )


def test_a_decision_that_waits_changes_nothing_but_the_log(store: MemoryStore) -> None:
    before = snapshot(store)
    made = decide(store)
    assert (made.state, made.effects, len(made.customers)) == ("pending_approval", [], 2)
    assert snapshot(store) == before
    told = log(store).get(made.id)
    assert (told["state"], told["operator"], told["approver"]) == (
        "pending_approval",
        "ana",
        None,
    )
    assert [one["conciliation_id"] for one in log(store).pending()["items"]] == [made.id]


def test_another_operator_puts_it_in_force_and_it_can_be_taken_back(store: MemoryStore) -> None:
    before = snapshot(store)
    made = decide(store)
    approved = conciliator(store, STRICT).approve(made.id, operator="bia")
    assert approved.state == "in_force"
    assert [effect["effect"] for effect in approved.effects] == ["merged"]
    assert len(set(customers(store, PHONE, EMAIL))) == 1
    told = log(store).get(made.id)
    assert (told["state"], told["operator"], told["approver"]) == ("in_force", "ana", "bia")
    assert PENDING not in store.entries
    again = conciliator(store, STRICT).approve(made.id, operator="bia")
    assert again == approved
    undone = conciliator(store, STRICT).withdraw(made.id, operator="ana")
    assert [effect["effect"] for effect in undone.effects] == ["split"]
    assert snapshot(store) == before
    assert log(store).get(made.id)["withdrawn_by"] == "ana"


def test_nobody_approves_their_own_decision(store: MemoryStore) -> None:
    made = decide(store)
    before = dict(store.entries)
    with pytest.raises(SecondOperatorNeeded):
        conciliator(store, STRICT).approve(made.id, operator="ana")
    assert store.entries == before
    conciliator(store, STRICT).approve(made.id, operator="bia")
    with pytest.raises(SecondOperatorNeeded):
        conciliator(store, STRICT).approve(made.id, operator="ana")


def test_what_does_not_wait_is_not_approved(store: MemoryStore) -> None:
    use_case = conciliator(store, STRICT)
    with pytest.raises(NotFound):
        use_case.approve("unknown", operator="bia")
    free = conciliator(store).decide("same", *PAIR, operator="ana", reason="r")
    with pytest.raises(NotPending, match="needs no second"):
        use_case.approve(free.id, operator="bia")
    use_case.withdraw(free.id, operator="ana")
    made = decide(store)
    use_case.approve(made.id, operator="bia")
    with pytest.raises(NotPending, match="another operator has"):
        use_case.approve(made.id, operator="caio")
    use_case.withdraw(made.id, operator="ana")
    with pytest.raises(NotPending, match="withdrawn"):
        use_case.approve(made.id, operator="bia")


def test_withdrawing_what_waits_changes_nothing_but_the_log(store: MemoryStore) -> None:
    before = snapshot(store)
    made = decide(store)
    for _ in range(2):
        undone = conciliator(store, STRICT).withdraw(made.id, operator="ana")
        assert (undone.state, undone.effects) == ("withdrawn", [])
    assert snapshot(store) == before
    assert PENDING not in store.entries
    with pytest.raises(NotPending, match="withdrawn"):
        conciliator(store, STRICT).approve(made.id, operator="bia")
    assert snapshot(store) == before


def test_the_size_of_the_customers_together_decides(store: MemoryStore) -> None:
    free = conciliator(store, RULES).decide("same", *PAIR, operator="ana", reason="r")
    assert free.state == "in_force"
    conciliator(store, RULES).withdraw(free.id, operator="ana")
    resolver(store).resolve(interaction("3", EMAIL, ("phone", "+5511987650000")))
    waits = conciliator(store, RULES).decide("same", *PAIR, operator="ana", reason="r")
    assert waits.state == "pending_approval"
    # What joins nobody, and what is one customer already, needs nobody's leave.
    apart = conciliator(store, RULES).decide("different", *PAIR, operator="ana", reason="r")
    assert apart.state == "in_force"
    one = (Identifier(*EMAIL), Identifier("phone", "+5511987650000"))
    known = conciliator(store, RULES).decide("same", *one, operator="ana", reason="r")
    assert known.state == "in_force"


def test_asking_again_with_the_same_id_waits_once_and_later_tells_what_became_of_it(
    store: MemoryStore,
) -> None:
    made = decide(store, conciliation_id="c-1")
    assert decide(store, conciliation_id="c-1") == made
    assert len(log(store).pending()["items"]) == 1
    approved = conciliator(store, STRICT).approve("c-1", operator="bia")
    again = decide(store, conciliation_id="c-1")
    assert (again.state, again.effects) == ("in_force", approved.effects)
    conciliator(store, STRICT).withdraw("c-1", operator="ana")
    assert decide(store, conciliation_id="c-1").state == "withdrawn"
    assert len(set(customers(store, PHONE, EMAIL))) == 2


def test_the_list_has_pages_and_an_end(store: MemoryStore, monkeypatch: Any) -> None:
    monkeypatch.setattr(conciliation_log, "MAX_PENDING", 5)
    ids = [decide(store, conciliation_id=f"c-{n}").id for n in range(5)]
    with pytest.raises(TooManyPending):
        decide(store)
    assert len([k for k in store.entries if not k.startswith("decided#")]) == 5 + 1
    found, cursor = [], None
    for _ in range(3):
        page = log(store).pending(2, cursor)
        found += [one["conciliation_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        # Settled meanwhile: the next page goes on behind it.
        if len(found) == 2:
            conciliator(store, STRICT).withdraw(ids[1], operator="ana")
    assert (found, cursor) == (ids, None)
    with pytest.raises(InvalidPayload):
        log(store).pending(2, "é")


class Interleaved:
    """A store that lets others act just before a write is made, once."""

    def __init__(self, store: MemoryStore, meanwhile: Callable[[], Any]):
        self._store = store
        self._meanwhile: Callable[[], Any] | None = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, writes: Sequence[Write]) -> None:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            meanwhile()
        self._store.commit(writes)


def test_of_two_approvers_at_once_one_approves(store: MemoryStore) -> None:
    made = decide(store)
    raced = Interleaved(store, lambda: conciliator(store, STRICT).approve(made.id, operator="bia"))
    with pytest.raises(NotPending):
        conciliator(raced, STRICT).approve(made.id, operator="caio")
    assert log(store).get(made.id)["approver"] == "bia"
    assert len(set(customers(store, PHONE, EMAIL))) == 1


def test_an_approval_that_loses_to_a_withdrawal_does_nothing(store: MemoryStore) -> None:
    before = snapshot(store)
    made = decide(store)
    raced = Interleaved(store, lambda: conciliator(store, STRICT).withdraw(made.id, operator="x"))
    with pytest.raises(NotPending):
        conciliator(raced, STRICT).approve(made.id, operator="bia")
    assert snapshot(store) == before
    assert log(store).get(made.id)["approver"] is None


def test_a_withdrawal_that_loses_to_an_approval_undoes_it(store: MemoryStore) -> None:
    before = snapshot(store)
    made = decide(store)
    raced = Interleaved(store, lambda: conciliator(store, STRICT).approve(made.id, operator="bia"))
    undone = conciliator(raced, STRICT).withdraw(made.id, operator="ana")
    assert [effect["effect"] for effect in undone.effects] == ["split"]
    assert snapshot(store) == before
    assert log(store).get(made.id)["approver"] == "bia"


def test_an_approval_meets_the_customers_of_now(store: MemoryStore) -> None:
    """Others write the same component between reading and writing: it is read anew."""
    made = decide(store)
    other = interaction("9", PHONE, ("user_id", "u-9", "proven"))
    raced = Interleaved(store, lambda: resolver(store).resolve(other))
    approved = conciliator(raced, STRICT).approve(made.id, operator="bia")
    assert approved.state == "in_force"
    assert len(set(customers(store, PHONE, EMAIL, ("user_id", "u-9")))) == 1


def test_two_that_come_to_wait_at_once_are_both_listed(store: MemoryStore) -> None:
    raced = Interleaved(store, lambda: decide(store, conciliation_id="c-1"))
    decide(raced, conciliation_id="c-2")
    assert {one["conciliation_id"] for one in log(store).pending()["items"]} == {"c-1", "c-2"}


def test_one_that_is_asked_for_twice_at_once_waits_once(store: MemoryStore) -> None:
    raced = Interleaved(store, lambda: decide(store, conciliation_id="c-1"))
    assert decide(raced, conciliation_id="c-1").state == "pending_approval"
    assert len(log(store).pending()["items"]) == 1


class Lossy(Interleaved):
    """A store whose first write is made and not acknowledged: the client makes it again."""

    def commit(self, writes: Sequence[Write]) -> None:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            self._store.commit(writes)
        self._store.commit(writes)


@pytest.mark.parametrize("rules", [STRICT, default_rules()])
def test_an_acknowledgement_that_is_lost_is_no_second_decision(
    store: MemoryStore, rules: Any
) -> None:
    lossy = conciliator(Lossy(store, lambda: None), rules)
    made = lossy.decide("same", *PAIR, operator="ana", reason="r")
    assert len([key for key in store.entries if key.startswith("decision#")]) == 1
    assert made.id in log(store).get(made.id)["conciliation_id"]
    if rules is STRICT:
        lossy = conciliator(Lossy(store, lambda: None), rules)
        approved = lossy.approve(made.id, operator="bia")
        assert [effect["effect"] for effect in approved.effects] == ["merged"]
    lossy = conciliator(Lossy(store, lambda: None), rules)
    assert [e["effect"] for e in lossy.withdraw(made.id, operator="ana").effects] == ["split"]


@settings(max_examples=60, deadline=None)
@given(events(min_size=2, max_size=10), st.data())
def test_decisions_approvals_and_withdrawals_leave_no_trace_in_any_order(
    made: list[Interaction], data: st.DataObject
) -> None:
    """Steps of several decisions interleaved with events; then all are withdrawn."""
    store, undecided = MemoryStore(), MemoryStore()
    cut = data.draw(st.integers(1, len(made)))
    deliver(store, [made[:cut]])
    rest = list(made[cut:])
    use_case = conciliator(store, RULES)
    pending: list[str] = []
    taken: list[str] = []
    numbers = itertools.count()
    for step in data.draw(
        st.lists(st.sampled_from(["same", "different", "approve", "event"]), max_size=8)
    ):
        if step == "event" and rest:
            deliver(store, [[rest.pop(0)]])
        elif step == "approve" and pending:
            use_case.approve(pending.pop(0), operator="bia")
        elif step in ("same", "different"):
            records = sorted(store.records.values(), key=lambda record: record.value)
            known = [Identifier(record.kind, record.raw) for record in records]
            a, b = data.draw(st.sampled_from(known)), data.draw(st.sampled_from(known))
            if (a.kind, a.value) == (b.kind, b.value):
                continue
            id_ = f"c-{next(numbers)}"
            before = snapshot(store)
            decided = use_case.decide(step, a, b, operator="ana", reason="r", conciliation_id=id_)
            taken.append(id_)
            if decided.state == "pending_approval":
                pending.append(id_)
                assert snapshot(store) == before
    deliver(store, [rest] if rest else [])
    for id_ in data.draw(st.permutations(taken)):
        use_case.withdraw(id_, operator="ana")
    deliver(undecided, [made])
    assert renamed(store) == renamed(undecided)
    assert PENDING not in store.entries
