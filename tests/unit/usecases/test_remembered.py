"""A decision holds whatever comes after it: the same events again, other rules, erasures."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.change import GraphChange, evolve
from enlace.domain.component import rebuild
from enlace.domain.interaction import Identifier, Interaction
from enlace.rules import default_rules
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, TODAY, conciliator, customers, interaction, resolver
from tests.stores.laws import deliver, events, snapshot

PHONE, EMAIL, CPF = ("phone", "+5511987654321"), ("email", "joao@example.com"), ("cpf", CPFS[0])
RULES = default_rules()


@settings(max_examples=40, deadline=None)
@given(events(min_size=3, max_size=10), st.data())
def test_the_same_events_again_change_nothing(made: list[Interaction], data: st.DataObject) -> None:
    store = MemoryStore()
    deliver(store, [made])
    known = [Identifier(r.kind, r.raw) for _, r in sorted(store.records.items())]
    a, b = data.draw(st.sampled_from(known)), data.draw(st.sampled_from(known))
    if (a.kind, a.value) != (b.kind, b.value):
        word = data.draw(st.sampled_from(["same", "different"]))
        conciliator(store).decide(word, a, b, operator="ana", reason="r")
    before = snapshot(store)
    deliver(store, [data.draw(st.permutations(made))])
    assert snapshot(store) == before


def test_decisions_outlive_rules_that_join_and_part_by_themselves() -> None:
    store = MemoryStore()
    for item in (
        interaction("1", PHONE, (*CPF, "proven")),
        interaction("2", EMAIL, (*CPF, "proven")),
    ):
        resolver(store).resolve(item)
    other = interaction("3", ("messenger:page", "psid-1"))
    resolver(store).resolve(other)
    messenger = ("messenger:page", "psid-1")
    apart = conciliator(store).decide(
        "different", Identifier(*PHONE), Identifier(*EMAIL), operator="ana", reason="r"
    )
    joined = conciliator(store).decide(
        "same", Identifier(*PHONE), Identifier(*messenger), operator="ana", reason="r"
    )
    kinds = {**RULES.kinds, "cpf": replace(RULES.kinds["cpf"], links=False)}
    strict = replace(RULES, version="strict", kinds=kinds)
    before = snapshot(store)
    for rules in (strict, RULES):
        # What a rules change does to a component: computed anew from what is kept.
        (component,) = store.components.values()
        evolution = evolve([component], {}, GraphChange(), rules, TODAY)
        ((_, after),) = evolution.components
        assert after is not None
        assert set(after.decisions) == {apart.id, joined.id}
        store.components = {after.id: after}
        for key, (_, pointer) in evolution.pointers.items():
            store.records[key] = replace(store.records[key], pointer=pointer)
        phone, email, chat = customers(store, PHONE, EMAIL, messenger)
        assert phone == chat != email
        assert (customers(store, CPF)[0] in (phone, email)) == (rules is RULES)
    assert snapshot(store) == before


def test_a_decision_outlives_the_erasure_of_others() -> None:
    """An erased identifier is no longer among the nodes and edges; decisions about others are."""
    store = MemoryStore()
    user = ("user_id", "u-1", "proven")
    resolver(store).resolve(interaction("1", PHONE, (*CPF, "proven"), user))
    resolver(store).resolve(interaction("2", EMAIL))
    made = conciliator(store).decide(
        "same", Identifier(*PHONE), Identifier(*EMAIL), operator="ana", reason="r"
    )
    (component,) = store.components.values()
    key_of = {record.kind: key for key, record in store.records.items()}
    for erased in ("cpf", "user_id"):
        gone = key_of[erased]
        (left,), alone = rebuild(
            {key: node for key, node in component.nodes.items() if key != gone},
            {pair: edge for pair, edge in component.edges.items() if gone not in pair},
            component.decisions,
            RULES,
            TODAY,
        )
        assert not alone
        assert set(left.decisions) == {made.id}
        assert left.customer_of[key_of["phone"]] == left.customer_of[key_of["email"]]
        component = left
    ((left,), alone) = rebuild(component.nodes, component.edges, component.decisions, RULES, TODAY)
    assert (set(left.nodes), alone) == ({key_of["phone"], key_of["email"]}, {})
