"""Operators' decisions over HTTP, and what the bus hears of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stores.builders import customers, interaction
from tests.unit.api.world import ISSUER, World

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "joao@example.com")
A, B = ({"kind": kind, "value": value} for kind, value in (PHONE, EMAIL))
SAME = {"decision": "same", "a": A, "b": B, "reason": "called back"}


@pytest.fixture
def world() -> World:
    world = World()
    world.record(
        interaction("1", PHONE, at="2026-11-01T12:00:00.000Z"),
        interaction("2", EMAIL, at="2026-11-02T12:00:00.000Z"),
    )
    return world


def details(world: World) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.detail_type, json.loads(entry.detail)) for entry in world.bus.entries]


def test_same_joins_and_withdrawing_parts_again(world: World) -> None:
    before = customers(world.store, PHONE, EMAIL)
    made = world.ask("POST", "/v1/conciliations", SAME, 201)
    assert made["customers"] == [before[0]]
    assert world.ask("GET", f"/v1/customers/{before[1]}")["customer_id"] == before[0]
    withdrawn = world.ask("DELETE", f"/v1/conciliations/{made['conciliation_id']}")
    assert withdrawn["conciliation_id"] == made["conciliation_id"]
    assert sorted(withdrawn["customers"]) == sorted(map(str, before))
    assert customers(world.store, PHONE, EMAIL) == before


def test_the_bus_hears_of_both_with_the_decision_as_the_cause(world: World) -> None:
    made = world.ask("POST", "/v1/conciliations", SAME, 201)
    world.ask("DELETE", f"/v1/conciliations/{made['conciliation_id']}")
    (merged, first), (split, second) = details(world)
    assert (merged, split) == ("customer.merged.v1", "customer.split.v1")
    cause = {"conciliation_id": made["conciliation_id"]}
    assert first["data"]["cause"] == second["data"]["cause"] == cause
    assert {entry.source for entry in world.bus.entries} == {"enlace.api_conciliations"}


def test_the_operator_is_the_tokens_subject_and_not_the_bodys(world: World) -> None:
    claims = {"sub": "operator-7", "iss": ISSUER, "roles": "agent"}
    response = world.call(
        "POST", "/v1/conciliations", {**SAME, "operator": "somebody else"}, claims=claims
    )
    assert response.status == 201
    (entry,) = world.store.entries.values()
    assert (entry["operator"], entry["reason"]) == ("operator-7", "called back")


def test_a_bus_that_does_not_answer_is_told_at_the_second_withdrawal(world: World) -> None:
    made = world.ask("POST", "/v1/conciliations", SAME, 201)
    world.bus.entries.clear()
    world.bus.down = True
    world.ask("DELETE", f"/v1/conciliations/{made['conciliation_id']}", status=503)
    world.bus.down = False
    world.ask("DELETE", f"/v1/conciliations/{made['conciliation_id']}")
    assert [name for name, _ in details(world)] == ["customer.split.v1"]


def test_a_decision_that_the_bus_did_not_hear_of_can_be_taken_back(world: World) -> None:
    before = customers(world.store, PHONE, EMAIL)
    world.bus.down = True
    problem = world.ask("POST", "/v1/conciliations", SAME, 503)
    world.bus.down = False
    world.ask("DELETE", f"/v1/conciliations/{problem['conciliation_id']}")
    assert customers(world.store, PHONE, EMAIL) == before


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "perhaps"},
        {"decision": None},
        {"a": B},
        {"a": None},
        {"reason": " "},
        {"reason": "x" * 1001},
        {"reason": "\ud800"},
        {"verified": "yes"},
        {"verified": None},
    ],
)
def test_a_malformed_decision_is_refused_and_changes_nothing(
    world: World, change: dict[str, Any]
) -> None:
    world.ask("POST", "/v1/conciliations", {**SAME, **change}, 400)
    assert world.store.entries == {}
    assert world.bus.entries == []


def test_what_was_never_seen_or_decided_is_not_found(world: World) -> None:
    unseen = {**SAME, "b": {"kind": "email", "value": "nobody@example.com"}}
    world.ask("POST", "/v1/conciliations", unseen, 404)
    world.ask("DELETE", "/v1/conciliations/unknown", status=404)
