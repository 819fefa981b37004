"""The path of evidence between two identifiers."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings

from enlace.api import models
from enlace.domain.actor import Actor, actor_of
from enlace.domain.interaction import Identifier, Interaction
from enlace.errors import NotFound
from enlace.rules import default_rules
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
            assert all(_is_told(step["refusal"]) for step in told["path"] if step["reason"])
        ends = [told["path"][0]["from"], told["path"][-1]["to"]] if told["path"] else []
        assert ends in ([], [{"kind": r.kind, "value": r.value} for r in (a, b)])


def _is_told(refusal: dict[str, Any]) -> bool:
    """Whether a refusal says between whom: what no limit of its own explains, is no reason."""
    reason, kind = refusal["reason"], refusal["reason"].partition(":")[2]
    if kind and kind != "identifiers":
        return len(refusal["identifiers"]) > int(refusal["limit"])
    if reason == "contradiction":
        return bool(refusal["fields"]) and len(refusal["identifiers"]) > 1
    return bool(refusal["identifiers"])


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


def between(world: World, a: tuple[str, ...], b: tuple[str, ...]) -> dict[str, Any]:
    told = world.explain.between(world.customer(*a[:2]), Identifier(*a[:2]), Identifier(*b[:2]))
    models.Explanation.model_validate(told)
    return told


def test_each_step_says_who_reported_it_and_through_what() -> None:
    world = World()
    told_by_phone = interaction(
        "1", PHONE, EMAIL, at="2026-11-01T12:00:00.000Z", data={"text": "my e-mail is …"}
    )
    typed = interaction(
        "2", (*EMAIL, "stated"), (*CPF, "stated"), data={"actor": "agent", "agent": "agent-7"}
    )
    imported = interaction(
        "3",
        (*EMAIL, "imported"),
        (*PHONE, "imported"),
        type_="customer.identified",
        channel="crm",
        at="2026-11-05T12:00:00.000Z",
    )
    world.record(told_by_phone, typed, imported)
    told = between(world, PHONE, CPF)
    assert (told["verdict"], told["rules_version"]) == ("joined", default_rules().version)
    first, second = told["path"]
    assert (first["first_seen"], first["last_seen"]) == ("2026-11-01T12:00:00.000Z", "2026-11-05")
    by_level = {source["level"]: source for source in first["sources"]}
    phone, email = ({"kind": kind, "value": value} for kind, value in (PHONE, EMAIL))
    assert by_level["stated"]["event_id"] == told_by_phone.id
    assert by_level["stated"]["actor"] == {"kind": "customer", "id": None}
    assert by_level["stated"]["contact_point"] == phone
    assert by_level["imported"]["actor"] == {"kind": "system", "id": None}
    assert (by_level["imported"]["contact_point"], by_level["imported"]["channel"]) == (
        email,
        "crm",
    )
    (source,) = second["sources"]
    assert source["actor"] == {"kind": "agent", "id": "agent-7"}


@pytest.mark.parametrize(
    "fields, actor",
    [
        ({}, Actor("customer")),
        ({"direction": "outbound"}, Actor("system")),
        ({"contact_point": {"level": "imported"}}, Actor("system")),
        ({"data": {"actor": "subject", "agent": "7"}}, Actor("customer")),
        ({"data": {"actor": "agent"}}, Actor("agent")),
        ({"data": {"agent": "7"}, "direction": "outbound"}, Actor("agent", "7")),
        ({"data": {"operator": "7"}}, Actor("agent", "7")),
        ({"conversation": {"agent": "7"}}, Actor("agent", "7")),
        ({"data": {"actor": "provider"}}, Actor("system")),
        ({"data": {"actor": "somebody", "agent": 7}}, Actor("customer")),
        ({"data": {"actor": ["agent"], "agent": " "}}, Actor("customer")),
        ({"data": {"agent": "x" * 500}}, Actor("agent", "x" * 128)),
    ],
)
def test_who_reported_an_interaction(fields: dict[str, Any], actor: Actor) -> None:
    body = {"direction": "inbound", "contact_point": {"level": "proven"}, **fields}
    assert actor_of(body) == actor


def test_a_limit_names_the_identifiers_that_fill_it() -> None:
    world = World()
    other = ("cpf", CPFS[1])
    world.record(interaction("1", PHONE, (*CPF, "proven")), interaction("2", PHONE, other))
    told = between(world, PHONE, other)
    refusal = told["path"][0]["refusal"]
    assert told["verdict"] == "refused"
    assert (refusal["reason"], refusal["limit"]) == ("limit:cpf", 1)
    assert {one["value"] for one in refusal["identifiers"]} == {CPF[1], other[1]}


@pytest.mark.parametrize(
    "mine, theirs, fields",
    [
        ({"name": "João da Silva"}, {"name": "Maria Pereira"}, ["name"]),
        (
            {"name": "João Silva", "birth_date": "1980-05-31"},
            {"name": "João Pereira", "birth_date": "2003-11-12"},
            ["birth_date"],
        ),
        (
            {"name": "João da Silva", "birth_date": "1980-05-31"},
            {"name": "Maria Pereira", "birth_date": "2003-11-12"},
            ["name", "birth_date"],
        ),
    ],
)
def test_a_contradiction_names_its_fields(
    mine: dict[str, str], theirs: dict[str, str], fields: list[str]
) -> None:
    """A CPF that was stated through two contact points whose people cannot be one."""
    world = World()
    world.record(
        interaction("1", PHONE, CPF, traits=mine, at="2026-11-01T12:00:00.000Z"),
        interaction("2", EMAIL, CPF, traits=theirs, at="2026-11-02T12:00:00.000Z"),
    )
    told = between(world, PHONE, EMAIL)
    assert told["verdict"] == "refused"
    (refusal,) = [step["refusal"] for step in told["path"] if step["refusal"]]
    assert (refusal["reason"], refusal["fields"]) == ("contradiction", fields)
    assert {one["value"] for one in refusal["identifiers"]} == {PHONE[1], EMAIL[1]}


def test_identifiers_that_are_nobodys_own_are_named() -> None:
    world = World()
    sac, company = ("email", "sac@example.com"), ("cnpj", "11222333000181")
    world.record(interaction("1", PHONE, sac, company))
    for other, reason in ((sac, "blocked"), (company, "not_linking")):
        (step,) = between(world, PHONE, other)["path"]
        assert step["refusal"]["reason"] == reason
        assert [one["value"] for one in step["refusal"]["identifiers"]] == [other[1]]


def test_a_shared_identifier_is_named() -> None:
    world = World()
    world.record(*(interaction(str(n), EMAIL, ("cpf", cpf)) for n, cpf in enumerate(CPFS[:5])))
    (step,) = between(world, EMAIL, CPF)["path"]
    assert step["refusal"]["reason"] == "shared"
    assert [one["value"] for one in step["refusal"]["identifiers"]] == [EMAIL[1]]


def test_decisions_tell_who_why_when_and_who_approved() -> None:
    world = World(rules=replace(default_rules(), approval_above=1))
    world.record(interaction("1", PHONE), interaction("2", EMAIL))
    operators, a, b = conciliator(world.store, world.rules), Identifier(*PHONE), Identifier(*EMAIL)
    made = operators.decide("same", a, b, operator="ana", reason="showed a card", verified=True)
    assert between(world, PHONE, EMAIL)["verdict"] == "nothing"
    operators.approve(made.id, operator="bia")
    told = between(world, PHONE, EMAIL)
    assert (told["verdict"], told["level"]) == ("joined", "proven")
    (decision,) = told["path"][0]["decisions"]
    assert (decision["operator"], decision["reason"]) == ("ana", "showed a card")
    assert decision["approver"] == "bia" and decision["decided_at"] <= decision["approved_at"]
    operators.withdraw(made.id, operator="ana")
    apart = operators.decide("different", a, b, operator="ana", reason="two people")
    told = between(world, PHONE, EMAIL)
    assert (told["verdict"], told["path"]) == ("apart", [])
    (decision,) = told["apart"]
    assert (decision["conciliation_id"], decision["reason"]) == (apart.id, "two people")


def test_a_same_that_a_denial_refuses_names_the_denial() -> None:
    world = World()
    world.record(interaction("1", PHONE), interaction("2", EMAIL))
    operators, a, b = conciliator(world.store), Identifier(*PHONE), Identifier(*EMAIL)
    apart = operators.decide("different", a, b, operator="ana", reason="two people")
    operators.decide("same", a, b, operator="bia", reason="one")
    told = between(world, PHONE, EMAIL)
    (step,) = told["path"]
    assert (told["verdict"], step["reason"]) == ("refused", "different")
    assert step["refusal"]["decisions"] == [apart.id]
    assert {one["decision"] for one in step["decisions"]} == {"same", "different"}
