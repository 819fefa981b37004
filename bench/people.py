"""Invented people and their traffic: the same for both pipelines, and the same in each run."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

ACCOUNT = "+551140028922"
TEXT = "Oi, meu pedido ainda nao chegou e o prazo era ontem. Podem ver o que houve, por favor?"
_START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def phone(number: int) -> str:
    """A valid Brazilian mobile number, E.164."""
    return f"+55119{70000000 + number:08d}"


def email(number: int) -> str:
    """An address at a reserved domain."""
    return f"cliente{number}@example.com"


def moment(number: int) -> str:
    """Contract time of the n-th event."""
    return f"{_START + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S}.000Z"


def interaction(
    person: int, event: int, *, also: tuple[tuple[str, str], ...] = (), text: str = TEXT
) -> dict[str, Any]:
    """A WhatsApp message of a person, in the contract's form.

    Parameters
    ----------
    person, event : int
        Which phone wrote, and which event it is; both choose all ids.
    also : tuple of (kind, value)
        Further identifiers, stated.
    """
    source = f"wamid.{person}.{event}"
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, source)),
        "source_id": source,
        "channel": "whatsapp",
        "account": ACCOUNT,
        "type": "message.received",
        "direction": "inbound",
        "occurred_at": moment(event),
        "received_at": moment(event + 1),
        "contact_point": {"kind": "phone", "value": phone(person), "level": "proven"},
        "identifiers": [{"kind": k, "value": v, "level": "stated"} for k, v in also],
        "traits": {"name": f"Cliente {person}"},
        "data": {"text": text},
    }


def queue_event(bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """Interactions as Lambda gets them from the queue."""
    return {"Records": [_record(json.dumps(body), n) for n, body in enumerate(bodies)]}


def _record(body: str, number: int) -> dict[str, Any]:
    return {
        "messageId": f"00000000-0000-4000-8000-{number:012d}",
        "receiptHandle": f"handle-{number}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1762074000000",
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1762074000001",
        },
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:interactions",
        "awsRegion": "us-east-1",
    }


def whatsapp_request(secret: dict[str, str], person: int, events: list[int]) -> dict[str, Any]:
    """A signed WhatsApp webhook call with one message per event number."""
    number = phone(person).removeprefix("+")
    messages = [
        {
            "from": number,
            "id": f"wamid.{person}.{event}",
            "timestamp": str(int((_START + timedelta(seconds=event)).timestamp())),
            "type": "text",
            "text": {"body": TEXT},
        }
        for event in events
    ]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": ACCOUNT.removeprefix("+"),
            "phone_number_id": "106540352242922",
        },
        "contacts": [{"profile": {"name": f"Cliente {person}"}, "wa_id": number}],
        "messages": messages,
    }
    body = json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [
                {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
            ],
        }
    )
    digest = hmac.new(secret["app_secret"].encode(), body.encode(), hashlib.sha256).hexdigest()
    return http_event("/webhooks/whatsapp", body, {"x-hub-signature-256": f"sha256={digest}"})


def generic_request(secret: dict[str, str], person: int, event: int) -> dict[str, Any]:
    """A signed call of the generic webhook (Standard Webhooks) with one interaction."""
    body = json.dumps(interaction(person, event))
    sent_at = str(int(datetime.now(UTC).timestamp()))
    message_id = f"msg_{person}_{event}"
    key = b64decode(secret["secret"].removeprefix("whsec_"))
    signed = f"{message_id}.{sent_at}.{body}".encode()
    signature = b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": f"v1,{signature}",
    }
    return http_event("/webhooks/generic/erp", body, headers, {"source": "erp"})


def http_event(
    path: str,
    body: str,
    headers: dict[str, str],
    path_parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A POST as Lambda gets it from an HTTP API (payload format 2.0)."""
    route = "POST /webhooks/generic/{source}" if path_parameters else f"POST {path}"
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "api.example.com", **headers},
        "pathParameters": path_parameters or {},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "bench",
            },
            "requestId": "request",
            "routeKey": route,
            "stage": "$default",
            "time": "02/Nov/2026:09:00:00 +0000",
            "timeEpoch": int(datetime.now(UTC).timestamp() * 1000),
        },
        "body": body,
        "isBase64Encoded": False,
    }
