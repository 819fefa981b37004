"""Examples of every event, made by the builders that producers use.

João writes by WhatsApp, is found to be the customer of an e-mail address, opens
a complaint and gets its protocol number. All ids and keys are invented.
"""

from __future__ import annotations

import json
from typing import Any

from enlace.domain import case_events, consent_events, erasure_events, events, message_events
from enlace.domain.envelope import AddressRef, Cause, Entry, event_id
from enlace.domain.interaction import parse_interaction
from enlace.domain.protocol import format_protocol, make_protocol

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


ORDER: dict[str, Any] = {
    "id": "a54b2f0e-6f0c-5f4e-9a0c-0f7c4be1f302",
    "source_id": "A-1001",
    "channel": "shop",
    "account": "loja.example.com",
    "type": "order.placed",
    "direction": "inbound",
    "occurred_at": OCCURRED_AT,
    "received_at": "2026-11-20T12:34:56.871Z",
    "contact_point": {"kind": "email", "value": "joao@example.com", "level": "proven"},
    "data": PURCHASE,
}

OUTCOME: dict[str, Any] = {
    "id": "c0e5a4b0-1b4e-5f0b-8f36-6a1f7d6f8b03",
    "source_id": "0064a8da-3ea0-50da-8a88-540bd17adc25:delivered",
    "channel": "sms",
    "account": "enlace",
    "type": "message.delivered",
    "direction": "outbound",
    "occurred_at": OCCURRED_AT,
    "received_at": "2026-11-20T12:34:56.871Z",
    "contact_point": {"kind": "phone", "value": "+5511987654321", "level": "stated"},
    "data": {
        "message_id": "0064a8da-3ea0-50da-8a88-540bd17adc25",
        "template": "protocol_opened",
        "purpose": "transactional",
        "provider": "eum",
        "provider_message_id": "example-1",
    },
}


STOP: dict[str, Any] = {
    "id": "5f0c1d1e-8a37-5b0e-9d53-0c8f3c1b6a04",
    "source_id": "SM00000000000000000000000000000001",
    "channel": "sms",
    "account": "+551140028922",
    "type": "message.received",
    "direction": "inbound",
    "occurred_at": OCCURRED_AT,
    "received_at": "2026-11-20T12:34:56.871Z",
    "contact_point": {"kind": "phone", "value": "+5511987654321", "level": "proven"},
    "data": {"text": "SAIR"},
}

BOUNCE: dict[str, Any] = {
    **OUTCOME,
    "id": "0c7f3f0a-2e5d-5a57-b8a5-2f8d5b1c7e05",
    "source_id": "0064a8da-3ea0-50da-8a88-540bd17adc25:bounced",
    "channel": "email",
    "type": "message.failed",
    "contact_point": {"kind": "email", "value": "joao@example.com", "level": "stated"},
    "data": {**OUTCOME["data"], "provider": "ses", "reason": "bounce", "bounce_type": "Permanent"},
}


