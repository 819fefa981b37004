"""Routes about customers: statuses, problems, and what never stands in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from enlace.api import customer_models, models
from enlace.errors import TemporaryFailure
from tests.stores.builders import interaction
from tests.unit.api.world import World

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "joao@example.com")
A_BODY = {"kind": "phone", "value": "(11) 98765-4321"}


@pytest.fixture
def world() -> World:
    world = World()
    world.record(interaction("1", PHONE, EMAIL, traits={"name": "João"}))
    return world


def test_a_look_up_normalises_and_gives_the_view(world: World) -> None:
    found = world.ask("POST", "/v1/customers/lookup", A_BODY)
    customer_models.Customer.model_validate(found)
    assert found == world.ask("GET", f"/v1/customers/{found['customer_id']}")


def test_a_look_up_by_a_customer_id_follows_aliases(world: World) -> None:
    born = {record.birth for record in world.store.records.values()}
    current = {
        world.ask("POST", "/v1/customers/lookup", {"kind": "customer_id", "value": id_})[
            "customer_id"
        ]
        for id_ in born
    }
    assert len(born) == 2
    assert len(current) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/customers/lookup", {"kind": "email", "value": "nobody@example.com"}),
        ("POST", "/v1/customers/lookup", {"kind": "customer_id", "value": "cabc"}),
        (
            "POST",
            "/v1/context",
            {"contact_point": {"kind": "x", "value": "1"}, "audience": "agent"},
        ),
        ("GET", "/v1/customers/unknown", None),
        ("GET", "/v1/customers/unknown/timeline", None),
        ("GET", "/v1/customers/unknown/context", None),
        ("GET", "/v1/nothing", None),
        ("PUT", "/v1/context", None),
    ],
)
def test_what_is_not_known_is_a_404_problem(
    world: World, method: str, path: str, body: Any
) -> None:
    response = world.call(method, path, body)
    assert response.content_type == "application/problem+json"
    problem = models.Problem.model_validate_json(response.body)
    assert (response.status, problem.status) == (404, 404)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b"null",
        b"7",
        b"[]",
        b'"text"',
        b'{"kind": "email"}',
        b'{"kind": 7, "value": "x"}',
        b'{"kind": "email", "value": ""}',
        b'{"kind": "email", "value": "\\ud800"}',
        b'{"kind": "email", "value": NaN}',
        b'{"kind": "E-Mail", "value": "joao@example.com"}',
    ],
)
def test_a_malformed_body_is_a_problem_that_names_no_value(world: World, body: bytes) -> None:
    for path in ("/v1/customers/lookup", "/v1/context", "/v1/customers/c1/explain"):
        response = world.call("POST", path, body)
        assert response.status in (400, 413)
        assert "joao" not in response.body


@pytest.mark.parametrize("audience", [None, "operator", 7, ["agent"], {}])
def test_an_audience_is_one_of_two_and_never_guessed(world: World, audience: Any) -> None:
    body = {"contact_point": A_BODY, "audience": audience}
    assert world.call("POST", "/v1/context", body).status == 400


def test_a_context_needs_its_audience(world: World) -> None:
    assert world.call("POST", "/v1/context", {"contact_point": A_BODY}).status == 400


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1e1",
        "limit=%D9%A1",
        "limit=1&limit=2",
        "chanel=sms",
        "channel=",
        "type=message",
        "since=yesterday",
        "since=2026-11-20T12:00:00",
        "until=9999-12-31T00:00:00Z",
        "cursor=x",
        "%FF=1",
        "channel=%FF",
        "&".join(["channel=sms"] * 30),
    ],
)
def test_a_malformed_filter_is_a_problem(world: World, query: str) -> None:
    id_ = world.ask("POST", "/v1/customers/lookup", A_BODY)["customer_id"]
    response = world.call("GET", f"/v1/customers/{id_}/timeline?{query}")
    assert response.status == 400, query


def test_a_timeline_is_paged_through_its_cursor(world: World) -> None:
    world.record(*(interaction(str(n), PHONE) for n in range(2, 6)))
    id_ = world.ask("POST", "/v1/customers/lookup", A_BODY)["customer_id"]
    path = f"/v1/customers/{id_}/timeline?limit=3&since=2026-11-01T00:00:00Z&type=message.received"
    first = world.ask("GET", path)
    rest = world.ask("GET", f"{path}&cursor={first['next_cursor']}")
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 5
    assert rest["next_cursor"] is None


def test_contexts_of_both_kinds(world: World) -> None:
    body = {"contact_point": A_BODY, "audience": "customer"}
    told = world.ask("POST", "/v1/context", body)
    assert [identifier["kind"] for identifier in told["identifiers"]] == ["phone"]
    told = world.ask("GET", f"/v1/customers/{told['customer_id']}/context")
    assert {identifier["kind"] for identifier in told["identifiers"]} == {"phone", "email"}


def test_an_explanation(world: World) -> None:
    id_ = world.ask("POST", "/v1/customers/lookup", A_BODY)["customer_id"]
    body = {"a": A_BODY, "b": {"kind": "email", "value": "JOAO@example.com"}}
    told = world.ask("POST", f"/v1/customers/{id_}/explain", body)
    assert told["same_customer"] is True
    assert told["path"][0]["from"]["value"] == PHONE[1]


def test_a_body_over_the_limit_is_a_413(world: World) -> None:
    assert world.call("POST", "/v1/context", b" " * 20_000).status == 413
    assert world.call("POST", "/v1/interactions", b" " * 1_100_000).status == 413


def test_a_table_that_does_not_answer_is_a_503(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise TemporaryFailure("DynamoDB: ThrottlingException")

    monkeypatch.setattr(world.store, "get_identifiers", down)
    response = world.call("POST", "/v1/customers/lookup", A_BODY)
    assert response.status == 503
    assert "Throttling" not in response.body


def test_a_defect_is_a_500_that_quotes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: Any, **__: Any) -> None:
        raise KeyError("joao@example.com")

    monkeypatch.setattr(world.store, "get_identifiers", defect)
    response = world.call("POST", "/v1/customers/lookup", A_BODY)
    assert response.status == 500
    assert "joao" not in response.body
    assert "joao" not in "".join(world.log.lines)
    assert "KeyError" in world.log.lines[-1]


def test_the_log_names_routes_and_statuses_and_nobody(world: World) -> None:
    id_ = world.ask("POST", "/v1/customers/lookup", A_BODY)["customer_id"]
    world.call("GET", f"/v1/customers/{id_}/timeline?cursor=joao@example.com")
    world.call("POST", "/v1/customers/lookup", {"kind": "joao@example.com", "value": "x"})
    text = "".join(world.log.lines)
    assert "GET /v1/customers/{id}/timeline" in text
    assert [value for value in (PHONE[1], "joao", "João") if value in text] == []


def test_the_description_needs_no_credentials(world: World) -> None:
    response = world.call("GET", "/v1/openapi.json", headers={})
    assert json.loads(response.body)["openapi"].startswith("3.1")
