"""E-mail that customers write, received by Amazon SES.

SES stores the raw message in S3 and notifies an SNS topic, which calls the
function; both hops are authorised by IAM, so there is no signature to check.

``From`` can be written by anybody. Only DMARC ties it to the domain's owner, so
the sender is ``proven`` where SES reports a DMARC verdict of PASS and ``stated``
otherwise. Automatic answers, bounces and list mail are no contact of a person.

Sources: Amazon SES developer guide, "Contents of notifications for Amazon SES
email receiving" (checked 2026-11-22); RFC 3834 (Auto-Submitted), RFC 5322.
"""

from __future__ import annotations

import email
from email.errors import MessageError
from email.message import Message
from typing import Any

from enlace.channels.base import (
    Interaction,
    build,
    identifier,
    objects,
    optional_object,
    optional_text,
    required_object,
    required_text,
)
from enlace.channels.mime import addresses, content, header_text
from enlace.domain.interaction import parse_time
from enlace.errors import InvalidPayload

NAME = "email"

#: The rest of a long text stays in the stored message.
MAX_TEXT_LENGTH = 64 * 1024
_MAX_REFERENCES = 50

_VERDICTS = ("spam", "virus", "spf", "dkim", "dmarc")
_MACHINE_PRECEDENCE = frozenset(("bulk", "junk", "list", "auto_reply"))
_MACHINE_HEADERS = ("x-autoreply", "x-autorespond", "list-id", "list-unsubscribe")


def stored_at(notification: Any) -> tuple[str, str]:
    """``(bucket, key)`` of the raw message.

    Raises
    ------
    InvalidPayload
        If the notification is not about a received message that was stored.
    """
    body = required_object(notification, "notification")
    if body.get("notificationType") != "Received":
        raise InvalidPayload("notificationType: must be Received")
    action = optional_object(optional_object(body, "receipt"), "action")
    return required_text(action, "bucketName"), required_text(action, "objectKey")


def parse(notification: Any, raw: bytes, received_at: str) -> list[Interaction]:
    """Read one received message.

    Parameters
    ----------
    notification : dict
        What SES published.
    raw : bytes
        The MIME message as stored.
    received_at : str
        Contract time.

    Returns
    -------
    list of Interaction
        Empty for automatic mail.

    Raises
    ------
    InvalidPayload
        If the notification or the message cannot be read, or has no sender.
    InvalidInteraction
        If the sender's address breaks the contract.
    """
    bucket, key = stored_at(notification)
    mail = required_object(notification.get("mail"), "mail")
    receipt = optional_object(notification, "receipt")
    verdicts = {
        name: optional_text(optional_object(receipt, f"{name}Verdict"), "status")
        for name in _VERDICTS
    }
    try:
        message = email.message_from_bytes(raw)
        return _interactions(
            message,
            ses_id=required_text(mail, "messageId"),
            envelope_from=mail.get("source"),
            occurred_at=_time(mail),
            recipients=[r for r in objects(receipt, "recipients") if isinstance(r, str)],
            verdicts=verdicts,
            location={"bucket": bucket, "key": key},
            received_at=received_at,
        )
    except (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError):
        # The standard library's parser has known stumbling blocks in hostile mail.
        raise InvalidPayload("the message cannot be read") from None


def _interactions(
    message: Message,
    *,
    ses_id: str,
    envelope_from: Any,
    occurred_at: str,
    recipients: list[str],
    verdicts: dict[str, str | None],
    location: dict[str, str],
    received_at: str,
) -> list[Interaction]:
    if _is_automatic(message, envelope_from):
        return []
    senders = addresses(message, "from")
    if not senders:
        raise InvalidPayload("From: no address")
    # DMARC says something about the one domain of the one author.
    alone = len(senders) == 1 and len(message.get_all("from", [])) == 1
    passed = alone and verdicts["dmarc"] == "PASS" and verdicts["spam"] != "FAIL"
    name, address = senders[0]
    text, attachments = content(message)
    references = header_text(message, "references").split()[-_MAX_REFERENCES:]
    in_reply_to = header_text(message, "in-reply-to").split()
    message_id = header_text(message, "message-id").strip()
    return [
        build(
            NAME,
            "message.received",
            identifier("email", address, "proven" if passed else "stated"),
            account=recipients[0] if recipients else "",
            source_id=ses_id,
            occurred_at=occurred_at,
            received_at=received_at,
            traits={"name": name or None},
            conversation={
                # The first message of a thread names it for all that follow.
                "id": references[0] if references else (in_reply_to or [message_id])[0] or None,
                "message_id": message_id or None,
                "reply_to": in_reply_to[0] if in_reply_to else None,
                "references": references or None,
            },
            data={
                "subject": header_text(message, "subject") or None,
                "text": text[:MAX_TEXT_LENGTH],
                "truncated": True if len(text) > MAX_TEXT_LENGTH else None,
                "attachments": attachments or None,
                "to": [a for _, a in addresses(message, "to")] or None,
                "cc": [a for _, a in addresses(message, "cc")] or None,
                "verdicts": {k: v for k, v in verdicts.items() if v is not None},
                "stored": location,
                "provider": "ses",
                "provider_message_id": ses_id,
            },
        )
    ]


def _time(mail: dict[str, Any]) -> str:
    """When SES received it, which every notification of it repeats."""
    return parse_time(required_text(mail, "timestamp"), "mail.timestamp")


def _is_automatic(message: Message, envelope_from: Any) -> bool:
    submitted = header_text(message, "auto-submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return True
    # Bounces have an empty envelope sender; SES may write it as a mailbox of its own.
    if isinstance(envelope_from, str) and (
        envelope_from in ("<>", "") or envelope_from.lower().startswith("mailer-daemon@")
    ):
        return True
    if message.get_content_type() == "multipart/report":
        return True
    if header_text(message, "precedence").strip().lower() in _MACHINE_PRECEDENCE:
        return True
    return any(name in message for name in _MACHINE_HEADERS)
