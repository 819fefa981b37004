"""Webhooks as the vendors of all eight channels send them, for generated people.

Each function gives ``(channel, payload)`` for :meth:`local.demo.hub.Hub.webhook`; times are Unix
seconds, ids the vendor's own.
"""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from enlace.domain.interaction import epoch_text

Webhook = tuple[str, Any]

PAGE = "306800000000001"
INSTAGRAM = "17841400000000001"
X_ACCOUNT = "1111111111111111111"
PORTFOLIO = "102290129340398"


def whatsapp(phone: str, id_: str, at: int, text: str = "Oi", bsuid: str = "") -> Webhook:
    """A WhatsApp message from ``phone`` (E.164)."""
    sender = {"wa_id": phone[1:], **({"user_id": bsuid} if bsuid else {})}
    message = {"from": phone[1:], "id": id_, "timestamp": str(at), "type": "text"}
    if bsuid:
        message["from_user_id"] = bsuid
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "551130030001", "phone_number_id": "106540352242922"},
        "contacts": [{"profile": {"name": "João da Silva"}, **sender}],
        "messages": [{**message, "text": {"body": text}}],
    }
    entry = {"id": PORTFOLIO, "changes": [{"field": "messages", "value": value}]}
    return "whatsapp", {"object": "whatsapp_business_account", "entry": [entry]}


def _direct(account: str, object_: str, sender: str, id_: str, at: int, text: str) -> Any:
    item = {
        "sender": {"id": sender},
        "recipient": {"id": account},
        "timestamp": at * 1000,
        "message": {"mid": id_, "text": text},
    }
    return {"object": object_, "entry": [{"id": account, "time": at * 1000, "messaging": [item]}]}


def messenger(sender: str, id_: str, at: int, text: str = "Oi") -> Webhook:
    """A Messenger message."""
    return "messenger", _direct(PAGE, "page", sender, id_, at, text)


def instagram(sender: str, id_: str, at: int, text: str = "Oi") -> Webhook:
    """An Instagram direct message."""
    return "instagram", _direct(INSTAGRAM, "instagram", sender, id_, at, text)


def x(sender: str, id_: str, at: int, text: str = "Oi") -> Webhook:
    """A direct message on X."""
    event = {
        "type": "message_create",
        "id": id_,
        "created_timestamp": str(at * 1000),
        "message_create": {
            "target": {"recipient_id": X_ACCOUNT},
            "sender_id": sender,
            "message_data": {"text": text},
        },
    }
    payload = {"direct_message_events": [event], "users": {sender: {"data": {"id": sender}}}}
    data = {"filter": {"user_id": X_ACCOUNT}, "event_type": "dm.received", "payload": payload}
    return "x", {"data": data}


def sms(phone: str, id_: str, text: str = "Oi") -> Webhook:
    """A text message; Twilio tells no time."""
    return "twilio/sms", {
        "MessageSid": id_,
        "SmsStatus": "received",
        "NumMedia": "0",
        "From": phone,
        "To": "+551140028922",
        "Body": text,
        "AccountSid": "AC00000000000000000000000000000001",
    }


def voice(phone: str, id_: str, at: int, attested: bool = False) -> Webhook:
    """A call that ended."""

    return "twilio/voice", {
        "CallSid": id_,
        "AccountSid": "AC00000000000000000000000000000001",
        "From": phone,
        "To": "+551140028922",
        "Direction": "inbound",
        "CallStatus": "completed",
        "CallDuration": "60",
        "Timestamp": formatdate(at, usegmt=True),
        **({"StirVerstat": "TN-Validation-Passed-A"} if attested else {}),
    }


def identify(user_id: str, id_: str, at: int, traits: dict[str, str], visitor: str = "") -> Webhook:
    """A sign-in on the site, with what the form said."""
    return "segment", {
        "type": "identify",
        "messageId": id_,
        "timestamp": epoch_text(at),
        **({"userId": user_id} if user_id else {}),
        **({"anonymousId": visitor} if visitor else {}),
        "traits": traits,
    }


def own(
    source: str,
    id_: str,
    at: int,
    type_: str,
    point: tuple[str, str, str],
    *stated: tuple[str, str],
    data: dict[str, Any] | None = None,
) -> Webhook:
    """What one of the company's own systems reports."""
    kind, value, level = point
    return f"generic/{source}", {
        "source_id": id_,
        "type": type_,
        "occurred_at": epoch_text(at),
        "contact_point": {"kind": kind, "value": value, "level": level},
        "identifiers": [{"kind": k, "value": v, "level": "stated"} for k, v in stated],
        "data": data or {},
    }


def order(order_id: str, amount: int) -> dict[str, Any]:
    """Data of an order of ``amount`` centavos."""
    return {
        "order_id": order_id,
        "value": {"amount": amount, "currency": "BRL"},
        "store": {"kind": "online", "id": "loja.example.com"},
    }
