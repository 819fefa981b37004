"""From a recorded consent to the sender that asks for it, on AWS as moto has it."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from enlace.aws.identity_table import item_of
from enlace.domain.address_key import AddressKeys
from enlace.domain.records import IdentifierRecord, Pointer
from tests.aws.test_sender_functions import aws, load, sample

__all__ = ["aws"]

SECRET = b"an address key of 32 bytes......"
KEY = AddressKeys(SECRET).key("email", "joao@example.com")
CONTEXT = SimpleNamespace(
    function_name="api_consents",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:api_consents",
    aws_request_id="r-1",
    get_remaining_time_in_millis=lambda: 60_000,
)


@pytest.fixture
def world(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    secrets = botocore.session.get_session().create_client(
        "secretsmanager", region_name="us-east-1"
    )
    key = {"version": "1", "keys": {"1": base64.b64encode(SECRET).decode()}}
    secrets.create_secret(Name="address-key", SecretString=json.dumps(key))
    secrets.create_secret(Name="api-key", SecretString='{"api_key": "the key of the laptop stack"}')
    monkeypatch.setenv("ADDRESS_KEY_SECRET_ID", "address-key")
    secrets.create_secret(Name="links", SecretString=json.dumps(key))
    monkeypatch.setenv("LINK_SECRET_ID", "links")
    monkeypatch.setenv("PUBLIC_URL", "https://hub.example.com")
    monkeypatch.setenv("API_KEY_SECRET_ID", "api-key")
    pointer = Pointer("2026-11-20T12:00:00.000Z", "c-1")
    record = IdentifierRecord(
        KEY, "email", "joao@example.com", "joao@example.com", "c-1", "i", pointer
    )
    aws.put_item(TableName="identity", Item=item_of(record))
    return aws


def ask(path: str, status: int = 201, **change: Any) -> dict[str, Any]:
    event = sample("api_consents")
    event["headers"]["x-api-key"] = "the key of the laptop stack"
    event["routeKey"] = f"POST {path}"
    event["body"] = json.dumps({**json.loads(event["body"]), **change})
    answer = load("api_consents").handler(event, CONTEXT)
    assert answer["statusCode"] == status, answer["body"]
    return json.loads(answer["body"])


def send_newsletter(message_id: str) -> None:
    record = sample("send_email")["Records"][0]
    event = json.loads(record["body"])
    event["detail"]["metadata"]["id"] = message_id
    event["detail"]["data"] |= {
        "message_id": message_id,
        "purpose": "marketing",
        "template": "newsletter",
        "contact_point": {"kind": "email", "key": KEY},
        "expires_at": "2099-01-01T00:00:00.000Z",
        "data": {"headline": "a", "text": "b", "unsubscribe_url": "https://example.com/u"},
    }
    record["body"] = json.dumps(event)
    assert load("send_email").handler({"Records": [record]}, CONTEXT) == {"batchItemFailures": []}


def test_marketing_goes_out_while_the_subject_says_yes_and_not_a_message_longer(
    world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def sent() -> int:
        return len(ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sent_messages)

    send_newsletter("00000000-0000-4000-8000-000000000001")
    assert sent() == 0
    assert ask("/v1/consents")["state"] == "granted"
    send_newsletter("00000000-0000-4000-8000-000000000002")
    assert sent() == 1
    assert ask("/v1/consents", state="withdrawn")["step"] == 4
    send_newsletter("00000000-0000-4000-8000-000000000003")
    # Nor does a campaign tool's list change that.
    assert ask("/v1/consents", actor="import")["conflict"] is True
    send_newsletter("00000000-0000-4000-8000-000000000004")
    assert sent() == 1
    (item,) = ask("/v1/consents/lookup", 200)["items"]
    assert (item["state"], item["step"], item["record"]["state"]) == ("denied", 4, "withdrawn")
    assert "joao" not in capsys.readouterr().out
