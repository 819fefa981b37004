"""Direct messages of Messenger and Instagram, which share one form.

Sources: Meta, Messenger Platform, "Webhook events" (messages, message_deliveries,
message_reads, message_reactions, messaging_postbacks) and Instagram Platform,
"Webhook notification examples" (both checked 2026-11-22).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from enlace.channels.base import (
    Identifier,
    Interaction,
    build,
    digest,
    epoch_time,
    identifier,
    objects,
    optional_object,
    optional_text,
    required_object,
    required_text,
)
from enlace.errors import InvalidPayload


class MessagingReader:
    """Reads the items of an entry's ``messaging`` list.

    Parameters
    ----------
    channel : str
        ``messenger`` or ``instagram``; also the root of the identifiers' kind,
        which the account scopes: equal ids under two pages are two people.
    account : str
        Our page or Instagram account.
    received_at : str
        Contract time.
    """

    def __init__(self, channel: str, account: str, received_at: str):
        self.channel = channel
        self.account = account
        self.received_at = received_at
        self.kind = f"{channel}:{account}"

    def read(self, item: Any) -> Iterator[Interaction]:
        """The interactions of one item; none for our own messages and for control events."""
        item = required_object(item, "messaging")
        sender = optional_text(optional_object(item, "sender"), "id")
        if "message" in item:
            message = required_object(item["message"], "message")
            # An echo is what we sent ourselves, from here or from Meta's own inbox.
            if not message.get("is_echo") and sender != self.account:
                yield self._message(item, message, self._person(sender))
        elif "message_edit" in item:
            yield self._edit(item, required_object(item["message_edit"], "message_edit"), sender)
        elif "postback" in item:
            yield self._postback(item, required_object(item["postback"], "postback"), sender)
        elif "reaction" in item:
            yield self._reaction(item, required_object(item["reaction"], "reaction"), sender)
        elif "delivery" in item:
            yield from self._deliveries(item, sender)
        elif "read" in item:
            yield self._read_receipt(item, required_object(item["read"], "read"), sender)
        elif "referral" in item:
            yield self._referral(item, required_object(item["referral"], "referral"), sender)

    def _person(self, sender: str | None) -> Identifier:
        if sender is None:
            raise InvalidPayload("sender.id: must be text")
        return identifier(self.kind, sender, "proven")

    def _time(self, item: dict[str, Any]) -> str:
        return epoch_time(item.get("timestamp"), "timestamp", per_second=1000)

    def _build(
        self,
        type_: str,
        person: Identifier,
        source_id: str,
        occurred_at: str,
        data: dict[str, Any],
        conversation: dict[str, Any] | None = None,
        direction: str = "inbound",
    ) -> Interaction:
        return build(
            self.channel,
            type_,
            person,
            account=self.account,
            source_id=source_id,
            occurred_at=occurred_at,
            received_at=self.received_at,
            direction=direction,
            conversation=conversation,
            data=data,
        )

    def _message(
        self, item: dict[str, Any], message: dict[str, Any], person: Identifier
    ) -> Interaction:
        mid, occurred_at = required_text(message, "mid"), self._time(item)
        if message.get("is_deleted"):
            # It repeats the mid of the message that it takes back.
            data = {"event": "message_deleted", "provider_message_id": mid}
            return self._build("event.tracked", person, f"{mid}:deleted", occurred_at, data)
        attachments = [_attachment(a) for a in objects(message, "attachments")]
        mentioned = any(a["type"] == "story_mention" for a in attachments)
        quick_reply = optional_object(message, "quick_reply")
        reply_to = optional_object(message, "reply_to")
        return self._build(
            "mention.received" if mentioned else "message.received",
            person,
            mid,
            occurred_at,
            {
                "text": optional_text(message, "text"),
                "attachments": attachments or None,
                "payload": optional_text(quick_reply, "payload"),
                "story": optional_object(reply_to, "story") or None,
                "referral": optional_object(message, "referral") or None,
                "is_unsupported": True if message.get("is_unsupported") else None,
            },
            {"reply_to": optional_text(reply_to, "mid")},
        )

    def _edit(self, item: dict[str, Any], edit: dict[str, Any], sender: str | None) -> Interaction:
        mid, number = required_text(edit, "mid"), edit.get("num_edit")
        if type(number) is not int:
            raise InvalidPayload("num_edit: must be a whole number")
        data = {"text": optional_text(edit, "text"), "event": "message_edited"}
        return self._build(
            "message.received",
            self._person(sender),
            f"{mid}:edit:{number}",
            self._time(item),
            data,
            {"reply_to": mid},
        )

    def _postback(
        self, item: dict[str, Any], postback: dict[str, Any], sender: str | None
    ) -> Interaction:
        person, payload = self._person(sender), optional_text(postback, "payload")
        # Since version 11 of the Graph API, postbacks have ids like messages.
        source_id = optional_text(postback, "mid") or "postback:" + digest(
            person.value, str(item.get("timestamp")), payload or ""
        )
        data = {"text": optional_text(postback, "title"), "payload": payload}
        return self._build("message.received", person, source_id, self._time(item), data)

    def _reaction(
        self, item: dict[str, Any], reaction: dict[str, Any], sender: str | None
    ) -> Interaction:
        mid, occurred_at = required_text(reaction, "mid"), self._time(item)
        action = optional_text(reaction, "action") or "react"
        return self._build(
            "message.received",
            self._person(sender),
            f"{mid}:{action}:{item['timestamp']}",
            occurred_at,
            {
                "message_type": "reaction",
                "action": action,
                "text": optional_text(reaction, "emoji"),
                "reaction": optional_text(reaction, "reaction"),
            },
            {"reply_to": mid},
        )

    def _deliveries(self, item: dict[str, Any], sender: str | None) -> Iterator[Interaction]:
        delivery = required_object(item["delivery"], "delivery")
        person = self._person(sender)
        occurred_at = epoch_time(delivery.get("watermark"), "watermark", per_second=1000)
        # A watermark alone names no message, so there is nothing to record.
        for mid in objects(delivery, "mids"):
            if not isinstance(mid, str) or not mid:
                raise InvalidPayload("mids: must be texts")
            data = {"provider": self.channel, "provider_message_id": mid}
            yield self._build(
                "message.delivered",
                person,
                f"{mid}:delivered",
                occurred_at,
                data,
                direction="outbound",
            )

    def _read_receipt(
        self, item: dict[str, Any], read: dict[str, Any], sender: str | None
    ) -> Interaction:
        person = self._person(sender)
        mid = optional_text(read, "mid")  # Instagram names the message,
        watermark = read.get("watermark")  # Messenger all up to a time.
        if mid is None:
            occurred_at = epoch_time(watermark, "watermark", per_second=1000)
            source_id = f"read:{digest(person.value)}:{watermark}"
        else:
            occurred_at, source_id = self._time(item), f"{mid}:read"
        return self._build(
            "message.read",
            person,
            source_id,
            occurred_at,
            {"provider": self.channel, "provider_message_id": mid, "read_until": watermark},
            direction="outbound",
        )

    def _referral(
        self, item: dict[str, Any], referral: dict[str, Any], sender: str | None
    ) -> Interaction:
        person = self._person(sender)
        source_id = f"referral:{digest(person.value)}:{item.get('timestamp')}"
        data = {"event": "referral", "referral": referral}
        return self._build("event.tracked", person, source_id, self._time(item), data)


def _attachment(attachment: Any) -> dict[str, Any]:
    attachment = required_object(attachment, "attachment")
    payload = optional_object(attachment, "payload")
    parts = {
        "type": optional_text(attachment, "type"),
        "url": optional_text(payload, "url"),
        "title": optional_text(payload, "title"),
        "coordinates": optional_object(payload, "coordinates") or None,
    }
    return {k: v for k, v in parts.items() if v is not None or k == "type"}
