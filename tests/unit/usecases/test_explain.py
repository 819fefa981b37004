"""The path of evidence between two identifiers."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings

from enlace.api import models
from enlace.domain.interaction import Identifier, Interaction
from enlace.errors import NotFound
from tests.stores.builders import CPFS, conciliator, interaction
from tests.stores.laws import events
from tests.unit.api.world import World

PHONE, EMAIL, CPF = (
    ("phone", "+5511987654321"),
    ("email", "joao@example.com"),
    ("cpf", CPFS[0]),
)


@settings(max_examples=60, deadline=None)
@given(events(min_size=3))
def test_every_pair_of_a_customer_is_explained_by_accepted_evidence(
    made: list[Interaction],
) -> None:
    world = World()
    world.record(*made)
    for a, b in combinations(world.store.records.values(), 2):
        told = world.explain.between(
            world.customer(a.kind, a.value),
            Identifier(a.kind, a.value),
            Identifier(b.kind, b.value),
        )
        models.Explanation.model_validate(told)
        assert told["same_customer"] == (a.customer_id == b.customer_id)
        if told["same_customer"]:
            assert told["path"]
            assert all(step["accepted"] for step in told["path"])
            assert all(step["sources"] for step in told["path"])
        elif told["path"]:
            assert any(step["reason"] for step in told["path"])
        ends = [told["path"][0]["from"], told["path"][-1]["to"]] if told["path"] else []
        assert ends in ([], [{"kind": r.kind, "value": r.value} for r in (a, b)])


def test_the_strongest_path_is_told_though_a_weaker_one_is_shorter() -> None:
    world = World()
    user = ("user_id", "7", "proven")
    world.record(
        interaction("1", PHONE, EMAIL), interaction("2", PHONE, user), interaction("3", EMAIL, user)
    )
    told = world.explain.between(world.customer(*PHONE), Identifier(*PHONE), Identifier(*EMAIL))
    assert told["level"] == "proven"
    assert [step["to"]["kind"] for step in told["path"]] == ["user_id", "email"]


def test_a_refused_edge_is_explained_by_its_rule() -> None:
    world = World()
    world.record(
        interaction("1", PHONE, (*CPF, "proven")), interaction("2", PHONE, ("cpf", CPFS[1]))
    )
    told = world.explain.between(
        world.customer(*PHONE), Identifier(*PHONE), Identifier("cpf", CPFS[1])
    )
    assert told["same_customer"] is False
    assert told["level"] is None
    assert [step["reason"] for step in told["path"]] == ["limit:cpf"]


def test_operators_words_are_part_of_the_explanation() -> None:
    world = World()
    world.record(interaction("1", PHONE), interaction("2", EMAIL))
    operators, a, b = conciliator(world.store), Identifier(*PHONE), Identifier(*EMAIL)
    same = operators.decide("same", a, b, operator="7", reason="called")
    told = world.explain.between(world.customer(*PHONE), a, b)
    assert told["level"] == "stated"
    assert [d["conciliation_id"] for d in told["path"][0]["decisions"]] == [same.id]
    operators.withdraw(same.id, operator="7")
    apart = operators.decide("different", a, b, operator="7", reason="two people")
    told = world.explain.between(world.customer(*PHONE), a, b)
    assert told["same_customer"] is False
    assert [d["conciliation_id"] for d in told["apart"]] == [apart.id]


def test_strangers_have_no_path_and_unknown_ones_are_not_found() -> None:
    world = World()
    world.record(interaction("1", PHONE), interaction("2", EMAIL))
    customer = world.customer(*PHONE)
    told = world.explain.between(customer, Identifier(*PHONE), Identifier(*EMAIL))
    assert (told["same_customer"], told["path"]) == (False, [])
    with pytest.raises(NotFound):
        world.explain.between(customer, Identifier(*EMAIL), Identifier(*PHONE))
    with pytest.raises(NotFound):
        world.explain.between(customer, Identifier(*PHONE), Identifier("email", "x@example.com"))
