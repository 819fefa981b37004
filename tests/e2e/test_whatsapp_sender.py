"""WhatsApp both ways on the stack: a message goes to Meta, and its statuses come back."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from enlace.domain import message_events
from enlace.domain.envelope import AddressRef
from enlace.domain.interaction import utc_text
from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from local.deploy import WHATSAPP_NUMBER_ID

WABA = "102290129340398"


def webhook(hub: Hub, field: str, **value: Any) -> None:
    """A change of the company's number, signed and posted as Meta would."""
    metadata = {"display_phone_number": "551130030001", "phone_number_id": WHATSAPP_NUMBER_ID}
    change = {
        "field": field,
        "value": {"messaging_product": "whatsapp", "metadata": metadata, **value},
    }
    entry = {"id": WABA, "changes": [change]}
    hub.webhook("whatsapp", {"object": "whatsapp_business_account", "entry": [entry]})


def now() -> str:
    return str(int(time.time()))


def ask_for(stack: dict[str, Any], customer_id: str, key: str, message_id: str) -> None:
    """Put the command on the bus, as dispatch does."""
    at = datetime.now(UTC)
    entry = message_events.send_message(
        message_id=message_id,
        customer_id=customer_id,
        purpose="transactional",
        template="protocol_opened",
        language="pt-BR",
        channel="whatsapp",
        contact_point=AddressRef("phone", key),
        data={"protocol": "20261120-1234-5678-9"},
        expires_at=utc_text(at + timedelta(hours=1)),
        occurred_at=utc_text(at),
        recorded_at=utc_text(at),
        correlation_id=message_id,
        causation_id=message_id,
    )
    put = {"Source": entry.source, "DetailType": entry.detail_type, "Detail": entry.detail}
    answer = local_stack.client("events").put_events(
        Entries=[{**put, "EventBusName": stack["bus_name"]}]
    )
    assert answer["FailedEntryCount"] == 0


def key_of(stack: dict[str, Any], phone: str) -> str:
    """The address key of a phone that the stack knows."""
    pages = local_stack.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(
        TableName=stack["table_names"]["identity"],
        FilterExpression="#value = :phone",
        ExpressionAttributeNames={"#value": "value"},
        ExpressionAttributeValues={":phone": {"S": phone}},
    ):
        for item in page["Items"]:
            return str(item["pk"]["S"])
    raise AssertionError("the phone is not known")


def test_a_message_goes_to_meta_and_its_statuses_come_back(stack: dict[str, Any]) -> None:
    hub, run = Hub(stack), uuid.uuid4().hex
    phone = f"+55119{int(run[:8], 16) % 10**8:08d}"
    person = {"wa_id": phone.lstrip("+"), "profile": {"name": "Ana Lima"}}
    written = {
        "from": person["wa_id"],
        "id": f"wamid.{run}",
        "timestamp": now(),
        "type": "text",
        "text": {"body": "Bom dia"},
    }
    webhook(hub, "messages", contacts=[person], messages=[written])
    customer_id = wait_for("the customer", lambda: hub.customer("phone", phone))["customer_id"]

    def reports(message_id: str) -> dict[str, dict[str, Any]]:
        found = hub.timeline(customer_id)
        return {i["type"]: i for i in found if i["data"].get("message_id") == message_id}

    def sent(message_id: str) -> list[dict[str, Any]]:
        taken = hub.whatsapp_sent()
        return [m for m in taken if m["biz_opaque_callback_data"] == message_id]

    def status(message: dict[str, Any], word: str, **more: Any) -> None:
        item = {
            "id": message["id"],
            "status": word,
            "timestamp": now(),
            "recipient_id": person["wa_id"],
            "biz_opaque_callback_data": message["biz_opaque_callback_data"],
            **more,
        }
        webhook(hub, "messages", contacts=[person], statuses=[item])

    def marketing() -> dict[str, Any]:
        about = {
            "identifier": {"kind": "phone", "value": phone},
            "purpose": "marketing",
            "channel": "whatsapp",
        }
        return dict(hub.api("POST", "/v1/consents/lookup", about))

    # Given somebody who has just written, when a message is asked for, then it is free text.
    read, refused = str(uuid.uuid4()), str(uuid.uuid4())
    for message_id in (read, refused):
        ask_for(stack, customer_id, key_of(stack, phone), message_id)
    (message,) = wait_for("the message", lambda: sent(read))
    assert (message["to"], message["type"]) == (phone, "text")
    assert message["phone_number_id"] == WHATSAPP_NUMBER_ID
    assert "20261120-1234-5678-9" in message["text"]["body"]
    wait_for("the outcome", lambda: reports(read).get("message.sent"))

    # Delivered and read: known of the message that it was.
    for word in ("delivered", "read"):
        status(message, word)
        report = wait_for(word, lambda word=word: reports(read).get(f"message.{word}"))
        assert report["data"]["provider_message_id"] == message["id"]
    assert len(sent(read)) == 1

    # Refused because of what the person told Meta: failed, and no more marketing.
    (other,) = wait_for("the other message", lambda: sent(refused))
    status(other, "failed", errors=[{"code": 131050, "title": "stopped"}])
    failed = wait_for("the failure", lambda: reports(refused).get("message.failed"))
    assert failed["data"]["reason"] == "opted_out"
    wait_for("the withdrawal", lambda: (marketing()["record"] or {}).get("state") == "withdrawn")

    # The person resumes marketing in WhatsApp itself, and stops it again.
    for wish, state in (("resume", "granted"), ("stop", "denied")):
        time.sleep(1.1)  # Meta's clock has whole seconds
        preference = {
            "wa_id": person["wa_id"],
            "detail": f"User requested to {wish} marketing messages",
            "category": "marketing_messages",
            "value": wish,
            "timestamp": int(time.time()),
        }
        webhook(hub, "user_preferences", contacts=[person], user_preferences=[preference])
        wait_for(wish, lambda state=state: marketing()["state"] == state)
