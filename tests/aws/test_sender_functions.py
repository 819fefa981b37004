"""The functions as Lambda calls them: sample events, wiring, what they import."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from enlace.aws.consent_table import ConsentTable
from enlace.aws.identity_table import item_of, record_of
from enlace.domain.consent import ConsentPolicy, ConsentRecord
from enlace.domain.envelope import read_event
from enlace.domain.records import CustomerHint, IdentifierRecord, Pointer
from enlace.usecases.consents import Consents
from tests.aws.test_delivery_table import make_client
from tests.unit.test_bus_consumer import Context

ROOT = Path(__file__).parents[2]
SENDERS = sorted(path.parent.name for path in ROOT.glob("functions/send_*/app.py"))
AT = "2026-11-20T12:00:00.000Z"
NAMES = ("dispatch_message", "follow_customers", *SENDERS)
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "IDENTITY_TABLE": "identity",
    "TIMELINE_TABLE": "timeline",
    "CASE_TABLE": "case",
    "DELIVERY_TABLE": "delivery",
    "CONSENT_TABLE": "consent",
    "BUS_NAME": "enlace",
    "INTERACTIONS_QUEUE_URL": "",
    "EMAIL_FROM": "sac@example.com",
    "SMS_PROVIDER": "sns",
    "WHATSAPP_API_URL": "http://127.0.0.1:9",
    "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
    "WHATSAPP_SECRET_ID": "whatsapp",
    "CRM_PROVIDER": "webhook",
    "CRM_BASE_URL": "http://127.0.0.1:9",
    "CRM_SECRET_ID": "crm",
}


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / f"events/functions/{name}.json").read_text())
    return event


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(
        f"app_{name}", ROOT / "functions" / name / "app.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        dynamodb, sqs, events = make_client(), make_client("sqs"), make_client("events")
        for table in ("identity", "timeline", "case", "delivery", "consent"):
            keys = ["pk", "sk"] if table in ("timeline", "case", "consent") else ["pk"]
            dynamodb.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            )
        url = sqs.create_queue(QueueName="interactions")["QueueUrl"]
        monkeypatch.setenv("INTERACTIONS_QUEUE_URL", url)
        events.create_event_bus(Name="enlace")
        make_client("ses").verify_email_identity(EmailAddress="sac@example.com")
        yield dynamodb


def know(dynamodb: Any, name: str, value: str) -> None:
    """Store the identifier that the sample's first event names."""
    point = read_event(sample(name)["Records"][0]["body"]).data["contact_point"]
    pointer = Pointer("2026-11-20T12:00:00.000Z", "c-1")
    record = IdentifierRecord(point["key"], point["kind"], value, value, "c-1", "i", pointer)
    dynamodb.put_item(TableName="identity", Item=item_of(record))


