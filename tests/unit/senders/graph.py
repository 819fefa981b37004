"""Meta's Graph API as far as sending goes, a sender on it, and messages for it.

The shapes that requests are held against are facts of Meta's OpenAPI description of the
API (github.com/facebook/openapi, business-messaging-api_v23.0.yaml, MIT, schemas
BaseMessageProperties, TextMessage, TemplateMessage, TemplateObject, LanguageObject);
``recipient`` and ``biz_opaque_callback_data`` are newer than it, and are taken from pywa.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema

from enlace.domain.interaction import utc_text
from enlace.domain.outgoing import Content, Outgoing
from enlace.senders.http_json import JsonHttp, bearer
from enlace.senders.whatsapp import WhatsApp
from tests.unit.senders.hubspot_fake import Response

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NUMBER_ID = "106540352242922"
TEMPLATE_PART = "name: order_confirmation\nbody: A-1001\nbody: R$ 10,00"
MESSAGE = Outgoing(
    message_id="96ecc061-b194-5118-ada9-a9e200efc015",
    kind="phone",
    address="+5511987650001",
    purpose="transactional",
    template="order_confirmation",
    language="pt-BR",
    content=Content({"text": "Recebemos o pedido A-1001.", "whatsapp": TEMPLATE_PART}),
)
IN_WINDOW = replace(MESSAGE, last_inbound_at=utc_text(NOW - timedelta(hours=2)))

REQUEST_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["messaging_product", "recipient_type", "type"],
    "oneOf": [{"required": ["to"]}, {"required": ["recipient"]}],
    "additionalProperties": False,
    "properties": {
        "messaging_product": {"const": "whatsapp"},
        "recipient_type": {"enum": ["individual", "group"]},
        "to": {"type": "string"},
        "recipient": {"type": "string"},
        "type": {"enum": ["text", "template"]},
        "biz_opaque_callback_data": {"type": "string", "maxLength": 512},
        "text": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"body": {"type": "string"}, "preview_url": {"type": "boolean"}},
        },
        "template": {
            "type": "object",
            "required": ["name", "language"],
            "properties": {
                "name": {"type": "string"},
                "language": {
                    "type": "object",
                    "required": ["policy", "code"],
                    "properties": {
                        "code": {"type": "string"},
                        "policy": {"const": "deterministic"},
                    },
                },
                "components": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["type", "parameters"],
                        "properties": {
                            "type": {"enum": ["header", "body", "button"]},
                            "parameters": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["type", "text"],
                                    "properties": {"type": {"const": "text"}},
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


class Graph:
    """Answers every request alike, and keeps what it was asked."""

    def __init__(self, status: int = 200, body: Any = None, failure: Exception | None = None):
        accepted = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": "+5511987650001", "wa_id": "5511987650001"}],
            "messages": [{"id": "wamid.SAMPLE"}],
        }
        self.status = status
        self.body = json.dumps(accepted if body is None else body).encode()
        self.failure = failure
        self.requests: list[tuple[str, str, Any, dict[str, str]]] = []

    def request(
        self, method: str, url: str, *, body: bytes, headers: Any, redirect: bool
    ) -> Response:
        self.requests.append((method, url, json.loads(body), dict(headers)))
        if self.failure is not None:
            raise self.failure
        return Response(self.status, self.body, {})

    @property
    def sent(self) -> dict[str, Any]:
        ((_, _, body, _),) = self.requests
        jsonschema.Draft202012Validator(REQUEST_SCHEMA).validate(body)
        return dict(body)


def provider(graph: Any, number_id: str = NUMBER_ID) -> WhatsApp:
    http = JsonHttp(
        "whatsapp",
        "https://graph.example/v26.0",
        bearer(lambda: "token"),
        pool=graph,
        sleep=lambda seconds: None,
    )
    return WhatsApp(http, number_id, now=lambda: NOW)
