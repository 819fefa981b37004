"""The function of templates as Lambda runs it, and a sender's read of what it saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.template_store import S3Templates
from enlace.usecases.message_templates import MessageTemplates
from tests.aws.test_sender_functions import load, sample

KEY = "the key of the laptop stack"
CONTEXT = SimpleNamespace(
    function_name="api_templates",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:api_templates",
    aws_request_id="r-1",
)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "API_KEY_SECRET_ID": "api-key",
        "TEMPLATES_BUCKET": "templates",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        session = botocore.session.get_session()
        secrets = session.create_client("secretsmanager", region_name="us-east-1")
        secrets.create_secret(Name="api-key", SecretString=json.dumps({"api_key": KEY}))
        made = session.create_client("s3", region_name="us-east-1")
        made.create_bucket(Bucket="templates")
        yield made


def ask(function: Any, route: str, body: Any = None, **change: Any) -> tuple[int, Any]:
    event = sample("api_templates")
    event["headers"]["x-api-key"] = KEY
    if route:
        event |= {"routeKey": route, "body": "" if body is None else json.dumps(body)}
    answer = function.handler(event | change, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def test_what_is_saved_is_what_a_sender_sends(s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    function = load("api_templates")
    status, saved = ask(function, "")
    assert (status, saved["active"]) == (200, True)
    reader = MessageTemplates(S3Templates(lambda: s3, "templates"))
    assert reader.current("order_shipped") == saved["version"]
    content = reader.render("order_shipped", "es", {"order_id": "PED-7"})
    assert content.sms == "O seu pedido PED-7 foi enviado."
    assert reader.purpose_of("order_shipped") == {"transactional"}
    status, page = ask(function, "GET /v1/templates")
    assert status == 200 and "order_shipped" in [item["id"] for item in page["items"]]
    status, made = ask(function, "POST /v1/templates/{id}/preview", {})
    assert (status, made["sms"]["segments"]) == (200, 1)
    status, _ = ask(function, "POST /v1/templates/{id}/activate", {"version": "v-1"})
    assert status == 404
    assert "PED" not in capsys.readouterr().out
