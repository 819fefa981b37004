"""One example per event, made by the builders that producers use.

João writes by WhatsApp, is found to be the customer of an e-mail address, opens
a complaint and gets its protocol number. All ids and keys are invented.
"""

from __future__ import annotations

import json
from typing import Any

from enlace.domain import events
from enlace.domain.events import AddressRef, Cause, Entry
from enlace.domain.interaction import Interaction, parse_interaction
from enlace.domain.protocol import make_protocol

OCCURRED_AT = "2026-11-20T12:34:56.123Z"
RECORDED_AT = "2026-11-20T12:34:57.045Z"
JOAO = "c6fyo4ybzqlzrkqk2m7kq7n3eq2u5xq4d"
JOAO_BY_EMAIL = "cq3l2mzqf5s7uwy4xnv6rmb2a7kq5tq3e"
PHONE = AddressRef("phone", "phone#AAECAwQFBgcICQoLDA0ODw")
EMAIL = AddressRef("email", "email#EBESExQVFhcYGRobHB0eHw")
CPF = AddressRef("cpf", "cpf#ICEiIyQlJicoKSorLC0uLw")

INTERACTION: dict[str, Any] = {
    "id": "3e1d6d12-7d9c-5db6-8e12-2d5b8a9f6f01",
    "source_id": "wamid.EXAMPLE0001",
    "channel": "whatsapp",
    "account": "106540352242922",
    "type": "complaint.opened",
    "direction": "inbound",
    "occurred_at": OCCURRED_AT,
    "received_at": "2026-11-20T12:34:56.871Z",
    "contact_point": {"kind": "phone", "value": "+5511987654321", "level": "proven"},
    "identifiers": [{"kind": "email", "value": "joao@example.com", "level": "stated"}],
    "traits": {"name": "João da Silva"},
    "conversation": {"id": "thread-77"},
    "data": {"text": "A entrega não chegou.", "attachments": [], "nature": "complaint"},
}

PURCHASE: dict[str, Any] = {
    "order_id": "A-1001",
    "value": {"amount": 15990, "currency": "BRL"},
    "store": {"kind": "online", "id": "loja.example.com"},
    "items": [
        {
            "sku": "CAF-500",
            "name": "Café torrado 500 g",
            "category": "mercearia",
            "quantity": 3,
            "unit_price": 5330,
        }
    ],
}


def interaction() -> Interaction:
    """The interaction that João's story begins with."""
    return parse_interaction(INTERACTION, received_at=RECORDED_AT)


def _recorded() -> Entry:
    return events.interaction_recorded(
        interaction(),
        customer_id=JOAO,
        contact_point=PHONE,
        timeline_key=f"{OCCURRED_AT}#{INTERACTION['id']}",
        occurred_at=OCCURRED_AT,
        recorded_at=RECORDED_AT,
    )


def _created() -> Entry:
    return events.customer_created(
        customer_id=JOAO,
        identifier=PHONE,
        cause=Cause("interaction_id", INTERACTION["id"]),
        occurred_at=OCCURRED_AT,
        recorded_at=RECORDED_AT,
    )


def _merged() -> Entry:
    return events.customer_merged(
        customer_id=JOAO,
        merged=[JOAO_BY_EMAIL],
        cause=Cause("interaction_id", INTERACTION["id"]),
        evidence=[(PHONE.key, EMAIL.key, "stated")],
        identifiers={JOAO: [PHONE.key], JOAO_BY_EMAIL: [EMAIL.key, CPF.key]},
        occurred_at=OCCURRED_AT,
        recorded_at=RECORDED_AT,
    )


def _split() -> Entry:
    return events.customer_split(
        customer_id=JOAO,
        into=[(JOAO, [PHONE.key]), (JOAO_BY_EMAIL, [EMAIL.key, CPF.key])],
        cause=Cause("conciliation_id", "7b6bb1c2-53f0-4a40-9f0c-6f2b7f2f9d10"),
        occurred_at="2026-11-21T09:00:00.000Z",
        recorded_at="2026-11-21T09:00:00.000Z",
        source="enlace.api_conciliations",
    )


def _case() -> Entry:
    return events.case_opened(
        protocol=make_protocol(INTERACTION["id"], OCCURRED_AT),
        customer_id=JOAO,
        contact_point=PHONE,
        interaction_id=INTERACTION["id"],
        nature="complaint",
        occurred_at=OCCURRED_AT,
        recorded_at="2026-11-20T12:34:57.310Z",
        causation_id=_recorded().event_id,
    )


def _message() -> Entry:
    protocol = make_protocol(INTERACTION["id"], OCCURRED_AT)
    return events.send_message(
        message_id=events.message_id(INTERACTION["id"], "protocol_opened"),
        customer_id=JOAO,
        purpose="transactional",
        template="protocol_opened",
        language="pt-BR",
        channel="sms",
        contact_point=PHONE,
        data={"protocol": protocol, "interaction_id": INTERACTION["id"]},
        expires_at="2026-11-21T12:34:56.123Z",
        occurred_at=OCCURRED_AT,
        recorded_at="2026-11-20T12:34:57.310Z",
        correlation_id=INTERACTION["id"],
        causation_id=_recorded().event_id,
    )


#: Event name -> the builder of its example.
BUILDERS = {
    events.INTERACTION_RECORDED: _recorded,
    events.CUSTOMER_CREATED: _created,
    events.CUSTOMER_MERGED: _merged,
    events.CUSTOMER_SPLIT: _split,
    events.CASE_OPENED: _case,
    events.SEND_MESSAGE: _message,
}


def on_the_bus(entry: Entry) -> dict[str, Any]:
    """An entry as a rule delivers it: the JSON object that consumers get."""
    return {
        "version": "0",
        "id": "11111111-2222-4333-8444-555555555555",
        "detail-type": entry.detail_type,
        "source": entry.source,
        "account": "123456789012",
        "time": "2026-11-20T12:34:58Z",
        "region": "sa-east-1",
        "resources": [],
        "detail": json.loads(entry.detail),
    }
