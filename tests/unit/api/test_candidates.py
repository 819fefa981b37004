"""The list of candidates over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.api import candidate_models
from enlace.usecases.compared import learnable
from local.decisions import entries_of
from tests.unit.api.world import ISSUER, World
from tests.unit.usecases.candidate_scene import HELENA, Scene

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "helena.q@example.com")
A, B = ({"kind": kind, "value": value} for kind, value in (PHONE, EMAIL))
PATH = "/v1/conciliations/candidates"


@pytest.fixture
def world() -> World:
    world = World()
    scene = Scene(store=world.store, candidates=world.pairs)
    for point in (PHONE, EMAIL):
        scene.says(point, traits=HELENA)
    return world


def decision(word: str, **fields: Any) -> dict[str, Any]:
    return {"decision": word, "a": A, "b": B, "reason": "called them", **fields}


def test_operators_see_pairs_with_reasons(world: World) -> None:
    page = world.ask("GET", PATH)
    candidate_models.CandidatePage.model_validate(page)
    (item,) = page["items"]
    assert page["next_cursor"] is None
    assert {item[end]["kind"]: item[end]["value"] for end in "ab"} == dict([PHONE, EMAIL])
    assert "Helena Quaresma Lopes" in {reason["a"] for reason in item["reasons"]}


@pytest.mark.parametrize(
    "query",
    ["source=rule", "min_probability=1", "min_probability=1e0", "limit=1&source=rule"],
)
def test_filters_leave_out(world: World, query: str) -> None:
    assert world.ask("GET", f"{PATH}?{query}") == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=x", "limit=", "cursor=", "cursor=abc", "source=name"),
        *("min_probability=2", "min_probability=-1", "min_probability=nan", "min_probability="),
        *("min_probability=0_1", "min_probability=inf", "page=2", "limit=1&limit=2"),
        "cursor=" + "A" * 400,
    ],
)
def test_what_makes_no_sense_is_refused(world: World, query: str) -> None:
    assert world.call("GET", f"{PATH}?{query}").status == 400


@pytest.mark.parametrize(("role", "status"), [("agent", 200), ("admin", 200)])
@pytest.mark.parametrize("other", ["marketing", "privacy"])
def test_operators_only(world: World, role: str, status: int, other: str) -> None:
    for one, expected in ((role, status), (other, 403)):
        claims = {"sub": "somebody", "iss": ISSUER, "roles": one}
        assert world.call("GET", PATH, claims=claims).status == expected


@pytest.mark.parametrize("word", ["same", "different"])
def test_a_decision_ends_it_and_keeps_how_the_two_compared(world: World, word: str) -> None:
    (item,) = world.ask("GET", PATH)["items"]
    made = world.ask("POST", "/v1/conciliations", decision(word), 201)
    assert world.ask("GET", PATH)["items"] == []

    shown = world.ask("GET", f"/v1/conciliations/{made['conciliation_id']}")
    levels = {r["field"]: r["level"] for r in item["reasons"] if r["b"] is not None}
    assert shown["comparison"] == levels
    entries = world.store.entries.values()
    assert list(learnable(entries)) == [{"decision": word, "comparison": levels}]

    world.ask("DELETE", f"/v1/conciliations/{made['conciliation_id']}")
    assert world.ask("GET", PATH)["items"] == [item]
    assert list(learnable(world.store.entries.values())) == []


def test_a_decision_about_no_candidate_was_compared_by_nobody(world: World) -> None:
    Scene(store=world.store, candidates=world.pairs).says(("cpf", "52998224725"))
    body = decision("same", b={"kind": "cpf", "value": "52998224725"})
    made = world.ask("POST", "/v1/conciliations", body, 201)
    shown = world.ask("GET", f"/v1/conciliations/{made['conciliation_id']}")
    assert shown["comparison"] is None


class FakeScan:
    """A table of two pages."""

    def get_paginator(self, operation: str) -> FakeScan:
        assert operation == "scan"
        return self

    def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
        assert arguments["ExpressionAttributeValues"] == {":decision": {"S": "decision#"}}
        return [{"Items": [{"body": {"S": '{"id": "1"}'}}]}, {"Items": []}]


def test_decisions_are_read_from_every_page() -> None:
    assert list(entries_of(FakeScan(), "identity")) == [{"id": "1"}]
