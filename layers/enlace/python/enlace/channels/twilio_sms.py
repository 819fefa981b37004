"""SMS through Twilio: incoming messages and delivery statuses.

Twilio's message webhooks carry no time, so the first receipt's time is pinned.
Messages of WhatsApp senders (``whatsapp:+…``) belong to the channel ``whatsapp``.

Twilio reads stop words itself: with Advanced Opt-Out an incoming message says so in
``OptOutType``; without, the next message to the number fails with error 21610.

Source: twilio.com/docs/messaging/guides/webhook-request and
.../messaging/guides/track-outbound-message-status. Parameter names are from there
and not checked against a live account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from enlace.channels import twilio
from enlace.channels.base import (
    Interaction,
    Rejected,
    Request,
    build,
    collect,
    identifier,
    required_text,
)
from enlace.errors import InvalidPayload

NAME = "sms"
_MAX_ADDRESS = 80
MAX_BODY_BYTES = twilio.MAX_BODY_BYTES

#: The network delivers an answer only to the number that holds the SIM; a sender
#: can be forged, but a conversation cannot be had with a forged one.
SENDER_LEVEL = "proven"

_STATUS_TYPES = {
    "sent": "message.sent",
    "delivered": "message.delivered",
    "read": "message.read",
    "undelivered": "message.failed",
    "failed": "message.failed",
}
_MAX_MEDIA = 10
#: "Attempt to send to unsubscribed recipient" (twilio.com/docs/api/errors/21610).
_UNSUBSCRIBED = "21610"

handshake = twilio.handshake
verify = twilio.verify
reply = twilio.reply


def parse(request: Request, secret: Mapping[str, Any]) -> list[Interaction | Rejected]:
    """Read the one message or status that a request carries.

    Raises
    ------
    InvalidPayload
        If the body cannot be read.
    """
    form = twilio.parameters(request)

    def read(form: dict[str, str]) -> list[Interaction]:
        status = form.get("MessageStatus")
        if status and status != "received":
            return _status(request, form, status)
        return [_message(request, form)]

    return collect([form], read)


def _message(request: Request, form: dict[str, str]) -> Interaction:
    sid = required_text(form, "MessageSid")
    channel, sender = _address(required_text(form, "From"))
    account = _address(required_text(form, "To"))[1]
    count = form.get("NumMedia", "0")
    if not (count.isascii() and count.isdecimal() and len(count) < 3):
        raise InvalidPayload("NumMedia: must be a number")
    attachments = [
        {
            "url": form.get(f"MediaUrl{n}"),
            "content_type": form.get(f"MediaContentType{n}"),
        }
        for n in range(min(int(count), _MAX_MEDIA))
    ]
    return build(
        channel,
        "message.received",
        identifier("phone", sender, SENDER_LEVEL),
        account=account,
        source_id=sid,
        received_at=request.received_at,
        traits={
            "name": form.get("ProfileName") or None,
            "city": form.get("FromCity") or None,
            "country": form.get("FromCountry") or None,
        },
        conversation={"reply_to": form.get("OriginalRepliedMessageSid")},
        data={
            "text": form.get("Body", ""),
            "attachments": attachments or None,
            # Twilio has already stopped or resumed sending by itself.
            "opt_out_type": form.get("OptOutType"),
            "provider": "twilio",
        },
    )


def _status(request: Request, form: dict[str, str], status: str) -> list[Interaction]:
    type_ = _STATUS_TYPES.get(status)
    if type_ is None:  # accepted, queued, sending, scheduled, canceled: not yet a fact
        return []
    sid = required_text(form, "MessageSid")
    channel, recipient = _address(required_text(form, "To"))
    account = form.get("From") or form.get("MessagingServiceSid") or ""
    # A status callback URL may name our message; the signature covers the query.
    message_id = dict(parse_qsl(request.query, max_num_fields=100)).get("message_id")

    def told(type_: str, source_id: str, direction: str, data: dict[str, Any]) -> Interaction:
        return build(
            channel,
            type_,
            # Sending to a number proves nothing about whose it is.
            identifier("phone", recipient),
            account=_address(account)[1],
            source_id=source_id,
            received_at=request.received_at,
            direction=direction,
            data=data,
        )

    code = form.get("ErrorCode") or None
    data = {
        "message_id": message_id,
        "provider": "twilio",
        "provider_message_id": sid,
        "reason": code,
    }
    found = [told(type_, f"{sid}:{status}", "outbound", data)]
    if code == _UNSUBSCRIBED:
        stop = {"channel": channel, "purpose": "marketing", "actor": "subject", "reason": "stop"}
        found.append(told("consent.withdrawn", f"{sid}:stop", "inbound", stop))
    return found


def _address(text: str) -> tuple[str, str]:
    """``(channel, number)`` of an address that may carry a channel's prefix.

    Raises
    ------
    InvalidPayload
        If it is no address: numbers, short codes and sender names are printable ASCII.
    """
    if not (text.isascii() and text.isprintable() and len(text) <= _MAX_ADDRESS):
        raise InvalidPayload("From and To: must be addresses")
    if text.startswith("whatsapp:"):
        return "whatsapp", text.removeprefix("whatsapp:")
    return NAME, text
