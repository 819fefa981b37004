"""What every store must do when identifiers are forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.interaction import Identifier
from enlace.domain.records import CustomerHint, IdentifierRecord, Tombstone
from enlace.errors import Conflict, Fenced, NotFound, TemporaryFailure
from enlace.rules import default_rules
from enlace.usecases.decided import decisions_of, list_key, redact_decisions
from enlace.usecases.find_customer import CustomerFinder
from enlace.usecases.ports import CreateRecord, ForgetRecord, PutInteraction, UpdateRecord
from tests.stores.builders import CPFS, KEYS, conciliator, customers, interaction, resolver
from tests.stores.forgetting import forget, forgetting, key_of, raise_fence

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "joao@example.com")
CPF, OTHER = ("cpf", CPFS[0]), ("email", "maria@example.com")
FENCE, AFTER = "2026-11-22T12:00:00.000Z", "2026-11-22T13:00:00.000Z"


def after(source_id: str, *identifiers: tuple[str, ...]) -> Any:
    """A contact an hour after the fence."""
    point, *others = identifiers
    return replace(interaction(source_id, point, *others, at=AFTER), received_at=AFTER)


def record_of(store: Any, identifier: tuple[str, ...]) -> IdentifierRecord:
    key = key_of(identifier)
    found = store.get_identifiers([key], consistent=True)[key]
    assert isinstance(found, IdentifierRecord)
    return found


class ForgettingSuite:
    """Subclasses give a fresh ``store`` fixture."""

    def test_a_tombstone_is_all_that_is_left_and_nobody_but_the_resolver_sees_it(
        self, store: Any
    ) -> None:
        birth = resolver(store).resolve(interaction("1", PHONE)).customer_id
        told = forget(store, PHONE, at=FENCE)
        key = key_of(PHONE)
        assert told == [{"effect": "erased", "customer_id": birth}]
        assert store.get_states([key], consistent=True) == {key: Tombstone(key, FENCE)}
        assert store.get_identifiers([key], consistent=True) == {}
        assert store.scan(None, 100) == ([], None)
        finder = CustomerFinder(store, KEYS, default_rules(), today=lambda: "2026-11-22")
        with pytest.raises(NotFound):
            finder.by_id(birth)
        with pytest.raises(Fenced):
            resolver(store).resolve(interaction("1", PHONE))
        assert forget(store, PHONE, at=FENCE) == []

    def test_a_newcomer_takes_the_tombstones_place_and_the_former_id_stays_unknown(
        self, store: Any
    ) -> None:
        birth = resolver(store).resolve(interaction("1", PHONE)).customer_id
        forget(store, PHONE, at=FENCE)
        new = resolver(store).resolve(after("2", PHONE))
        finder = CustomerFinder(store, KEYS, default_rules(), today=lambda: "2026-11-22")
        assert finder.by_id(new.customer_id).id == new.customer_id != birth
        with pytest.raises(NotFound):
            finder.by_id(birth)
        record = record_of(store, PHONE)
        assert (record.erased_before, record.returned_after) == (FENCE, FENCE)
        # The erasure, done again after a crash, leaves the newcomer alone; the next does not.
        assert forget(store, PHONE, at=FENCE) == []
        assert record_of(store, PHONE) == record
        again = "2026-11-22T14:00:00.000Z"
        assert [e["effect"] for e in forget(store, PHONE, at=again)] == ["erased"]
        assert store.get_states([record.key]) == {record.key: Tombstone(record.key, again)}

    def test_the_others_are_what_they_would_be_had_nobody_been_there(self, store: Any) -> None:
        use_case = resolver(store)
        use_case.resolve(interaction("1", PHONE, at="2026-11-20T12:00:00.000Z"))
        use_case.resolve(interaction("2", EMAIL, PHONE, CPF, at="2026-11-20T13:00:00.000Z"))
        use_case.resolve(interaction("3", OTHER, at="2026-11-20T13:00:00.000Z"))
        former = record_of(store, PHONE).birth
        other = record_of(store, OTHER)
        assert len(set(customers(store, PHONE, EMAIL, CPF))) == 1
        (merged,) = forget(store, PHONE, at=FENCE)
        email = record_of(store, EMAIL)
        keys = [key_of(EMAIL), key_of(CPF)]
        # The phone led the customer: whoever asks for its id is told of the one that goes on.
        assert (merged["effect"], merged["identifiers"]) == ("merged", {former: sorted(keys)})
        assert merged["customer_id"] == email.customer_id != former
        assert list(email.seen) == [key_of(CPF)]
        (component,) = store.get_components([email.pointer.component]).values()
        assert set(component.nodes) == set(keys) and len(component.edges) == 1
        assert record_of(store, OTHER) == other
        assert store.get_components([former]) == {}

    def test_one_that_goes_on_with_less_is_told_and_one_that_falls_apart(self, store: Any) -> None:
        use_case = resolver(store)
        use_case.resolve(interaction("0", EMAIL, at="2026-11-19T12:00:00.000Z"))
        use_case.resolve(interaction("1", EMAIL, CPF, PHONE, at="2026-11-20T12:00:00.000Z"))
        owner = record_of(store, EMAIL).customer_id
        email = key_of(EMAIL)
        told = forget(store, CPF, at=FENCE)
        parts = [[owner, sorted([email, key_of(PHONE)])]]
        assert told == [{"effect": "split", "customer_id": owner, "into": parts}]
        told = forget(store, EMAIL, at=FENCE)
        assert told[0]["effect"] == "merged" and told[0]["identifiers"] == {owner: [key_of(PHONE)]}
        assert record_of(store, PHONE).pointer.component is None

    def test_whom_only_the_forgotten_held_together_falls_into_several(self, store: Any) -> None:
        use_case = resolver(store)
        use_case.resolve(interaction("0", EMAIL, at="2026-11-19T12:00:00.000Z"))
        use_case.resolve(interaction("1", EMAIL, CPF, PHONE, at="2026-11-20T12:00:00.000Z"))
        owner = record_of(store, EMAIL).customer_id
        (told,) = forget(store, EMAIL, at=FENCE)
        assert (told["effect"], told["customer_id"]) == ("split", owner)
        assert sorted(keys for _, keys in told["into"]) == sorted([[key_of(CPF)], [key_of(PHONE)]])
        assert len(set(customers(store, PHONE, CPF))) == 2

    def test_an_address_of_many_leaves_the_evidence_of_those_whom_it_wrote_to(
        self, store: Any
    ) -> None:
        use_case = resolver(store)
        many = [("email", f"p{n}@example.com") for n in range(default_rules().hub_degree + 2)]
        for n, other in enumerate(many):
            use_case.resolve(interaction(f"h{n}", PHONE, other))
        assert record_of(store, PHONE).pointer.hub
        last = many[-1]
        assert record_of(store, last).pointer.component
        forget(store, PHONE, at=FENCE)
        assert isinstance(store.get_states([key_of(PHONE)])[key_of(PHONE)], Tombstone)
        for other in many:
            assert record_of(store, other).pointer.component is None
        states = store.scan(None, 1000)[0]
        assert key_of(PHONE) not in repr(states)

    def test_retention_leaves_nothing_but_a_fence_that_was_there(self, store: Any) -> None:
        resolver(store).resolve(interaction("1", PHONE))
        assert [e["effect"] for e in forget(store, PHONE, at=None)] == ["erased"]
        assert store.get_states([key_of(PHONE)], consistent=True) == {}
        resolver(store).resolve(interaction("2", EMAIL))
        forget(store, EMAIL, at=FENCE)
        resolver(store).resolve(after("3", EMAIL))
        forget(store, EMAIL, at=None)
        key = key_of(EMAIL)
        assert store.get_states([key], consistent=True) == {key: Tombstone(key, FENCE)}

    def test_effects_are_told_until_they_have_been_told(self, store: Any) -> None:
        resolver(store).resolve(interaction("1", EMAIL, CPF, PHONE))
        told: list[Any] = []

        def broken(effects: Any, at: str) -> None:
            raise TemporaryFailure("the bus is down")

        def tell(effects: Any, at: str) -> None:
            told.append((at, effects))

        key = key_of(EMAIL)
        with pytest.raises(TemporaryFailure):
            forgetting(store, broken)([key], erased_before=FENCE)
        assert isinstance(store.get_states([key])[key], Tombstone)
        later = "2026-11-22T18:00:00.000Z"
        assert forgetting(store, tell, later)([key], erased_before=FENCE)
        ((at, (effect,)),) = told
        # As of the moment when it was done: the event has the same id at every attempt.
        assert (at, effect["effect"]) == (FENCE, "split")
        assert forgetting(store, tell, later)([key], erased_before=FENCE)
        assert len(told) == 1

    def test_no_time_is_no_progress(self, store: Any) -> None:
        resolver(store).resolve(interaction("1", PHONE))
        use_case = forgetting(store, lambda effects, at: None)
        assert not use_case([key_of(PHONE)], erased_before=FENCE, time_left=lambda: False)
        assert record_of(store, PHONE)

    def test_every_write_about_a_fence_is_conditional(self, store: Any) -> None:
        resolver(store).resolve(interaction("1", PHONE, traits={"name": "João"}))
        read = record_of(store, PHONE)
        raise_fence(store, [read.key], FENCE)
        fenced = record_of(store, PHONE)
        assert fenced == replace(read, erased_before=FENCE)
        later = replace(fenced, erased_before=AFTER)
        for write in (
            # None of them has seen the fence.
            UpdateRecord(read.key, read.pointer, read.pointer, (read, read)),
            ForgetRecord(read, FENCE),
            ForgetRecord(later, AFTER),
            ForgetRecord(replace(fenced, traits={}), FENCE),
            ForgetRecord(replace(fenced, pointer=replace(fenced.pointer, component="c")), FENCE),
            CreateRecord(fenced),
        ):
            with pytest.raises(Conflict):
                store.commit([write])
        store.commit([UpdateRecord(read.key, read.pointer, read.pointer, (fenced, fenced))])
        store.commit([ForgetRecord(fenced, AFTER)])
        stone = {read.key: Tombstone(read.key, AFTER)}
        for write in (
            CreateRecord(read),
            CreateRecord(fenced),
            UpdateRecord(read.key, read.pointer, read.pointer),
            ForgetRecord(later, AFTER),
        ):
            with pytest.raises(Conflict):
                store.commit([write])
            assert store.get_states([read.key], consistent=True) == stone
        store.put_hint(read.key, CustomerHint((read.key,), True))
        store.put_hint(read.key, None)
        assert store.get_states([read.key], consistent=True) == stone
        store.commit([CreateRecord(later)])
        assert record_of(store, PHONE) == later

    def test_pins_are_found(self, store: Any) -> None:
        timeless = replace(interaction("1", PHONE), occurred_at=None)
        resolver(store).resolve(timeless)
        assert store.is_pinned(key_of(PHONE), timeless.id)
        assert not store.is_pinned(key_of(PHONE), "another")
        assert not store.is_pinned(key_of(EMAIL), timeless.id)

    def test_decisions_about_the_forgotten_are_redacted_and_wait_no_more(self, store: Any) -> None:
        rules = replace(default_rules(), approval_above=1)
        for n, point in enumerate((PHONE, EMAIL, OTHER)):
            resolver(store).resolve(interaction(f"d{n}", point))
        phone, email, other = (Identifier(*one) for one in (PHONE, EMAIL, OTHER))
        made = [
            conciliator(store, use).decide(
                decision, *pair, operator="op-1", reason="João told me so", comparison={"bits": 1}
            )
            for decision, pair, use in (
                ("same", (phone, email), None),
                ("same", (phone, other), rules),
                ("different", (email, other), None),
            )
        ]
        conciliator(store).withdraw(made[0].id, operator="op-2")
        assert store.get_entry("conciliations#pending")
        assert len(list(decisions_of(store, [key_of(PHONE)]))) == 2
        forget(store, PHONE, at=FENCE)
        redact_decisions(store, key_of(PHONE), FENCE)
        redact_decisions(store, key_of(PHONE), FENCE)
        assert store.get_entry("conciliations#pending") is None
        assert store.get_entry(list_key(key_of(PHONE))) is None
        gone, waiting, theirs = (store.get_entry(f"decision#{one.id}") for one in made)
        assert [one["reason"] for one in (gone, waiting)] == ["", ""]
        assert "comparison" not in gone and gone["withdrawn_by"] == "op-2"
        assert (waiting["withdrawn_by"], waiting["withdrawn_at"]) == ("erasure", FENCE)
        assert theirs["reason"] == "João told me so" and theirs["withdrawn_at"] is None
        assert conciliator(store).withdraw(made[1].id, operator="op-3").effects == []
        # A newcomer at the address is joined to nobody by what was decided before.
        resolver(store).resolve(after("n", PHONE))
        assert len(set(customers(store, PHONE, EMAIL, OTHER))) == 3

    def test_no_interaction_of_a_stranger_is_touched(self, store: Any) -> None:
        use_case = resolver(store)
        use_case.resolve(interaction("1", PHONE, CPF))
        theirs = use_case.resolve(interaction("2", OTHER, CPF)).contact_point
        page = store.page(theirs, before=None, since=None, limit=10)
        forget(store, PHONE, CPF, at=FENCE)
        assert store.page(theirs, before=None, since=None, limit=10) == page
        with pytest.raises(Exception, match="already"):
            store.commit([PutInteraction(page[0])])
        assert record_of(store, OTHER).seen == {}
