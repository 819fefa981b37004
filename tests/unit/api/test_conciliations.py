"""Operators' decisions over HTTP, and what the bus hears of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from enlace.api import conciliation_models
from enlace.rules import default_rules
from tests.stores.builders import customers, interaction
from tests.stores.laws import snapshot
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
    (entry,) = (e for k, e in world.store.entries.items() if k.startswith("decision#"))
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


def test_what_became_of_it_is_told_with_the_answer(world: World) -> None:
    made = world.ask("POST", "/v1/conciliations", SAME, 201)
    conciliation_models.ConciliationAnswer.model_validate(made)
    assert (made["state"], made["refused"]) == ("in_force", None)
    withdrawn = world.ask("DELETE", f"/v1/conciliations/{made['conciliation_id']}")
    assert withdrawn["state"] == "withdrawn"


@pytest.mark.parametrize(
    "other, reason",
    [
        (("email", "sac@example.com"), "blocked"),
        (("cnpj", "11222333000181"), "not_linking"),
    ],
)
def test_a_same_that_a_rule_refuses_is_recorded_and_says_so(
    world: World, other: tuple[str, str], reason: str
) -> None:
    world.record(interaction("9", other, at="2026-11-03T12:00:00.000Z"))
    body = {**SAME, "b": {"kind": other[0], "value": other[1]}}
    made = world.ask("POST", "/v1/conciliations", body, 201)
    assert (made["refused"], len(made["customers"])) == (reason, 2)
    told = world.ask("GET", f"/v1/conciliations/{made['conciliation_id']}")
    assert (told["refused"], told["state"]) == (reason, "in_force")


def test_a_same_joins_by_itself_once_what_refused_it_is_gone(world: World) -> None:
    apart = world.ask("POST", "/v1/conciliations", {**SAME, "decision": "different"}, 201)
    made = world.ask("POST", "/v1/conciliations", SAME, 201)
    assert (made["refused"], len(made["customers"])) == ("different", 2)
    world.ask("DELETE", f"/v1/conciliations/{apart['conciliation_id']}")
    told = world.ask("GET", f"/v1/conciliations/{made['conciliation_id']}")
    assert (told["refused"], len(told["customers"])) == (None, 1)


def operator(name: str) -> dict[str, str]:
    return {"sub": name, "iss": ISSUER, "roles": "agent"}


def as_(world: World, name: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    response = world.call(method, path, body, claims=operator(name))
    return response.status, json.loads(response.body)


@pytest.fixture
def guarded() -> World:
    world = World(rules=replace(default_rules(), approval_above=1))
    world.record(
        interaction("1", PHONE, at="2026-11-01T12:00:00.000Z"),
        interaction("2", EMAIL, at="2026-11-02T12:00:00.000Z"),
    )
    return world


def test_a_large_same_waits_for_another_operator(guarded: World) -> None:
    before = snapshot(guarded.store)
    status, made = as_(guarded, "ana", "POST", "/v1/conciliations", SAME)
    assert (status, made["state"], len(made["customers"])) == (202, "pending_approval", 2)
    assert (snapshot(guarded.store), guarded.bus.entries) == (before, [])
    path = f"/v1/conciliations/{made['conciliation_id']}"

    status, page = as_(guarded, "bia", "GET", "/v1/conciliations?state=pending_approval")
    conciliation_models.ConciliationPage.model_validate(page)
    (listed,) = page["items"]
    assert (listed["a"], listed["b"]) in ((A, B), (B, A))
    assert (listed["operator"], listed["reason"]) == ("ana", "called back")

    assert as_(guarded, "ana", "POST", f"{path}/approve")[0] == 403
    assert guarded.bus.entries == []
    status, approved = as_(guarded, "bia", "POST", f"{path}/approve")
    assert (status, approved["state"], len(approved["customers"])) == (200, "in_force", 1)
    assert [name for name, _ in details(guarded)] == ["customer.merged.v1"]
    # The answer was lost: the same events again, under the same ids.
    assert as_(guarded, "bia", "POST", f"{path}/approve") == (status, approved)
    assert len({entry.event_id for entry in guarded.bus.entries}) == 1
    assert as_(guarded, "caio", "POST", f"{path}/approve")[0] == 409

    told = as_(guarded, "ana", "GET", path)[1]
    conciliation_models.ConciliationEntry.model_validate(told)
    assert (told["operator"], told["approver"], told["state"]) == ("ana", "bia", "in_force")
    page = as_(guarded, "bia", "GET", "/v1/conciliations?state=pending_approval")[1]
    assert page == {"items": [], "next_cursor": None}
    assert as_(guarded, "ana", "DELETE", path)[0] == 200
    assert snapshot(guarded.store) == before


def test_what_waits_can_be_withdrawn_without_a_word_on_the_bus(guarded: World) -> None:
    made = as_(guarded, "ana", "POST", "/v1/conciliations", SAME)[1]
    path = f"/v1/conciliations/{made['conciliation_id']}"
    assert as_(guarded, "ana", "DELETE", path)[1]["state"] == "withdrawn"
    assert as_(guarded, "bia", "POST", f"{path}/approve")[0] == 409
    assert guarded.bus.entries == []


def test_asking_again_decides_once(guarded: World) -> None:
    headers = {"x-api-key": "the key of the laptop stack", "idempotency-key": "k-1"}
    answers = {
        guarded.call("POST", "/v1/conciliations", SAME, headers=headers).body for _ in range(2)
    }
    assert len(answers) == 1
    assert len(guarded.ask("GET", "/v1/conciliations?state=pending_approval")["items"]) == 1


@pytest.mark.parametrize(
    "query", ["", "?state=in_force", "?state=pending_approval&limit=0", "?limit=1"]
)
def test_only_what_waits_is_listed(world: World, query: str) -> None:
    world.ask("GET", f"/v1/conciliations{query}", status=400)


def test_marketing_and_privacy_neither_decide_nor_approve(guarded: World) -> None:
    claims = {"sub": "7", "iss": ISSUER, "roles": "marketing privacy"}
    for method, path in (
        ("POST", "/v1/conciliations/preview"),
        ("GET", "/v1/conciliations"),
        ("GET", "/v1/conciliations/x"),
        ("POST", "/v1/conciliations/x/approve"),
    ):
        assert guarded.call(method, path, SAME, claims=claims).status == 403


def test_a_preview_is_what_then_happens_and_changes_nothing(world: World) -> None:
    before = snapshot(world.store)
    told = world.ask("POST", "/v1/conciliations/preview", SAME)
    conciliation_models.ConciliationPreview.model_validate(told)
    assert (snapshot(world.store), world.store.entries, world.bus.entries) == (before, {}, [])
    made = world.ask("POST", "/v1/conciliations", SAME, 201)
    assert [one["customer_id"] for one in told["after"]] == made["customers"]


def test_customers_that_are_too_large_are_refused_and_told_why(world: World) -> None:
    for side, point in ((1, PHONE), (2, EMAIL)):
        for n in range(2, 6):
            others = [("device:shop", f"d{side}-{n}-{m}") for m in range(9)]
            world.record(interaction(f"{side}{n}", point, *others[: 9 if n < 4 else 0]))
            bridge = ("record:crm", f"r{side}-{n}")
            world.record(interaction(f"b{side}{n}", point, bridge))
            world.record(
                interaction(
                    f"c{side}{n}", bridge, *[("device:till", f"t{side}-{n}-{m}") for m in range(8)]
                )
            )
    entries = dict(world.store.entries)
    for path in ("/v1/conciliations", "/v1/conciliations/preview"):
        problem = world.ask("POST", path, SAME, 409)
        assert "too many identifiers" in problem["detail"]
    assert world.store.entries == entries
    assert EMAIL[1] not in json.dumps(problem)
