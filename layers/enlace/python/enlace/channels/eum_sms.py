"""SMS through AWS End User Messaging: what people write, and what became of our texts.

Both come through SNS to the function, authorised by IAM: incoming messages from the topic
that the phone number's two-way setting names, events from the configuration set's
destination. Events carry what the sender gave as ``Context``, so outcomes join our
message. Incoming messages carry no time, so the first receipt's time is pinned.

Delivery is a carrier's word, which may take three days. In some countries it is only
``TEXT_SUCCESSFUL``, the carrier has taken it, and AWS calls the two interchangeable: both
count as delivered, so that no other channel repeats a message that has arrived.

Source: AWS End User Messaging SMS user guide, "Example of a two-way SMS message payload",
"Event types for SMS, MMS, and voice" and "Example event data" (checked 2026-11-23).
"""

from __future__ import annotations

from typing import Any

from enlace.channels.base import (
    Interaction,
    build,
    digest,
    epoch_time,
    identifier,
    optional_object,
    optional_text,
    required_object,
    required_text,
)
from enlace.errors import InvalidPayload

NAME = "sms"

#: As for every SMS: see :mod:`enlace.channels.twilio_sms`.
SENDER_LEVEL = "proven"

_ON_ITS_WAY = frozenset(("TEXT_QUEUED", "TEXT_PENDING", "TEXT_SENT"))
_DELIVERED = frozenset(("TEXT_DELIVERED", "TEXT_SUCCESSFUL"))
#: What failed this time; the number may work another time.
_FAILED = frozenset(
    (
        "TEXT_BLOCKED",
        "TEXT_CARRIER_BLOCKED",
        "TEXT_CARRIER_UNREACHABLE",
        "TEXT_INVALID_MESSAGE",
        "TEXT_PROTECT_BLOCKED",
        "TEXT_SPAM",
        "TEXT_TTL_EXPIRED",
        "TEXT_UNKNOWN",
        "TEXT_UNREACHABLE",
    )
)
#: The number does not exist: what a permanent bounce is to e-mail.
_NO_SUCH_NUMBER = "TEXT_INVALID"


def parse(event: Any, received_at: str) -> list[Interaction]:
    """Read one incoming message or event; kinds that settle nothing give an empty list.

    Parameters
    ----------
    event : dict
        What the service published.
    received_at : str
        Contract time.

    Raises
    ------
    InvalidPayload
        If it is neither.
    InvalidInteraction
        If a number breaks the contract.
    """
    event = required_object(event, "event")
    if "inboundMessageId" in event:
        return [_message(event, received_at)]
    kind = event.get("eventType")
    if not isinstance(kind, str):
        raise InvalidPayload("eventType: must be text")
    outcome = kind.removeprefix("TEXT_").lower()
    if kind in _ON_ITS_WAY:
        return [_outcome(event, "message.sent", "taken", received_at, {})]
    if kind in _DELIVERED:
        return [_outcome(event, "message.delivered", outcome, received_at, {})]
    if kind == _NO_SUCH_NUMBER:
        data = {"reason": "bounce", "bounce_type": "Permanent", "bounce_subtype": outcome}
        return [_outcome(event, "message.failed", outcome, received_at, data)]
    if kind in _FAILED:
        return [_outcome(event, "message.failed", outcome, received_at, {"reason": outcome})]
    return []  # voice, media, registrations, kinds that AWS adds


def _message(event: dict[str, Any], received_at: str) -> Interaction:
    message_id = required_text(event, "inboundMessageId")
    text = event.get("messageBody", "")
    if not isinstance(text, str):
        raise InvalidPayload("messageBody: must be text")
    return build(
        NAME,
        "message.received",
        identifier("phone", required_text(event, "originationNumber"), SENDER_LEVEL),
        account=required_text(event, "destinationNumber"),
        source_id=message_id,
        received_at=received_at,
        conversation={"reply_to": optional_text(event, "previousPublishedMessageId")},
        data={
            "text": text,
            "provider": "eum",
            "provider_message_id": message_id,
        },
    )


def _outcome(
    event: dict[str, Any],
    type_: str,
    outcome: str,
    received_at: str,
    data: dict[str, Any],
) -> Interaction:
    eum_id = required_text(event, "messageId")
    context = optional_object(event, "context")
    message_id = optional_text(context, "message_id")
    # Sending to a number proves nothing about whose it is.
    contact_point = identifier("phone", required_text(event, "destinationPhoneNumber"))
    segments = event.get("totalMessageParts")
    at = epoch_time(event.get("eventTimestamp"), "eventTimestamp", per_second=1000)
    return build(
        NAME,
        type_,
        contact_point,
        # Another system's text is told apart by AWS's id.
        source_id=f"{message_id or f'{eum_id}:{digest(contact_point.value)}'}:{outcome}",
        # Three kinds say that it was taken, with a time each: the first receipt's counts.
        occurred_at=None if type_ == "message.sent" else at,
        received_at=received_at,
        direction="outbound",
        data={
            "message_id": message_id,
            "template": optional_text(context, "template"),
            "purpose": optional_text(context, "purpose"),
            "provider": "eum",
            "provider_message_id": eum_id,
            # Each is billed.
            "segments": segments if type(segments) is int else None,
            **data,
        },
    )
