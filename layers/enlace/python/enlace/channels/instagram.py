"""Instagram: direct messages, comments on our media, mentions.

Senders and commenters are Instagram-scoped ids; comments also tell the username.
An @mention names only the comment or the media: its author is unknown until
somebody looks the comment up, so it gets an identifier of its own that joins
nobody. Comments and mentions carry no time of their own (``entry.time`` is when
the notification was sent, which a redelivery need not repeat), so the first
receipt's time is pinned for them.

Sources: Meta, Instagram Platform, "Webhook notification examples" and Graph API,
"Webhooks reference: Instagram" (both checked 2026-11-22). Apps with the Instagram
login get ``field`` and ``value`` in the entry itself, others under ``changes``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from enlace.channels import meta
from enlace.channels.base import (
    Interaction,
    Rejected,
    Request,
    build,
    collect,
    identifier,
    objects,
    optional_object,
    optional_text,
    required_object,
    required_text,
)
from enlace.channels.meta_messaging import MessagingReader
from enlace.errors import InvalidPayload

NAME = "instagram"
MAX_BODY_BYTES = meta.MAX_BODY_BYTES

handshake = meta.handshake
verify = meta.verify


def parse(request: Request, secret: Mapping[str, Any]) -> list[Interaction | Rejected]:
    """Read every message, comment and mention of every entry.

    Raises
    ------
    InvalidPayload
        If the body is no payload about Instagram.
    """
    found: list[Interaction | Rejected] = []
    for entry in meta.entries(request, "instagram"):
        try:
            account = required_text(required_object(entry, "entry"), "id")
            messages = MessagingReader(NAME, account, request.received_at)
            changes = _ChangeReader(account, request.received_at)
            found += collect(objects(entry, "messaging"), messages.read)
            found += collect(objects(entry, "standby"), messages.read)
            found += collect(objects(entry, "changes"), changes.read)
            if "field" in entry:
                found += collect([entry], changes.read)
        except InvalidPayload as error:
            found.append(Rejected(str(error), entry))
    return found


class _ChangeReader:
    def __init__(self, account: str, received_at: str):
        self.account = account
        self.received_at = received_at

    def read(self, change: Any) -> Iterator[Interaction]:
        change = required_object(change, "change")
        match change.get("field"):
            case "comments" | "live_comments":
                yield from self._comment(required_object(change.get("value"), "value"))
            case "mentions":
                yield self._mention(required_object(change.get("value"), "value"))

    def _comment(self, value: dict[str, Any]) -> Iterator[Interaction]:
        author = optional_object(value, "from")
        author_id = required_text(author, "id")
        # Our own answers come back as comments too.
        if author_id == self.account or optional_text(author, "self_ig_scoped_id"):
            return
        media = optional_object(value, "media")
        yield build(
            NAME,
            "comment.received",
            identifier(f"{NAME}:{self.account}", author_id, "proven"),
            account=self.account,
            source_id=required_text(value, "id"),
            received_at=self.received_at,
            traits={"instagram_username": optional_text(author, "username")},
            conversation={
                "id": optional_text(media, "id"),
                "reply_to": optional_text(value, "parent_id"),
            },
            data={
                "text": optional_text(value, "text"),
                "media_product_type": optional_text(media, "media_product_type"),
                "ad_id": optional_text(media, "ad_id"),
            },
        )

    def _mention(self, value: dict[str, Any]) -> Interaction:
        media, comment = optional_text(value, "media_id"), optional_text(value, "comment_id")
        where = comment or media
        if where is None:
            raise InvalidPayload("media_id: must be text")
        return build(
            NAME,
            "mention.received",
            identifier(f"instagram_mention:{self.account}", where),
            account=self.account,
            source_id=f"mention:{where}",
            received_at=self.received_at,
            conversation={"id": media},
            data={"media_id": media, "comment_id": comment},
        )
