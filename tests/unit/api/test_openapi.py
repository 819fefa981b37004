"""The description of the API: generated, complete, and what the API does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from enlace.api import case_models, models
from enlace.api.openapi import openapi, page
from enlace.api.operations import OPERATIONS
from tests.stores.builders import CPFS, interaction, order
from tests.unit.api.world import API_KEY, World

PAGE = Path(__file__).parents[3] / "docs" / "openapi.json"
STARTED = ("phone", "+5511987654321"), ("email", "joao@example.com"), ("cpf", CPFS[0])


def test_the_generated_page_is_not_stale() -> None:
    stale = "stale; run python -m enlace.api.openapi"
    assert PAGE.read_text("utf-8") == page(), stale


def test_every_route_is_described_with_its_own_roles() -> None:
    routes = {route.key: route.roles for route in World().routes}
    assert {key: operation.roles for key, operation in OPERATIONS.items()} == routes


def _world() -> World:
    world = World()
    world.record(interaction("1", *STARTED, traits={"name": "João"}), order("o1", STARTED[1], 500))
    return world


WORLD = _world()
CUSTOMER = WORLD.customer(*STARTED[0]).id
CASE = WORLD.file(interaction("1", *STARTED)).protocol


def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
) -> Iterable[bytes]:
    """The API as WSGI, so that schemathesis drives it without a socket."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    query = environ.get("QUERY_STRING", "")
    # WSGI gives paths as Latin-1 and decoded, like API Gateway's path parameters.
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace").replace("?", "%3F")
    key = environ.get("HTTP_X_API_KEY")
    response = WORLD.call(
        environ["REQUEST_METHOD"],
        f"{path}?{query}",
        environ["wsgi.input"].read(length),
        headers={} if key is None else {"x-api-key": key},
    )
    status = f"{response.status} {HTTPStatus(response.status).phrase}"
    start_response(status, [("Content-Type", response.content_type)])
    return [response.body.encode()]


def _drivable() -> dict[str, Any]:
    """The document, with an example of an id that exists."""
    document = openapi()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "id" and "customers" in path:
                    parameter["schema"] = {"enum": [CUSTOMER, "cunknown", "é"]}
                if parameter["name"] == "protocol":
                    parameter["schema"] = {"enum": [CASE, CASE[::-1], "é"]}
    return document


schema = schemathesis.openapi.from_dict(_drivable())
schema.app = application


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_whatever_is_sent_is_answered_as_described(case: schemathesis.Case) -> None:
    response = case.call(headers={"x-api-key": API_KEY})
    assert response.status_code < 500
    case.validate_response(
        response,
        checks=[
            schemathesis.checks.not_a_server_error,
            schemathesis.checks.CHECKS.get_one("status_code_conformance"),
            schemathesis.checks.CHECKS.get_one("response_schema_conformance"),
            schemathesis.checks.CHECKS.get_one("content_type_conformance"),
        ],
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
IDENTIFIERS = st.fixed_dictionaries(
    {}, optional={"kind": st.sampled_from(["email", "X", "a:b", 7]) | JSON, "value": JSON}
)
TEXTS = st.sampled_from(["ana", " ", "x" * 129, None]) | st.text() | JSON
BODIES = {
    "POST /v1/customers/lookup": (models.IdentifierRequest, IDENTIFIERS),
    "POST /v1/context": (
        models.ContextRequest,
        st.fixed_dictionaries(
            {},
            optional={
                "contact_point": IDENTIFIERS | JSON,
                "audience": st.sampled_from(["agent", "customer"]) | JSON,
            },
        ),
    ),
    f"POST /v1/cases/{CASE}/transfer": (
        case_models.TransferRequest,
        st.fixed_dictionaries({}, optional=dict.fromkeys(("to", "channel", "reason"), TEXTS)),
    ),
    f"POST /v1/cases/{CASE}/close": (
        case_models.CaseReasonRequest,
        st.fixed_dictionaries({}, optional={"reason": TEXTS}),
    ),
    "POST /v1/conciliations": (
        models.ConciliationRequest,
        st.fixed_dictionaries(
            {"a": IDENTIFIERS, "b": IDENTIFIERS},
            optional={
                "decision": st.sampled_from(["same", "different"]) | JSON,
                "reason": st.text() | JSON,
                "verified": st.booleans() | JSON,
            },
        ),
    ),
}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_body_is_malformed_exactly_where_its_schema_says_so(data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(sorted(BODIES)))
    model, bodies = BODIES[route]
    body = data.draw(bodies | JSON)
    try:
        model.model_validate(body)
        valid = True
    except ValidationError:
        valid = False
    method, _, path = route.partition(" ")
    response = WORLD.call(method, path, body)
    # A decision about one identifier is well formed, and makes no sense.
    one = valid and route.endswith("conciliations") and "same identifier" in response.body
    assert (response.status != 400) == valid or one, response.body


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*OPERATIONS, "POST /v1/x"]), st.binary(max_size=200), st.text(max_size=40))
def test_no_bytes_make_a_server_error(route: str, body: bytes, query: str) -> None:
    method, _, path = route.partition(" ")
    path = path.replace("{id}", CUSTOMER if len(body) % 2 else "x").replace("{protocol}", CASE)
    response = WORLD.call(method, f"{path}?{query}", body)
    assert response.status < 500
    json.loads(response.body)