def outcomes() -> list[dict[str, Any]]:
    sqs = make_client("sqs")
    url = sqs.get_queue_url(QueueName="interactions")["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_send_email(aws: Any, capsys: pytest.CaptureFixture[str]) -> None:
    know(aws, "send_email", "joao@example.com")
    app = load("send_email")
    for _ in range(2):
        assert app.handler(sample("send_email"), Context(60_000)) == {"batchItemFailures": []}
    (sent,) = ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sent_messages
    assert set(sent.destinations) == {"joao@example.com"}
    told = outcomes()
    assert {one["type"] for one in told} == {"message.sent"}
    assert len({one["id"] for one in told}) == 1
    assert "joao" not in capsys.readouterr().out


def test_send_sms(aws: Any, capsys: pytest.CaptureFixture[str]) -> None:
    know(aws, "send_sms", "+5511987654321")
    app = load("send_sms")
    for _ in range(2):
        assert app.handler(sample("send_sms"), Context(60_000)) == {"batchItemFailures": []}
    (sent,) = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sms_messages.values()
    assert sent[0] == "+5511987654321" and "20261120-1234-5678-9" in sent[1]
    assert "987654321" not in capsys.readouterr().out


def recorded(dynamodb: Any, name: str) -> None:
    """Store what the sample's ``interaction.recorded`` events speak of."""
    for record in sample(name)["Records"]:
        data = read_event(record["body"]).data
        point = data["contact_point"]
        body = {
            "id": data["interaction_id"],
            "channel": data["channel"],
            "type": data["type"],
            "direction": data["direction"],
            "contact_point": {"kind": point["kind"], "level": "proven"},
            "data": {"order_id": "A-1", "value": {"amount": 100, "currency": "BRL"}},
        }
        dynamodb.put_item(
            TableName="timeline",
            Item={
                "pk": {"S": point["key"]},
                "sk": {"S": data["timeline_key"]},
                "body": {"S": json.dumps(body)},
            },
        )
        pointer = Pointer("2026-11-20T12:00:00.000Z", "c-1")
        known = IdentifierRecord(point["key"], point["kind"], "value", "value", "c-1", "i", pointer)
        dynamodb.put_item(TableName="identity", Item=item_of(known))


def test_dispatch_message(aws: Any) -> None:
    recorded(aws, "dispatch_message")
    app = load("dispatch_message")
    for _ in range(2):
        assert app.handler(sample("dispatch_message"), Context(60_000)) == {"batchItemFailures": []}
    cases = [item for item in aws.scan(TableName="case")["Items"] if "state" in item]
    assert len(cases) == 2 and len({case["protocol"]["S"] for case in cases}) == 1
    assert len(aws.scan(TableName="delivery")["Items"]) == 2


def test_follow_customers(aws: Any) -> None:
    recorded(aws, "dispatch_message")
    load("dispatch_message").handler(sample("dispatch_message"), Context(60_000))
    app = load("follow_customers")
    for _ in range(2):
        assert app.handler(sample("follow_customers"), Context(60_000)) == {"batchItemFailures": []}
    opened = read_event(sample("follow_customers")["Records"][1]["body"]).data
    item = aws.get_item(TableName="identity", Key={"pk": {"S": opened["contact_point"]["key"]}})[
        "Item"
    ]
    assert record_of(item).hint == CustomerHint((opened["contact_point"]["key"],), open_case=True)


def test_send_crm_has_nothing_to_do_for_whom_was_erased(aws: Any) -> None:
    make_client("secretsmanager").create_secret(Name="crm", SecretString='{"secret": "whsec_YWI="}')
    know(aws, "send_crm", "+5511987654321")
    answer = load("send_crm").handler(sample("send_crm"), Context(60_000))
    # The interaction is not in the timeline any more; merge and split have nothing to follow.
    assert answer == {"batchItemFailures": []}
    made = [item["pk"]["S"] for item in aws.scan(TableName="delivery")["Items"]]
    assert not [pk for pk in made if pk.startswith("crm#")]


def test_send_crm_tells_nobody_of_who_is_not_known(aws: Any) -> None:
    make_client("secretsmanager").create_secret(Name="crm", SecretString='{"secret": "whsec_YWI="}')
    path = ROOT / "events/contracts/consent.changed/v1/1.0.example.json"
    told = json.loads(path.read_text("utf-8"))
    said = ConsentRecord("c", "marketing", "email", "withdrawn", "subject", AT, AT)
    store = ConsentTable(aws, "consent")
    Consents(store, policy=ConsentPolicy(), now=lambda: AT, sleep=time.sleep).record(
        told["detail"]["data"]["contact_point"]["key"], said
    )
    event = {"Records": [{"messageId": "m", "body": json.dumps(told)}]}
    assert load("send_crm").handler(event, Context(60_000)) == {"batchItemFailures": []}


HEAVY = ("boto3", "pydantic", "jinja2", "standardwebhooks", "requests", "moto")


@pytest.mark.parametrize("name", [*NAMES, "find_candidates", "api_conciliations"])
def test_nothing_heavy_is_imported(name: str) -> None:
    heavy = HEAVY if name == "find_candidates" else (*HEAVY, "rapidfuzz")
    path = ROOT / "functions" / name / "app.py"
    code = (
        "import runpy, sys, json\n"
        f"runpy.run_path({str(path)!r})\n"
        f"print(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT / "layers/enlace/python")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(result.stdout) == []
