"""The pages' function, on AWS as moto has it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest

from enlace.domain.link_tokens import Link, LinkTokens
from tests.aws.test_sender_functions import ROOT, aws, load, sample

__all__ = ["aws"]

SECRET = b"a key of links that is 32 bytes."
TOKENS = LinkTokens({"1": SECRET}, "1")
KEY = "email#AAAAAAAAAAAAAAAAAAAAAA"
LINK = Link("unsubscribe", "email", KEY, "marketing", "email", "m-1", "pt-BR")
CONTEXT = SimpleNamespace(aws_request_id="r-1")


@pytest.fixture
def world(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    secrets = botocore.session.get_session().create_client(
        "secretsmanager", region_name="us-east-1"
    )
    value = {"version": "1", "keys": {"1": base64.b64encode(SECRET).decode()}}
    secrets.create_secret(Name="links", SecretString=json.dumps(value))
    monkeypatch.setenv("LINK_SECRET_ID", "links")
    monkeypatch.setenv("BUS_NAME", "enlace")
    monkeypatch.setenv("CONSENT_TABLE", "consent")
    return aws


def ask(app: Any, method: str, page: str, token: str, body: str = "") -> dict[str, Any]:
    event = sample("web_preferences")
    event["routeKey"] = f"{method} /{page}/{{token}}"
    event["requestContext"]["http"]["method"] = method
    event["pathParameters"] = {"token": token}
    event["headers"]["content-type"] = "application/x-www-form-urlencoded"
    event["body"] = base64.b64encode(body.encode()).decode()
    event["isBase64Encoded"] = True
    answer: dict[str, Any] = app.handler(event, CONTEXT)
    return answer


def items(dynamodb: Any) -> list[Any]:
    return sorted(dynamodb.scan(TableName="consent")["Items"], key=str)


def test_one_click_is_one_withdrawal_and_its_page_is_safe(
    world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    app, token = load("web_preferences"), TOKENS.mint(LINK)

    shown = ask(app, "GET", "unsubscribe", token)
    assert shown["statusCode"] == 200
    assert items(world) == []
    first = ask(app, "POST", "unsubscribe", token, "List-Unsubscribe=One-Click")
    after = items(world)
    again = ask(app, "POST", "unsubscribe", token, "List-Unsubscribe=One-Click")

    assert (first["statusCode"], again["statusCode"]) == (200, 200)
    assert items(world) == after
    (ledger,) = [item for item in after if item["sk"]["S"].startswith("ledger#")]
    assert json.loads(ledger["body"]["S"])["state"] == "withdrawn"
    for answer in (shown, first):
        headers = answer["headers"]
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-robots-tag"].startswith("noindex")
        assert "set-cookie" not in headers
    logged = capsys.readouterr().out
    assert "POST /unsubscribe/{token}" in logged
    assert token not in logged and KEY not in logged


def test_a_forged_link_is_a_page_and_nothing_is_written(world: Any) -> None:
    app = load("web_preferences")

    answer = ask(app, "POST", "unsubscribe", TOKENS.mint(LINK)[:-2], "List-Unsubscribe=One-Click")

    assert answer["statusCode"] == 404
    assert "<h1>" in answer["body"]
    assert items(world) == []


def test_without_its_secret_a_person_is_asked_to_come_again(
    world: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LINK_SECRET_ID", "another")
    token = TOKENS.mint(LINK)

    answer = ask(load("web_preferences"), "GET", "unsubscribe", token)

    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "2"
    assert token not in capsys.readouterr().out


def test_a_defect_shows_neither_itself_nor_the_link(
    world: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app, token = load("web_preferences"), TOKENS.mint(LINK)
    monkeypatch.delenv("CONSENT_TABLE")

    answer = ask(app, "GET", "unsubscribe", token)

    assert answer["statusCode"] == 503
    logged = capsys.readouterr().out
    assert "a defect" in logged
    assert token not in logged


def test_the_function_needs_no_vendor_layer() -> None:
    heavy = ("pydantic", "phonenumbers", "jinja2", "aws_lambda_powertools", "stdnum", "boto3")
    path = str(ROOT / "functions/web_preferences/app.py")
    code = (
        "import sys, importlib.util as u\n"
        f"s = u.spec_from_file_location('app', {path!r})\n"
        "m = u.module_from_spec(s); s.loader.exec_module(m)\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "layers/enlace/python"),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
