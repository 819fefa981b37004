"""What every store must do: the suite that memory, moto and the local stack run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.component import Component
from enlace.domain.interaction import Identifier
from enlace.domain.records import Document, IdentifierRecord
from enlace.errors import (
    AlreadyRecorded,
    Conflict,
    InvalidDecision,
    NotPending,
    SecondOperatorNeeded,
)
from enlace.rules import default_rules
from enlace.usecases.conciliation_log import ConciliationLog
from enlace.usecases.find_customer import one_by_one
from enlace.usecases.ports import (
    CreateRecord,
    PutComponent,
    PutDocument,
    PutInteraction,
    UpdateRecord,
)
from tests.stores.builders import CPFS, conciliator, customers, interaction, order, resolver

PHONE = ("phone", "+5511987654321")
EMAIL = ("email", "joao@example.com")
CPF = ("cpf", CPFS[0])
NOW = "2026-11-22T12:00:00.000Z"


class StoreSuite:
    """Subclasses give a fresh ``store`` fixture."""

    @pytest.fixture
    def store(self) -> Any:
        raise NotImplementedError

    def test_new_contact_is_created_once_and_redelivery_says_the_same(self, store: Any) -> None:
        first = resolver(store).resolve(interaction("1", PHONE))
        again = resolver(store).resolve(interaction("1", PHONE))
        assert not first.duplicate
        assert again.duplicate
        assert first.effects == again.effects
        assert [effect["effect"] for effect in first.effects] == ["created"]
        assert first.customer_id == again.customer_id
        assert len(store.page(first.contact_point, before=None, since=None, limit=10)) == 1

    def test_merge_keeps_histories_where_they_are_and_repeats_its_effects(self, store: Any) -> None:
        use_case = resolver(store)
        use_case.resolve(interaction("1", PHONE, at="2026-11-20T12:00:00.000Z"))
        use_case.resolve(interaction("2", EMAIL, at="2026-11-20T13:00:00.000Z"))
        linking = interaction("3", PHONE, EMAIL, CPF, at="2026-11-20T14:00:00.000Z")
        merged = use_case.resolve(linking)
        again = use_case.resolve(linking)
        assert [effect["effect"] for effect in merged.effects] == ["merged"]
        assert again.duplicate and again.effects == merged.effects
        assert len(set(customers(store, PHONE, EMAIL, CPF))) == 1
        assert len(store.page(merged.contact_point, before=None, since=None, limit=10)) == 2

    def test_same_then_withdrawn_restores_both(self, store: Any) -> None:
        use_case = resolver(store)
        use_case.resolve(interaction("1", PHONE, CPF))
        use_case.resolve(interaction("2", EMAIL))
        before = customers(store, PHONE, EMAIL, CPF)
        made = conciliator(store).decide(
            "same", Identifier(*PHONE), Identifier(*EMAIL), operator="op-1", reason="told by phone"
        )
        assert len(made.customers) == 1
        assert len(set(customers(store, PHONE, EMAIL, CPF))) == 1
        undone = conciliator(store).withdraw(made.id, operator="op-2")
        assert [effect["effect"] for effect in undone.effects] == ["split"]
        assert customers(store, PHONE, EMAIL, CPF) == before
        twice = conciliator(store).withdraw(made.id, operator="op-2")
        assert twice.effects == undone.effects
        assert store.get_entry(f"decision#{made.id}")["withdrawn_by"] == "op-2"

    def test_a_decision_asked_for_twice_is_made_once(self, store: Any) -> None:
        resolver(store).resolve(interaction("1", PHONE))
        resolver(store).resolve(interaction("2", EMAIL))
        pair = (Identifier(*PHONE), Identifier(*EMAIL))
        arguments = {"operator": "op-1", "reason": "r", "conciliation_id": "c-1"}
        first = conciliator(store).decide("same", *pair, **arguments)
        assert conciliator(store).decide("same", *pair, **arguments) == first
        with pytest.raises(InvalidDecision):
            conciliator(store).decide("different", *pair, **arguments)

    def test_a_decision_waits_for_another_operator_and_is_taken_back(self, store: Any) -> None:
        rules = replace(default_rules(), approval_above=1)
        resolver(store).resolve(interaction("1", PHONE))
        resolver(store).resolve(interaction("2", EMAIL))
        before = customers(store, PHONE, EMAIL)
        operators, pair = conciliator(store, rules), (Identifier(*PHONE), Identifier(*EMAIL))
        log = ConciliationLog(store, rules, now=lambda: NOW, parallel=one_by_one)
        ids = [
            operators.decide(
                "same", *pair, operator="op-1", reason=f"r{n}", comparison={"bits": 1.5}
            )
            for n in range(2)
        ]
        assert [made.state for made in ids] == ["pending_approval"] * 2
        assert customers(store, PHONE, EMAIL) == before
        page = log.pending(1)
        page["items"] += log.pending(1, page["next_cursor"])["items"]
        assert {one["conciliation_id"] for one in page["items"]} == {made.id for made in ids}
        with pytest.raises(SecondOperatorNeeded):
            operators.approve(ids[0].id, operator="op-1")
        approved = operators.approve(ids[0].id, operator="op-2")
        assert [effect["effect"] for effect in approved.effects] == ["merged"]
        assert operators.approve(ids[0].id, operator="op-2") == approved
        with pytest.raises(NotPending):
            operators.approve(ids[0].id, operator="op-3")
        assert operators.withdraw(ids[1].id, operator="op-1").state == "withdrawn"
        assert log.pending() == {"items": [], "next_cursor": None}
        assert store.get_entry("conciliations#pending") is None
        told = log.get(ids[0].id)
        assert (told["approver"], told["comparison"]) == ("op-2", {"bits": 1.5})
        assert len(told["customers"]) == 1
        operators.withdraw(ids[0].id, operator="op-1")
        assert customers(store, PHONE, EMAIL) == before

    def test_approval_and_withdrawal_at_once_leave_one_of_them(self, store: Any) -> None:
        rules = replace(default_rules(), approval_above=1)
        resolver(store).resolve(interaction("1", PHONE))
        resolver(store).resolve(interaction("2", EMAIL))
        before = customers(store, PHONE, EMAIL)
        operators, pair = conciliator(store, rules), (Identifier(*PHONE), Identifier(*EMAIL))

        class Raced:
            """Somebody withdraws it between the approval's reading and its writing."""

            def __getattr__(self, name: str) -> Any:
                return getattr(store, name)

            def commit(self, writes: Any) -> None:
                operators.withdraw(made.id, operator="op-1")
                store.commit(writes)

        made = operators.decide("same", *pair, operator="op-1", reason="r")
        with pytest.raises(NotPending):
            conciliator(Raced(), rules).approve(made.id, operator="op-2")
        assert customers(store, PHONE, EMAIL) == before

    def test_orders_count_once_and_cancellation_takes_back(self, store: Any) -> None:
        use_case = resolver(store)
        for event in (
            order("1", EMAIL, 1000, at="2026-11-01T12:00:00.000Z"),
            order("2", EMAIL, 500, at="2026-11-02T12:00:00.000Z"),
            order("2", EMAIL, 500, at="2026-11-02T12:00:00.000Z"),
            order("3", EMAIL, 500, type_="order.paid", order_id="2", at="2026-11-03T12:00:00.000Z"),
        ):
            recorded = use_case.resolve(event)
        totals = store.get_documents(recorded.contact_point, ["totals"])["totals"].body
        last = totals.pop("last")
        assert totals == {
            "BRL": {"orders": 2, "amount_minor": 1500},
            "last_at": "2026-11-03T12:00:00.000Z",
        }
        assert last["told"] == last["any"]
        assert last["any"][2:5] == ["2", 500, "BRL"]
        use_case.resolve(
            order(
                "4", EMAIL, 0, type_="order.cancelled", order_id="2", at="2026-11-04T12:00:00.000Z"
            )
        )
        totals = store.get_documents(recorded.contact_point, ["totals"])["totals"].body
        assert totals["BRL"] == {"orders": 1, "amount_minor": 1000}

    def test_traits_and_first_seen_do_not_depend_on_order(self, store: Any) -> None:
        use_case = resolver(store)
        late = interaction("1", EMAIL, at="2026-11-20T12:00:00.000Z", traits={"name": "João"})
        early = interaction("2", EMAIL, at="2026-11-10T12:00:00.000Z", traits={"name": "J. Silva"})
        use_case.resolve(late)
        resolved = use_case.resolve(early)
        (record,) = store.get_identifiers([resolved.contact_point], consistent=True).values()
        assert record.pointer.first_seen == "2026-11-10T12:00:00.000Z"
        assert record.traits["name"] == {
            '"João"': ["2026-11-20", "2", "generic"],
            '"J. Silva"': ["2026-11-10", "2", "generic"],
        }

    def test_pinned_time_is_that_of_the_first_receipt(self, store: Any) -> None:
        timeless = replace(interaction("1", PHONE), occurred_at=None)
        first = resolver(store).resolve(timeless)
        again = resolver(store).resolve(replace(timeless, received_at="2026-12-01T00:00:00.000Z"))
        assert again.duplicate
        assert again.timeline_key == first.timeline_key
        assert first.occurred_at == "2026-11-22T00:00:00.000Z"

    def test_every_write_is_conditional(self, store: Any) -> None:
        use_case = resolver(store)
        one = use_case.resolve(interaction("1", PHONE))
        two = use_case.resolve(interaction("2", PHONE, EMAIL))
        (record,) = store.get_identifiers([one.contact_point], consistent=True).values()
        component_id = record.pointer.component
        component = store.get_components([component_id], consistent=True)[component_id]
        item = store.page(two.contact_point, before=None, since=None, limit=1)[0]
        document = Document(one.contact_point, "totals", {"n": 1})
        store.commit([PutDocument(document, None)])
        stale = replace(record, traits={"name": {'"x"': ["2026-01-01", "1", "c"]}})
        loner = replace(record.pointer, component=None)
        for write in (
            CreateRecord(record),
            UpdateRecord(record.key, loner, loner),
            UpdateRecord(record.key, replace(record.pointer, blocked=True), record.pointer),
            UpdateRecord(record.key, record.pointer, record.pointer, (stale, record)),
            PutComponent(component, None),
            PutComponent(None, replace(component, decisions={}, edges={})),
            PutDocument(document, None),
            PutDocument(document, Document(one.contact_point, "totals", {"n": 2})),
        ):
            with pytest.raises(Conflict):
                store.commit([write])
        with pytest.raises(AlreadyRecorded):
            store.commit([PutInteraction(item), PutDocument(replace(document, sk="order#x"), None)])
        assert store.get_documents(one.contact_point, ["order#x"]) == {}

    def test_a_walk_finds_every_identity_once_however_small_its_steps(self, store: Any) -> None:
        use_case = resolver(store)
        for n in range(4):
            use_case.resolve(interaction(f"l{n}", ("phone", f"+551198765432{n}")))
        use_case.resolve(interaction("c", PHONE, EMAIL, CPF))
        decided = conciliator(store).decide(
            "same", Identifier(*PHONE), Identifier(*CPF), operator="op", reason="r"
        )
        for limit in (1, 3, 100):
            found, cursor = store.scan(None, limit)
            while cursor:
                more, cursor = store.scan(cursor, limit)
                assert len(more) <= limit
                found += more
            records = {one.key: one for one in found if isinstance(one, IdentifierRecord)}
            components = {one.id: one for one in found if isinstance(one, Component)}
            # Entries beside them are no identities.
            assert len(records) + len(components) == len(found) == 6 + 1
            assert records == store.get_identifiers(records, consistent=True)
            assert components == store.get_components(components, consistent=True)
            assert [set(c.decisions) for c in components.values()] == [{decided.id}]

    def test_pages_run_newest_first_and_resume_below_a_key(self, store: Any) -> None:
        use_case = resolver(store)
        for n in range(5):
            point = use_case.resolve(
                interaction(str(n), PHONE, at=f"2026-11-20T12:00:0{n}.000Z")
            ).contact_point
        page = store.page(point, before=None, since="2026-11-20T12:00:01.000Z", limit=3)
        assert [item.sk[17:19] for item in page] == ["04", "03", "02"]
        rest = store.page(point, before=page[-1].sk, since="2026-11-20T12:00:01.000Z", limit=3)
        assert [item.sk[17:19] for item in rest] == ["01"]
        assert store.get(point, rest[0].sk)["source_id"] == "1"
        assert store.get(point, "none") is None
