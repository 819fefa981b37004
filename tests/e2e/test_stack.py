"""The stack as ``make up`` leaves it: complete, closed to strangers, and at work."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from local import stack as local_stack

WAIT_SECONDS = 60.0
CHANNELS = {"whatsapp", "messenger", "instagram", "x", "twilio", "segment", "generic"}


def call(
    stack: dict[str, Any],
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """Status and body of a request to the stack's API."""
    request = urllib.request.Request(
        stack["api_url"] + path, data=body, method=method, headers=headers or {}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def eventually(found: Callable[[], Any]) -> Any:
    """What ``found`` gives, as soon as it gives something.

    Raises
    ------
    AssertionError
        When it gave nothing for a minute.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.25)
    raise AssertionError(f"nothing within {WAIT_SECONDS:.0f} s")


def signed(stack: dict[str, Any], body: bytes) -> dict[str, str]:
    """Headers of Standard Webhooks."""
    key = base64.b64decode(stack["webhook_secrets"]["generic"]["secret"].removeprefix("whsec_"))
    message_id, moment = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    digest = hmac.new(key, f"{message_id}.{moment}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def test_the_file_holds_what_a_client_needs(stack: dict[str, Any]) -> None:
    assert {
        "api_url",
        "endpoint_url",
        "region",
        "api_key",
        "webhook_secrets",
        "table_names",
        "bus_name",
        "queue_urls",
    } <= set(stack)
    assert set(stack["webhook_secrets"]) == CHANNELS
    assert stack["webhook_secrets"]["twilio"]["public_url"] == stack["api_url"]


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/whatsapp",
        "/webhooks/messenger",
        "/webhooks/instagram",
        "/webhooks/x",
        "/webhooks/twilio/sms",
        "/webhooks/twilio/voice",
        "/webhooks/generic/shop",
        "/v1/track",
        "/v1/interactions",
        "/v1/customers/lookup",
        "/v1/conciliations",
    ],
)
def test_strangers_are_refused(stack: dict[str, Any], path: str) -> None:
    status, body = call(stack, "POST", path, b"{}", {"content-type": "application/json"})

    assert status == 401, body


def test_a_wrong_key_is_refused(stack: dict[str, Any]) -> None:
    status, _ = call(stack, "GET", "/v1/customers/nobody", headers={"x-api-key": "wrong" * 8})

    assert status == 401


def test_the_api_describes_itself(stack: dict[str, Any]) -> None:
    status, body = call(stack, "GET", "/v1/openapi.json")

    assert status == 200
    assert "/v1/customers/lookup" in json.loads(body)["paths"]


def test_a_signed_contact_becomes_a_customer_in_the_crm_and_is_answered(
    stack: dict[str, Any],
) -> None:
    number = f"+55119{uuid.uuid4().int % 10**8:08d}"
    body = json.dumps(
        {
            "source_id": uuid.uuid4().hex,
            "channel": "shop",
            "account": "paulista",
            "type": "complaint.opened",
            "direction": "inbound",
            "occurred_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "contact_point": {"kind": "phone", "value": number, "level": "proven"},
            "identifiers": [],
            "traits": {"name": "João da Silva"},
            "data": {"text": "A operadora não responde."},
        }
    ).encode()

    status, _ = call(stack, "POST", "/webhooks/generic/shop", body, signed(stack, body))
    assert status in {200, 202}

    def customer() -> Any:
        status, answer = call(
            stack,
            "POST",
            "/v1/customers/lookup",
            json.dumps({"kind": "phone", "value": number}).encode(),
            {"content-type": "application/json", "x-api-key": stack["api_key"]},
        )
        return json.loads(answer) if status == 200 else None

    def contact() -> Any:
        with urllib.request.urlopen(f"{stack['crm_url']}/_sink/contacts") as response:
            contacts = json.load(response)["items"]
        return [item for item in contacts if item["properties"].get("phone") == number]

    def answer() -> Any:
        return [sms for sms in local_stack.sent_sms() if sms["PhoneNumber"] == number]

    found = eventually(customer)
    (in_crm,) = eventually(contact)
    (message,) = eventually(answer)

    assert in_crm["properties"]["enlace_customer_id"] == found["customer_id"]
    assert "Protocolo" in message["Message"]
    assert all(not local_stack.queued(name) for name in stack["queue_urls"] if name.endswith("dlq"))


def test_only_the_loopback_interface_is_listened_on(stack: dict[str, Any]) -> None:
    assert stack["endpoint_url"].startswith("http://127.0.0.1:")
    assert stack["crm_url"].startswith("http://127.0.0.1:")
