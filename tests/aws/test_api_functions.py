"""The API's functions as Lambda calls them, on DynamoDB, SQS, EventBridge as moto has them."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.case_table import CaseTable
from enlace.aws.history import Threads
from enlace.aws.store import DynamoStore
from enlace.domain.address_key import AddressKeys
from enlace.domain.interaction import Interaction
from enlace.errors import TemporaryFailure
from enlace.rules import default_rules
from enlace.usecases.resolve import Resolver
from tests.aws.test_candidate_table import make_table
from tests.stores.builders import interaction, order

ROOT = Path(__file__).parents[2]
API_KEY = "the key of the laptop stack"
SECRET = b"an address key of 32 bytes......"
PHONE, EMAIL = ("phone", "+5511987650001"), ("email", "joao.silva@example.com")
CONTEXT = SimpleNamespace(
    function_name="api",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:api",
    aws_request_id="request-1",
)


def make_client(service: str) -> Any:
    return botocore.session.get_session().create_client(service, region_name="us-east-1")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "IDENTITY_TABLE": "identity",
        "TIMELINE_TABLE": "timeline",
        "CASE_TABLE": "case",
        "CANDIDATE_TABLE": "candidate",
        "CONSENT_TABLE": "consent",
        "BUS_NAME": "enlace",
        "ADDRESS_KEY_SECRET_ID": "address-key",
        "API_KEY_SECRET_ID": "api-key",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        for name, keys in (
            ("identity", ["pk"]),
            ("timeline", ["pk", "sk"]),
            ("case", ["pk", "sk"]),
            ("consent", ["pk", "sk"]),
        ):
            make_client("dynamodb").create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            )
        make_table(make_client("dynamodb"), "candidate")
        queue = make_client("sqs").create_queue(QueueName="interactions")["QueueUrl"]
        monkeypatch.setenv("INTERACTIONS_QUEUE_URL", queue)
        make_client("events").create_event_bus(Name="enlace")
        secrets = make_client("secretsmanager")
        key = {"version": "1", "keys": {"1": base64.b64encode(SECRET).decode()}}
        secrets.create_secret(Name="address-key", SecretString=json.dumps(key))
        secrets.create_secret(Name="api-key", SecretString=json.dumps({"api_key": API_KEY}))
        yield


def load(name: str) -> Any:
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"app_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / f"events/functions/{name}.json").read_text("utf-8"))
    event["headers"]["x-api-key"] = API_KEY
    return event


def event(method: str, template: str, body: Any = None, **parameters: str) -> dict[str, Any]:
    made = sample("api_customers")
    made["routeKey"] = f"{method} {template}"
    made["rawPath"] = template.format(**parameters)
    made["requestContext"]["http"] = {"method": method, "path": made["rawPath"]}
    made["pathParameters"] = parameters
    made["body"] = None if body is None else json.dumps(body)
    return made


def record(*interactions: Interaction) -> None:
    store = DynamoStore(make_client("dynamodb"), "identity", "timeline")
    resolver = Resolver(
        store,
        AddressKeys(SECRET),
        default_rules(),
        today=lambda: "2026-11-22",
        sleep=lambda seconds: None,
    )
    for made in interactions:
        resolver.resolve(made)


def answer(function: Any, request: dict[str, Any], status: int = 200) -> Any:
    response = function.handler(request, CONTEXT)
    assert response["statusCode"] == status, response["body"]
    assert response["headers"]["cache-control"] == "no-store"
    return json.loads(response["body"])


@pytest.mark.usefixtures("aws")
def test_the_sample_interaction_reaches_the_queue() -> None:
    accepted = answer(load("api_interactions"), sample("api_interactions"), 202)
    assert accepted["accepted"] == 1
    sqs = make_client("sqs")
    url = sqs.get_queue_url(QueueName="interactions")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["id"] == accepted["ids"][0]


@pytest.mark.usefixtures("aws")
def test_everything_that_is_asked_about_a_customer_is_answered_from_the_tables() -> None:
    complaint = interaction("1", PHONE, EMAIL, type_="complaint.opened", traits={"name": "João"})
    record(complaint, order("o1", EMAIL, 1990, at="2026-11-21T12:00:00.000Z"))
    case = CaseTable(make_client("dynamodb"), "case").open(
        contact_key=AddressKeys(SECRET).key(*PHONE),
        contact_kind="phone",
        interaction_id=complaint.id,
        customer_id="c",
        nature="complaint",
        opened_at=str(complaint.occurred_at),
    )
    function = load("api_customers")
    view = answer(function, sample("api_customers"))
    assert {i["value"] for i in view["identifiers"]} == {PHONE[1], EMAIL[1]}
    assert view["purchases"]["value"] == [{"currency": "BRL", "orders": 1, "amount": 1990}]
    assert [p["protocol"] for p in view["open_protocols"]] == [case.protocol]
    id_ = view["customer_id"]
    assert answer(function, event("GET", "/v1/customers/{id}", id=id_)) == view

    page = event("GET", "/v1/customers/{id}/timeline", id=id_) | {"rawQueryString": "limit=1"}
    items = answer(function, page)
    assert items["items"][0]["contact_point"]["value"] == EMAIL[1]
    page["rawQueryString"] += f"&cursor={items['next_cursor']}"
    assert answer(function, page)["items"][0]["id"] == complaint.id

    told = answer(function, event("GET", "/v1/customers/{id}/context", id=id_))
    assert told["last_purchase"]["order_id"] == "o1"
    body = {"contact_point": {"kind": "phone", "value": PHONE[1]}, "audience": "customer"}
    told = answer(function, event("POST", "/v1/context", body))
    assert [p["protocol"] for p in told["open_protocols"]] == [case.protocol]
    assert told["purchases"]["orders"] == 0
    assert EMAIL[1] not in json.dumps(told)

    body = {"a": body["contact_point"], "b": {"kind": "email", "value": EMAIL[1]}}
    why = answer(function, event("POST", "/v1/customers/{id}/explain", body, id=id_))
    assert why["path"][0]["sources"][0]["event_id"] == complaint.id
    assert answer(function, event("GET", "/v1/openapi.json"))["info"]["title"] == "Enlace"


@pytest.mark.usefixtures("aws")
def test_a_case_is_shown_and_handed_over() -> None:
    complaint = interaction("1", PHONE, type_="complaint.opened", data={"text": "Sem sinal"})
    record(complaint)
    case = CaseTable(make_client("dynamodb"), "case").open(
        contact_key=AddressKeys(SECRET).key(*PHONE),
        contact_kind="phone",
        interaction_id=complaint.id,
        customer_id="c",
        nature="complaint",
        opened_at=str(complaint.occurred_at),
    )
    function = load("api_cases")
    number = {"protocol": case.protocol}
    shown = answer(function, event("GET", "/v1/cases/{protocol}", **number))
    assert [item["interaction"]["data"]["text"] for item in shown["items"]] == ["Sem sinal"]
    for route in ("assign", "transfer"):
        asked = event("POST", f"/v1/cases/{{protocol}}/{route}", {"to": route}, **number)
        assert answer(function, asked)["assignee"] == route
    closing = event("POST", "/v1/cases/{protocol}/close", {}, **number)
    assert answer(function, closing)["state"] == "closed"
    reopening = event("POST", "/v1/cases/{protocol}/reopen", **number)
    assert answer(function, reopening)["state"] == "open"
    answer(function, sample("api_cases"), 404)


@pytest.mark.usefixtures("aws")
def test_a_decision_and_its_withdrawal() -> None:
    record(interaction("1", PHONE), interaction("2", EMAIL))
    function = load("api_conciliations")
    made = answer(function, sample("api_conciliations"), 201)
    assert len(made["customers"]) == 1
    withdraw = event("DELETE", "/v1/conciliations/{id}", id=made["conciliation_id"])
    assert len(answer(function, withdraw)["customers"]) == 2
    assert len(answer(load("api_customers"), sample("api_customers"))["identifiers"]) == 1


@pytest.mark.usefixtures("aws")
def test_a_preview_changes_nothing_and_a_decision_is_shown() -> None:
    record(interaction("1", PHONE), interaction("2", EMAIL))
    asked = sample("api_conciliations")
    asked["routeKey"] = "POST /v1/conciliations/preview"
    told = answer(load("api_customers"), asked)
    assert (told["changes"], len(told["before"]), len(told["after"])) == (True, 2, 1)
    assert told["touches"]["interactions"] == {"count": 2, "at_least": False}

    function = load("api_conciliations")
    made = answer(function, sample("api_conciliations"), 201)
    id_ = made["conciliation_id"]
    shown = answer(function, event("GET", "/v1/conciliations/{id}", id=id_))
    assert (shown["state"], shown["customers"]) == ("in_force", made["customers"])
    listed = event("GET", "/v1/conciliations") | {"rawQueryString": "state=pending_approval"}
    assert answer(function, listed) == {"items": [], "next_cursor": None}
    candidates = event("GET", "/v1/conciliations/candidates") | {"rawQueryString": ""}
    assert answer(function, candidates)["items"] == []
    # It waits for nobody: the rules that ship ask for no second approver.
    answer(function, event("POST", "/v1/conciliations/{id}/approve", id=id_), 409)

    body = json.loads(asked["body"])
    (owner,) = made["customers"]
    pair = {"a": body["a"], "b": body["b"]}
    why = event("POST", "/v1/customers/{id}/explain", pair, id=owner)
    (step,) = answer(load("api_customers"), why)["path"]
    assert [one["reason"] for one in step["decisions"]] == [body["reason"]]


@pytest.mark.usefixtures("aws")
def test_a_wrong_key_and_a_token_without_a_role() -> None:
    function = load("api_customers")
    refused = sample("api_customers")
    refused["headers"]["x-api-key"] = "another key of some length"
    response = function.handler(refused, CONTEXT)
    assert response["statusCode"] == 401
    assert response["headers"]["www-authenticate"] == "Bearer"
    del refused["headers"]["x-api-key"]
    refused["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": "1"}, "scopes": None}}
    answer(function, refused, 403)
    refused["requestContext"]["authorizer"]["jwt"]["claims"]["cognito:groups"] = "[agent]"
    answer(function, refused, 404)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "change",
    [
        {"isBase64Encoded": True, "body": "not base64!"},
        {"isBase64Encoded": True, "body": "//79"},
        {"body": None},
        {"body": "\ud800"},
        {"routeKey": "$default"},
        {"routeKey": "POST /v1/unknown"},
    ],
)
def test_an_odd_event_is_a_problem_and_no_error(change: dict[str, Any]) -> None:
    response = load("api_customers").handler(sample("api_customers") | change, CONTEXT)
    assert response["statusCode"] in (400, 404)
    assert response["headers"]["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("aws")
def test_logs_hold_no_value_of_anybody() -> None:
    record(interaction("1", PHONE, EMAIL))
    function = load("api_customers")
    stream = io.StringIO()
    for handler in function.logger.handlers:
        handler.setStream(stream)
    answer(function, sample("api_customers"))
    out = stream.getvalue()
    assert "POST /v1/customers/lookup" in out
    assert "request-1" in out
    assert [value for value in (PHONE[1], "joao") if value in out] == []


def test_threads_give_results_in_order_and_the_first_failure() -> None:
    threads = Threads()
    assert threads([lambda n=n: n * n for n in range(40)]) == [n * n for n in range(40)]

    def fail() -> None:
        raise TemporaryFailure("no answer")

    with pytest.raises(TemporaryFailure):
        threads([lambda: 1, fail])


@pytest.mark.parametrize(
    "name", ["api_interactions", "api_customers", "api_conciliations", "api_cases"]
)
def test_a_function_does_not_load_what_it_hardly_needs(name: str) -> None:
    script = (
        "import sys, runpy; runpy.run_path(sys.argv[1]);"
        "print([m for m in ('pydantic', 'boto3', 'phonenumbers', 'enlace.api.models',"
        " 'aws_lambda_powertools.event_handler') if m in sys.modules])"
    )
    environment = {
        "PATH": "",
        "PYTHONPATH": str(ROOT / "layers/enlace/python"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "INTERACTIONS_QUEUE_URL": "https://sqs.invalid/queue",
    }
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "functions" / name / "app.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.strip() == "[]", done.stderr
