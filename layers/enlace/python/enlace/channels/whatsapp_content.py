"""What a WhatsApp message says; see :mod:`enlace.channels.whatsapp`."""

from __future__ import annotations

from typing import Any

from enlace.channels.base import optional_object, optional_text, required_text

_MEDIA = frozenset(("image", "video", "audio", "document", "sticker"))
#: Parts of a message that identify it rather than say something.
_ENVELOPE = frozenset(
    ("from", "from_user_id", "from_parent_user_id", "id", "timestamp", "type", "context", "text")
)


def content(item: dict[str, Any]) -> dict[str, Any]:
    """What the message says: its text, its attachments, and the vendor's own parts."""
    kind = required_text(item, "type")
    data: dict[str, Any] = {"message_type": kind}
    if kind == "text":
        data["text"] = required_text(optional_object(item, "text"), "body")
    elif kind in _MEDIA:
        media = optional_object(item, kind)
        data["text"] = optional_text(media, "caption")
        data["attachments"] = [
            {
                "id": optional_text(media, "id"),
                "content_type": optional_text(media, "mime_type"),
                "filename": optional_text(media, "filename"),
                "sha256": optional_text(media, "sha256"),
            }
        ]
    elif kind == "button":
        data["text"] = optional_text(optional_object(item, "button"), "text")
    elif kind == "interactive":
        interactive = optional_object(item, "interactive")
        reply = optional_object(interactive, optional_text(interactive, "type") or "")
        data["text"] = optional_text(reply, "title")
    elif kind == "system":
        data["event"] = optional_text(optional_object(item, "system"), "type")
    if kind not in _MEDIA:
        # Reactions, locations, contacts, orders, referrals and kinds to come.
        data.update({k: v for k, v in item.items() if k not in _ENVELOPE and k not in data})
    elif item.get("referral"):
        data["referral"] = optional_object(item, "referral")
    return data
