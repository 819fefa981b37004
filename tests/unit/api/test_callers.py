"""Who may call what."""

import json
from typing import Any

import pytest

from tests.unit.api.world import API_KEY, ISSUER, World

#: The table of docs/api.md: who may use which route.
ALLOWED = {
    "POST /v1/interactions": {"agent", "marketing", "admin"},
    "POST /v1/customers/lookup": {"agent", "privacy", "admin"},
    "GET /v1/customers/{id}": {"agent", "privacy", "admin"},
    "GET /v1/customers/{id}/timeline": {"agent", "privacy", "admin"},
    "GET /v1/customers/{id}/context": {"agent", "admin"},
    "POST /v1/customers/{id}/explain": {"agent", "privacy", "admin"},
    "POST /v1/context": {"agent", "admin"},
    "GET /v1/cases/{protocol}": {"agent", "admin"},
    "POST /v1/cases/{protocol}/assign": {"agent", "admin"},
    "POST /v1/cases/{protocol}/transfer": {"agent", "admin"},
    "POST /v1/cases/{protocol}/close": {"agent", "admin"},
    "POST /v1/cases/{protocol}/reopen": {"agent", "admin"},
    "POST /v1/consents": {"agent", "privacy", "admin"},
    "POST /v1/consents/receipts": {"agent", "privacy", "admin"},
    "POST /v1/consents/lookup": {"agent", "marketing", "privacy", "admin"},
    "GET /v1/templates": {"agent", "marketing", "admin"},
    "GET /v1/templates/{id}": {"agent", "marketing", "admin"},
    "PUT /v1/templates/{id}": {"marketing", "admin"},
    "POST /v1/templates/{id}/preview": {"marketing", "admin"},
    "POST /v1/templates/{id}/activate": {"marketing", "admin"},
    "POST /v1/messages": {"agent", "marketing", "privacy", "admin"},
    "GET /v1/messages/{id}": {"agent", "marketing", "privacy", "admin"},
    "POST /v1/privacy/requests": {"privacy", "admin"},
    "GET /v1/privacy/requests": {"privacy", "admin"},
    "GET /v1/privacy/requests/{id}": {"privacy", "admin"},
    "POST /v1/privacy/requests/{id}/verify": {"privacy", "admin"},
    "GET /v1/privacy/requests/{id}/export": {"privacy", "admin"},
    "GET /v1/privacy/requests/{id}/certificate": {"privacy", "admin"},
    "POST /v1/privacy/requests/{id}/cancel": {"privacy", "admin"},
    "POST /v1/privacy/requests/{id}/reject": {"privacy", "admin"},
    "POST /v1/privacy/requests/{id}/fulfil": {"privacy", "admin"},
    "POST /v1/privacy/requests/{id}/extend": {"privacy", "admin"},
    "POST /v1/privacy/holds": {"privacy", "admin"},
    "GET /v1/privacy/holds": {"privacy", "admin"},
    "DELETE /v1/privacy/holds/{id}": {"privacy", "admin"},
    "GET /v1/rules": {"agent", "admin"},
    "PUT /v1/rules": {"admin"},
    "POST /v1/conciliations": {"agent", "admin"},
    "POST /v1/conciliations/preview": {"agent", "admin"},
    "GET /v1/conciliations/candidates": {"agent", "admin"},
    "GET /v1/conciliations": {"agent", "admin"},
    "GET /v1/conciliations/{id}": {"agent", "admin"},
    "POST /v1/conciliations/{id}/approve": {"agent", "admin"},
    "DELETE /v1/conciliations/{id}": {"agent", "admin"},
}


def claims(roles: Any, **more: Any) -> dict[str, Any]:
    return {"sub": "operator-7", "iss": ISSUER, "roles": roles, **more}


@pytest.mark.parametrize("role", ["agent", "marketing", "privacy", "admin"])
@pytest.mark.parametrize("route", sorted(ALLOWED))
def test_a_route_takes_its_roles_and_no_other(route: str, role: str) -> None:
    method, _, path = route.partition(" ")
    path = path.replace("{id}", "c1").replace("{protocol}", "1")
    response = World().call(method, path, b"", claims=claims([role]))
    assert (response.status != 403) == (role in ALLOWED[route])


def test_every_route_but_the_description_asks_for_a_role() -> None:
    world = World()
    assert {r.key for r in world.routes if not r.roles} == {"GET /v1/openapi.json"}
    assert {r.key for r in world.routes} - set(ALLOWED) == {"GET /v1/openapi.json"}
    for route in ALLOWED:
        method, _, path = route.partition(" ")
        assert world.call(method, path, headers={}).status == 401


@pytest.mark.parametrize("roles", ["[agent marketing]", "agent", ["agent"], "x, agent", "[agent]"])
def test_roles_come_in_the_forms_that_api_gateway_gives_them(roles: Any) -> None:
    assert World().call("GET", "/v1/customers/c1", claims=claims(roles)).status == 404


@pytest.mark.parametrize(
    "claim",
    [
        {"cognito:groups": "[agent]"},
        {"scope": "openid enlace/agent"},
        {"roles": "agent", "scope": "nothing"},
    ],
)
def test_roles_are_found_in_the_usual_claims(claim: dict[str, str]) -> None:
    given = {"sub": "operator-7", "iss": ISSUER, **claim}
    assert World().call("GET", "/v1/customers/c1", claims=given).status == 404


@pytest.mark.parametrize("claim", [{"roles": "agents"}, {"scope": "other/agent"}, {}])
def test_what_only_looks_like_a_role_is_none(claim: dict[str, str]) -> None:
    given = {"sub": "operator-7", "iss": ISSUER, **claim}
    assert World().call("GET", "/v1/customers/c1", claims=given).status == 403


def test_claims_of_another_issuer_are_refused() -> None:
    given = claims("agent") | {"iss": "https://elsewhere.example.com"}
    assert World().call("GET", "/v1/customers/c1", claims=given).status == 401


@pytest.mark.parametrize("key", ["", "wrong", API_KEY + " ", API_KEY[:-1], "é", "\ud800"])
def test_a_wrong_key_is_refused(key: str) -> None:
    response = World().call("GET", "/v1/customers/c1", headers={"x-api-key": key})
    assert response.status == 401
    assert response.content_type == "application/problem+json"
    assert json.loads(response.body)["status"] == 401


def test_only_admin_may_assert_that_something_is_proven() -> None:
    world = World()
    item = {
        "source_id": "1",
        "channel": "shop",
        "type": "customer.identified",
        "contact_point": {"kind": "email", "value": "joao@example.com", "level": "proven"},
    }
    refused = world.call("POST", "/v1/interactions", item, claims=claims("agent"))
    assert refused.status == 400
    assert "may not assert proven" in json.loads(refused.body)["rejected"][0]["reason"]
    assert world.queue.sent == []
    assert world.call("POST", "/v1/interactions", item, claims=claims("admin")).status == 202