def _recorded(
    body: dict[str, Any], contact_point: AddressRef, *, opt_out: str | None = None
) -> Entry:
    return events.interaction_recorded(
        parse_interaction(body, received_at=RECORDED_AT),
        customer_id=JOAO,
        contact_point=contact_point,
        timeline_key=f"{OCCURRED_AT}#{body['id']}",
        occurred_at=OCCURRED_AT,
        recorded_at=RECORDED_AT,
        opt_out=opt_out,
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


def _erased() -> Entry:
    return erasure_events.customer_erased(
        customer_id=JOAO,
        cause=Cause("request_id", "3a9d2b64-8f0e-4f0c-9d7c-52c1f0b7a6e1"),
        occurred_at="2026-11-21T09:10:00.000Z",
        recorded_at="2026-11-21T09:10:00.000Z",
    )


def _rules() -> Entry:
    return events.rules_activated(
        version="2027-01-1",
        previous_version="2026-11-2",
        activated_at=OCCURRED_AT,
        recorded_at=RECORDED_AT,
    )


def _described() -> Entry:
    return events.contact_point_described(
        customer_id=JOAO,
        contact_point=PHONE,
        cause=Cause("interaction_id", INTERACTION["id"]),
        occurred_at=OCCURRED_AT,
        recorded_at=RECORDED_AT,
    )


def _case() -> Entry:
    return case_events.case_opened(
        protocol=make_protocol(INTERACTION["id"], OCCURRED_AT),
        customer_id=JOAO,
        contact_point=PHONE,
        interaction_id=INTERACTION["id"],
        nature="complaint",
        occurred_at=OCCURRED_AT,
        recorded_at="2026-11-20T12:34:57.310Z",
        causation_id=event_id(events.INTERACTION_RECORDED, INTERACTION["id"]),
    )


def _case_changed(name: str, **more: str) -> Entry:
    change_id = "5b0c3f5e-8d0a-4a57-9a11-0d7f1c2b3a44"
    return case_events.case_changed(
        name,
        protocol=make_protocol(INTERACTION["id"], OCCURRED_AT),
        customer_id=JOAO,
        contact_point=PHONE,
        change_id=change_id,
        by="agent-7",
        occurred_at="2026-11-20T13:05:00.000Z",
        recorded_at="2026-11-20T13:05:00.120Z",
        causation_id=change_id,
        source="enlace.api_cases",
        **more,
    )


def _consent() -> Entry:
    return consent_events.consent_changed(
        consent_id="4c1b0c0e-6f0b-4a53-9a3e-0f6f5f3b7a10",
        contact_point=EMAIL,
        purpose="marketing",
        channel="email",
        said="withdrawn",
        actor="subject",
        allowed=False,
        occurred_at=OCCURRED_AT,
        recorded_at=RECORDED_AT,
        source="enlace.api_consents",
    )


def _message(
    cause: dict[str, Any],
    template: str,
    channel: str,
    contact_point: AddressRef,
    data: dict[str, Any],
) -> Entry:
    return message_events.send_message(
        message_id=message_events.message_id(cause["id"], template),
        customer_id=JOAO,
        purpose="transactional",
        template=template,
        language="pt-BR",
        channel=channel,
        contact_point=contact_point,
        data=data,
        expires_at="2026-11-21T12:34:56.123Z",
        occurred_at=OCCURRED_AT,
        recorded_at="2026-11-20T12:34:57.310Z",
        correlation_id=cause["id"],
        causation_id=event_id(events.INTERACTION_RECORDED, cause["id"]),
    )


#: A message that a system of the company asks for.
ASKED_MESSAGE = "5f0f4a55-0c1b-5a57-8f5e-0f3c5c9d7a10"


def _asked(purpose: str, cause: str = message_events.ASKED, attempt: int = 0) -> Entry:
    return message_events.dispatch_message(
        message_id=ASKED_MESSAGE,
        purpose=purpose,
        cause=cause,
        attempt=attempt,
        source="enlace.api_messages",
        at=RECORDED_AT,
    )


_OPENED = format_protocol(make_protocol(INTERACTION["id"], OCCURRED_AT))
_CONFIRMED = {"order_id": "A-1001", "amount_minor": 15990, "currency": "BRL"}

#: Event name -> its examples; the first one is for the page.
ENTRIES: dict[str, tuple[Entry, ...]] = {
    events.INTERACTION_RECORDED: (
        _recorded(INTERACTION, PHONE),
        _recorded(ORDER, EMAIL),
        _recorded(OUTCOME, PHONE),
        _recorded(STOP, PHONE, opt_out="stop"),
        _recorded(BOUNCE, EMAIL),
    ),
    events.CUSTOMER_CREATED: (_created(),),
    events.CUSTOMER_MERGED: (_merged(),),
    events.CUSTOMER_SPLIT: (_split(),),
    erasure_events.CUSTOMER_ERASED: (_erased(),),
    events.CONTACT_POINT_DESCRIBED: (_described(),),
    events.RULES_ACTIVATED: (_rules(),),
    events.CASE_OPENED: (_case(),),
    events.CASE_ASSIGNED: (_case_changed(events.CASE_ASSIGNED, to="agent-12"),),
    events.CASE_TRANSFERRED: (
        _case_changed(events.CASE_TRANSFERRED, to="redes", channel="telefone"),
    ),
    events.CASE_CLOSED: (_case_changed(events.CASE_CLOSED),),
    events.CASE_REOPENED: (_case_changed(events.CASE_REOPENED),),
    consent_events.CONSENT_CHANGED: (_consent(),),
    message_events.DISPATCH_MESSAGE: (
        _asked("transactional"),
        _asked("marketing"),
        _asked("transactional", message_events.UNREAD, 1),
    ),
    message_events.SEND_MESSAGE: (
        _message(INTERACTION, "protocol_opened", "sms", PHONE, {"protocol": _OPENED}),
        _message(ORDER, "order_confirmation", "email", EMAIL, _CONFIRMED),
        _message(INTERACTION, "protocol_opened", "whatsapp", PHONE, {"protocol": _OPENED}),
    ),
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
