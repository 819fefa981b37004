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
from collections.abc import Iterator
from email.errors import HeaderParseError, MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from html.parser import HTMLParser
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
from enlace.domain.interaction import parse_time
from enlace.errors import InvalidPayload

NAME = "email"

#: The rest of a long text stays in the stored message.
MAX_TEXT_LENGTH = 64 * 1024
_MAX_PARTS = 200
_MAX_REFERENCES = 50
_MAX_ADDRESSES = 50

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
    senders = _addresses(message, "from")
    if not senders:
        raise InvalidPayload("From: no address")
    # DMARC says something about the one domain of the one author.
    alone = len(senders) == 1 and len(message.get_all("from", [])) == 1
    passed = alone and verdicts["dmarc"] == "PASS" and verdicts["spam"] != "FAIL"
    name, address = senders[0]
    text, attachments = _content(message)
    references = _text(message, "references").split()[-_MAX_REFERENCES:]
    in_reply_to = _text(message, "in-reply-to").split()
    message_id = _text(message, "message-id").strip()
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
                "subject": _text(message, "subject") or None,
                "text": text[:MAX_TEXT_LENGTH],
                "truncated": True if len(text) > MAX_TEXT_LENGTH else None,
                "attachments": attachments or None,
                "to": [a for _, a in _addresses(message, "to")] or None,
                "cc": [a for _, a in _addresses(message, "cc")] or None,
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
    submitted = _text(message, "auto-submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return True
    # Bounces have an empty envelope sender; SES may write it as a mailbox of its own.
    if isinstance(envelope_from, str) and (
        envelope_from in ("<>", "") or envelope_from.lower().startswith("mailer-daemon@")
    ):
        return True
    if message.get_content_type() == "multipart/report":
        return True
    if _text(message, "precedence").strip().lower() in _MACHINE_PRECEDENCE:
        return True
    return any(name in message for name in _MACHINE_HEADERS)


def _text(message: Message, name: str) -> str:
    """A header as text; empty where it is absent."""
    value = message.get(name)
    return "" if value is None else _decoded_words(str(value))


def _decoded_words(raw: str) -> str:
    """Decoded by RFC 2047 as far as that goes."""
    raw = raw.replace("\r", "").replace("\n", "")
    try:
        return _clean(str(make_header(decode_header(raw))))
    except (HeaderParseError, LookupError, ValueError):
        return _clean(raw)


def _addresses(message: Message, name: str) -> list[tuple[str, str]]:
    """``(name, address)`` of each mailbox of a header."""
    values = [str(v).replace("\r", "").replace("\n", "") for v in message.get_all(name, [])]
    found = [
        (_decoded_words(display).strip(), address)
        for display, address in getaddresses(values[:_MAX_ADDRESSES])
        if address.count("@") == 1
    ]
    return found[:_MAX_ADDRESSES]


def _content(message: Message) -> tuple[str, list[dict[str, Any]]]:
    """The text that a person wrote, and what is attached."""
    plain: list[str] = []
    html: list[str] = []
    attachments: list[dict[str, Any]] = []
    for number, part in _parts(message):
        kind, filename = part.get_content_type(), _filename(part)
        if filename is None and kind == "text/plain":
            plain.append(_decoded(part))
        elif filename is None and kind == "text/html":
            html.append(_decoded(part))
        else:
            content = part.get_payload(decode=True)
            attachments.append(
                {
                    "part": number,
                    "filename": filename,
                    "content_type": kind,
                    "size_bytes": len(content) if isinstance(content, bytes) else 0,
                    "content_id": _text(part, "content-id").strip() or None,
                }
            )
    text = "\n".join(plain)
    if not text.strip() and html:
        text = "\n".join(_html_text(h) for h in html)
    return text.strip(), attachments


def _parts(message: Message) -> Iterator[tuple[int, Message]]:
    for number, part in enumerate(message.walk()):
        if number >= _MAX_PARTS:
            return
        if not part.is_multipart():
            yield number, part


def _filename(part: Message) -> str | None:
    name = part.get_filename()
    if name is None:
        return "" if part.get_content_disposition() == "attachment" else None
    return _decoded_words(name)


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return _clean(content.decode(charset, "replace"))
    except LookupError:
        return _clean(content.decode("utf-8", "replace"))


def _clean(text: str) -> str:
    """Without the surrogates that stand for undecodable bytes."""
    return text.encode("utf-8", "replace").decode()


class _TextOnly(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "head"):
            self._silent += 1
        elif tag in ("br", "p", "div", "tr", "li"):
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "head") and self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def _html_text(html: str) -> str:
    reader = _TextOnly()
    reader.feed(html[: 8 * MAX_TEXT_LENGTH])
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return "\n".join(line for line in lines if line)
