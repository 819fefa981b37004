"""A mail and an SMS to send, and the calls by which senders do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from enlace.aws.provider_calls import ProviderCalls
from enlace.domain.outgoing import Content, Outgoing

MAIL = Outgoing(
    message_id="0b7c7a0e-5a5e-5c3e-9d5c-3d1f9b0c6a52",
    kind="email",
    address="joao@example.com",
    purpose="transactional",
    template="protocol_opened",
    language="pt-BR",
    content=Content(
        {
            "subject": "Recebemos sua reclamação",
            "text": "Olá",
            "html": "<p>Olá</p>",
            "sms": "Recebemos",
        }
    ),
)


def sms(address: str = "+5511987654321") -> Outgoing:
    return replace(MAIL, kind="phone", address=address)


def calls(client: Any, name: str = "ses") -> ProviderCalls:
    return ProviderCalls(client, name, sleep=lambda seconds: None)
