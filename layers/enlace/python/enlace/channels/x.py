"""X: direct messages to our accounts, and posts that mention them.

Two generations of the same webhook are read: the X Activity API (XAA), whose
body is ``{"data": {"event_type", "payload", ...}}``, and the Account Activity
API (AAA), which it replaces, with lists such as ``direct_message_events``. Both
name messages and posts by the same ids, which therefore are the source ids: an
account subscribed through both, and a replay, records each once. XAA's own
``event_uuid`` names a delivery and does not serve that.

Sources: xdevplatform/docs, x-api/webhooks/quickstart.mdx,
x-api/activity/event-payloads.mdx, x-api/account-activity/introduction.mdx
(checked 2026-11-22).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from enlace.channels.base import (
    Interaction,
    Rejected,
    Request,
    Response,
    build,
    collect,
    epoch_time,
    header,
    identifier,
    load_json,
    objects,
    optional_object,
    optional_text,
    required_object,
    required_text,
    same_text,
    secret_text,
)
from enlace.domain.interaction import parse_time, utc_text
from enlace.errors import InvalidPayload, InvalidSignature

NAME = "x"
MAX_BODY_BYTES = 1024 * 1024

_TOKEN_CHARACTERS = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=:"
)
_AAA_TIME = "%a %b %d %H:%M:%S %z %Y"


def handshake(request: Request, secret: Mapping[str, Any]) -> Response | None:
    """Answer the challenge-response check.

    The answer is made exactly like the signature of an event, so whoever may
    choose the token freely could have any body signed. Tokens are therefore
    held to characters from which no JSON object can be made.

    Raises
    ------
    InvalidPayload
        If a GET has no such ``crc_token``.
    """
    if request.method != "GET":
        return None
    try:
        query = dict(parse_qsl(request.query, max_num_fields=20, errors="strict"))
    except ValueError:
        raise InvalidPayload("the query cannot be read") from None
    token = query.get("crc_token", "")
    if not 0 < len(token) <= 512 or not _TOKEN_CHARACTERS.issuperset(token):
        raise InvalidPayload("crc_token: absent or malformed")
    answer = _sign(secret_text(secret, "consumer_secret"), token.encode())
    return Response(200, f'{{"response_token":"{answer}"}}', "application/json")


def verify(request: Request, secret: Mapping[str, Any]) -> None:
    """Check ``x-twitter-webhooks-signature`` over the raw bytes.

    Raises
    ------
    InvalidSignature
        If the header is absent or does not match.
    """
    given = header(request, "x-twitter-webhooks-signature")
    if not same_text(_sign(secret_text(secret, "consumer_secret"), request.body), given):
        raise InvalidSignature("x-twitter-webhooks-signature does not match")


def _sign(key: str, message: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.digest(key.encode(), message, "sha256")).decode()


def parse(request: Request, secret: Mapping[str, Any]) -> list[Interaction | Rejected]:
    """Read an event of either API; kinds that are no contact give an empty list.

    Raises
    ------
    InvalidPayload
        If the body is no event.
    """
    body = required_object(load_json(request.body), "body")
    if "data" in body:
        return _activity(required_object(body["data"], "data"), request.received_at)
    if "replay_job_status" in body or "user_event" in body:
        return []
    reader = _Reader(required_text(body, "for_user_id"), request.received_at)
    reader.users = optional_object(body, "users")
    return collect(objects(body, "direct_message_events"), reader.direct_message) + collect(
        objects(body, "tweet_create_events"), reader.legacy_post
    )


def _activity(event: dict[str, Any], received_at: str) -> list[Interaction | Rejected]:
    kind = required_text(event, "event_type")
    account = optional_text(optional_object(event, "filter"), "user_id")
    if account is None:  # a subscription to a keyword is not about an account of ours
        return []
    reader = _Reader(account, received_at)
    payload = optional_object(event, "payload")
    if kind == "dm.received":
        reader.users = optional_object(payload, "users")
        return collect(objects(payload, "direct_message_events"), reader.direct_message)
    if kind == "chat.received":
        return collect([payload], reader.encrypted_chat)
    if kind.startswith("post.") and kind.endswith(".create"):
        reader.users = {
            user["id"]: user
            for user in objects(optional_object(event, "includes"), "users")
            if isinstance(user, dict) and isinstance(user.get("id"), str)
        }
        return collect([payload], reader.post)
    return []


class _Reader:
    """Reads the events of one of our accounts; ``users`` describes those who take part."""

    def __init__(self, account: str, received_at: str):
        self.account = account
        self.received_at = received_at
        self.users: dict[str, Any] = {}

    def direct_message(self, event: Any) -> Iterator[Interaction]:
        event = required_object(event, "direct_message_event")
        if event.get("type") != "message_create":
            return
        message = required_object(event.get("message_create"), "message_create")
        sender = required_text(message, "sender_id")
        if sender == self.account:  # what we sent
            return
        content = optional_object(message, "message_data")
        attachment = optional_object(content, "attachment")
        media = optional_object(attachment, "media")
        yield self._build(
            "message.received",
            sender,
            required_text(event, "id"),
            epoch_time(event.get("created_timestamp"), "created_timestamp", per_second=1000),
            {"id": optional_text(event, "dm_conversation_id")},
            {
                "text": optional_text(content, "text"),
                "attachments": [
                    {
                        "id": optional_text(media, "id_str"),
                        "type": optional_text(media, "type"),
                        "url": optional_text(media, "media_url_https"),
                    }
                ]
                if media
                else None,
                "payload": optional_text(
                    optional_object(content, "quick_reply_response"), "metadata"
                ),
            },
        )

    def encrypted_chat(self, event: Any) -> Iterator[Interaction]:
        """A message that only X's own apps can decrypt: that it came is known, its text is not."""
        sender = required_text(event, "sender_id")
        if sender != self.account:
            yield self._build(
                "message.received",
                sender,
                required_text(event, "id"),
                epoch_time(event.get("created_at_msec"), "created_at_msec", per_second=1000),
                {"id": optional_text(event, "conversation_id")},
                {"encrypted": True},
            )

    def post(self, post: dict[str, Any]) -> Iterator[Interaction]:
        author = required_text(post, "author_id")
        if author != self.account:
            yield self._build(
                "mention.received",
                author,
                required_text(post, "id"),
                parse_time(required_text(post, "created_at"), "created_at"),
                {
                    "id": optional_text(post, "conversation_id"),
                    "reply_to": _referenced(post, "replied_to"),
                },
                {"text": optional_text(post, "text"), "language": optional_text(post, "lang")},
            )

    def legacy_post(self, post: Any) -> Iterator[Interaction]:
        post = required_object(post, "tweet_create_event")
        user = required_object(post.get("user"), "user")
        author = required_text(user, "id_str")
        # Reposts say nothing of their own; our own posts are no contact.
        if author == self.account or post.get("retweeted_status"):
            return
        self.users = {author: user}
        extended = optional_object(post, "extended_tweet")
        yield self._build(
            "mention.received",
            author,
            required_text(post, "id_str"),
            _aaa_time(post),
            {"reply_to": optional_text(post, "in_reply_to_status_id_str")},
            {
                "text": optional_text(extended, "full_text") or optional_text(post, "text"),
                "language": optional_text(post, "lang"),
            },
        )

    def _build(
        self,
        type_: str,
        person: str,
        source_id: str,
        occurred_at: str,
        conversation: dict[str, Any],
        data: dict[str, Any],
    ) -> Interaction:
        user = optional_object(self.users, person)
        user = optional_object(user, "data") or user
        return build(
            NAME,
            type_,
            identifier(NAME, person, "proven"),
            account=self.account,
            source_id=source_id,
            occurred_at=occurred_at,
            received_at=self.received_at,
            traits={
                "name": optional_text(user, "name"),
                "x_username": optional_text(user, "username") or optional_text(user, "screen_name"),
            },
            conversation=conversation,
            data=data,
        )


def _referenced(post: dict[str, Any], relation: str) -> str | None:
    for reference in objects(post, "referenced_tweets"):
        if isinstance(reference, dict) and reference.get("type") == relation:
            return optional_text(reference, "id")
    return None


def _aaa_time(post: dict[str, Any]) -> str:
    # Whole seconds, though `timestamp_ms` is finer: XAA gives the same post whole
    # seconds, and the two must agree for it to be recorded once.
    try:
        return utc_text(datetime.strptime(required_text(post, "created_at"), _AAA_TIME))
    except (ValueError, OverflowError):
        raise InvalidPayload("created_at: must be a time") from None
