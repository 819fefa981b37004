"""Finding a customer by what it is and was called, while others merge it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.component import Component
from enlace.domain.interaction import Identifier
from enlace.domain.records import IdentifierRecord
from enlace.errors import NotFound, TemporaryFailure
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, KEYS, conciliator, customers, interaction, resolver
from tests.unit.api.world import World

PHONE, EMAIL, CPF = (
    ("phone", "+5511987654321"),
    ("email", "joao@example.com"),
    ("cpf", CPFS[0]),
)


def test_a_former_id_answers_with_the_current_customer() -> None:
    world = World()
    world.record(
        interaction("1", PHONE, at="2026-11-01T12:00:00.000Z"),
        interaction("2", EMAIL, at="2026-11-02T12:00:00.000Z"),
    )
    first, second = customers(world.store, PHONE, EMAIL)
    world.record(interaction("3", PHONE, EMAIL))
    assert world.finder.by_id(str(first)).id == first
    assert world.finder.by_id(str(second)).id == first
    assert world.finder.by_identifier(Identifier("customer_id", str(second))).id == first


def test_an_id_of_a_customer_that_was_split_answers_with_its_own_identifiers_customer() -> None:
    world = World()
    world.record(interaction("1", PHONE, EMAIL), interaction("2", EMAIL, CPF))
    (whole,) = set(customers(world.store, PHONE, EMAIL))
    conciliator(world.store).decide(
        "different", Identifier(*PHONE), Identifier(*EMAIL), operator="7", reason="two people"
    )
    born_of = KEYS.address_of(str(whole))
    (now,) = {r.customer_id for r in world.store.records.values() if r.key == born_of}
    assert world.finder.by_id(str(whole)).id == now
    assert len(set(customers(world.store, PHONE, EMAIL))) == 2


def test_an_id_that_was_never_given_out_is_unknown_though_it_leads_to_an_identifier() -> None:
    world = World()
    world.record(interaction("1", PHONE))
    (record,) = world.store.records.values()
    with pytest.raises(NotFound):
        world.finder.by_id(KEYS.mint_customer_id(record.key))


@given(st.text(max_size=80))
def test_any_text_is_an_unknown_id(text: str) -> None:
    with pytest.raises(NotFound):
        World().finder.by_id(text)


class MergingStore(MemoryStore):
    """Records one more interaction after a given number of reads."""

    def __init__(self, after_reads: int):
        super().__init__()
        self.reads_left = after_reads
        self.armed = False

    def get_identifiers(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord]:
        found = super().get_identifiers(keys, consistent=consistent)
        self._read()
        return found

    def get_components(
        self, ids: Iterable[str], *, consistent: bool = False
    ) -> dict[str, Component]:
        found = super().get_components(ids, consistent=consistent)
        self._read()
        return found

    def _read(self) -> None:
        if self.armed:
            self.reads_left -= 1
            if self.reads_left == 0:
                self.armed = False
                resolver(self).resolve(interaction("merge", PHONE, EMAIL))


@settings(deadline=None)
@given(st.integers(1, 6), st.sampled_from([PHONE, EMAIL, CPF]))
def test_a_read_during_a_merge_sees_the_old_state_or_the_new(
    after_reads: int, asked: tuple[str, str]
) -> None:
    store = MergingStore(after_reads)
    world = World(store)
    world.record(
        interaction("1", PHONE, ("user_id", "7"), at="2026-11-01T12:00:00.000Z"),
        interaction("2", EMAIL, CPF, at="2026-11-02T12:00:00.000Z"),
    )
    old, before = world.customer(*asked).id, set(world.customer(*asked).members)
    store.armed = True
    view = world.views.view(world.asked(*asked))
    store.armed = False
    resolver(store).resolve(interaction("merge", PHONE, EMAIL))
    new, after = world.customer(*asked).id, set(world.customer(*asked).members)
    assert len(after) == 4
    shown = {world.finder.key_of(Identifier(i["kind"], i["value"])) for i in view["identifiers"]}
    assert (view["customer_id"], shown) in [(old, before), (new, after)]


def test_a_component_that_never_holds_still_is_a_temporary_failure() -> None:
    class Lost(MemoryStore):
        def get_components(
            self, ids: Iterable[str], *, consistent: bool = False
        ) -> dict[str, Component]:
            return {}

    world = World(MemoryStore())
    world.record(interaction("1", PHONE, EMAIL))
    lost = Lost()
    lost.records = world.store.records
    with pytest.raises(TemporaryFailure):
        World(lost).customer(*PHONE)
