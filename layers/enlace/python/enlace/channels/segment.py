"""The Segment tracking API: what web sites, apps and servers tell of their visitors.

Existing SDKs work as they are; only their host is set to ours. The write key
comes by Basic authentication or, from analytics.js in a browser, in the body.

**Whom to believe.** A browser's write key is public, so anyone can claim any
``userId`` with it: such a user id is ``stated``, which joins customers for the
company's eyes and discloses nothing. A key that never leaves the company's
servers proves what it says: list it under ``server_write_keys``, and its user
ids are ``proven``. What the payload says of its library is never believed.
E-mails, phones and CPFs among the traits are stated either way.

**What the browser says of sharing** (``Sec-GPC: 1``, and the object ``context.consent``)
goes along with the event; see :mod:`enlace.domain.privacy_signals`.

A signed-in event belongs to the user id, an anonymous one to the anonymous id,
which is scoped by the source: two sites' cookies are two things.

Sources: Segment, "HTTP Tracking API" and "V2 ecommerce events" (limits and
fields; read through segmentio/segment-docs), the SDKs segment-analytics-python
2.4.0 (the oracle in the tests) and segmentio/analytics-next (short paths,
``writeKey`` in the body); checked 2026-11-22.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from enlace.channels import segment_keys, segment_orders
from enlace.channels.base import (
    Identifier,
    Interaction,
    Rejected,
    Request,
    Response,
    build,
    collect,
    identifier,
    load_json,
    optional_object,
    optional_text,
    required_object,
    required_text,
)
from enlace.channels.segment_keys import plain_body, source_of
from enlace.domain.interaction import parse_time
from enlace.domain.privacy_signals import read_signals
from enlace.errors import InvalidPayload

NAME = "segment"
MAX_BODY_BYTES = segment_keys.MAX_BODY_BYTES
MAX_EVENT_BYTES = 32 * 1024

#: The last part of the path; analytics.js uses the first letters.
_CALLS = {
    "identify": "identify",
    "track": "track",
    "page": "page",
    "screen": "screen",
    "group": "group",
    "alias": "alias",
    "batch": "batch",
    "import": "batch",
    "i": "identify",
    "t": "track",
    "p": "page",
    "s": "screen",
    "g": "group",
    "a": "alias",
    "b": "batch",
}
#: Traits that identify; the others describe.
_IDENTIFYING = ("email", "phone", "cpf")
#: What of the context is kept: no IP address, no user agent.
_CONTEXT = ("page", "campaign", "locale", "screen", "app")


def handshake(request: Request, secret: Mapping[str, Any]) -> Response | None:
    """None: SDKs just begin."""
    return None


def verify(request: Request, secret: Mapping[str, Any]) -> None:
    """Check the write key.

    Parameters
    ----------
    secret : mapping
        ``write_key`` (public, of the source ``source`` or ``default``); optionally
        ``write_keys`` (public) and ``server_write_keys`` (kept on servers), objects
        of source name to key; ``currency``, what money without one is in.

    Raises
    ------
    InvalidSignature
        If the key is absent or unknown.
    """
    source_of(request, secret)


def parse(request: Request, secret: Mapping[str, Any]) -> list[Interaction | Rejected]:
    """Read one call, or a batch of them.

    Raises
    ------
    InvalidPayload
        If the path is none of the API's, or the body no call or batch.
    PayloadTooLarge
        If a compressed body grows beyond :data:`MAX_BODY_BYTES`.
    """
    source, trusted = source_of(request, secret)
    call = _CALLS.get(request.path.rstrip("/").rpartition("/")[2])
    if call is None:
        raise InvalidPayload("the path is none of the tracking API's")
    plain = plain_body(request)
    body = required_object(load_json(plain), "body")
    reader = _Reader(source, trusted, secret.get("currency"), request.received_at)
    # No event can be too large where the whole is not.
    reader.measure = len(plain) > MAX_EVENT_BYTES
    reader.gpc = request.headers.get("sec-gpc") == "1"
    if call != "batch":
        reader.call = call
        return collect([body], reader.read)
    events = body.get("batch")
    if not isinstance(events, list):
        raise InvalidPayload("batch: must be a list")
    reader.shared_context = optional_object(body, "context")
    return collect(events, reader.read)


class _Reader:
    """Reads the events of one request."""

    def __init__(self, source: str, trusted: bool, currency: Any, received_at: str):
        self.source = source
        self.user_level = "proven" if trusted else "stated"
        self.currency = currency if isinstance(currency, str) else None
        self.received_at = received_at
        self.call: str | None = None
        self.measure = False
        self.gpc = False
        self.shared_context: dict[str, Any] = {}

    def read(self, event: Any) -> list[Interaction]:
        event = required_object(event, "event")
        if self.measure and _size(event) > MAX_EVENT_BYTES:
            raise InvalidPayload("the event is too large")
        call = self.call or required_text(event, "type")
        context = {**self.shared_context, **optional_object(event, "context")}
        traits = optional_object(event, "traits") if call == "identify" else {}
        people = self._people(event, {**optional_object(context, "traits"), **traits})
        type_, data = self._content(call, event, people)
        kept = {name: context[name] for name in _CONTEXT if context.get(name)}
        sent_at = optional_text(event, "sentAt")
        signals = None
        if self.gpc or "consent" in context:
            signals = read_signals(context.get("consent"), gpc=self.gpc) or None
        return [
            build(
                NAME,
                type_,
                people[0],
                account=self.source,
                source_id=self._source_id(event),
                occurred_at=_occurred_at(event),
                received_at=self.received_at,
                identifiers=people[1:],
                traits=_traits(traits),
                data={
                    **data,
                    "context": kept or None,
                    "sent_at": sent_at,
                    "privacy_signals": signals,
                },
            )
        ]

    def _people(self, event: dict[str, Any], traits: dict[str, Any]) -> list[Identifier]:
        people = []
        user, visitor = _id(event, "userId"), _id(event, "anonymousId")
        if user is not None:
            people.append(identifier("user_id", user, self.user_level))
        if visitor is not None:
            people.append(identifier(f"anonymous_id:{self.source}", visitor))
        if not people:
            raise InvalidPayload("userId or anonymousId: one must be there")
        for kind in _IDENTIFYING:
            value = traits.get(kind)
            if value not in (None, ""):
                people.append(identifier(kind, str(value) if type(value) is int else value))
        return people

    def _content(
        self, call: str, event: dict[str, Any], people: list[Identifier]
    ) -> tuple[str, dict[str, Any]]:
        properties = optional_object(event, "properties")
        match call:
            case "track":
                name = required_text(event, "event")
                return segment_orders.content(name, properties, self.source, self.currency)
            case "identify":
                return "customer.identified", {}
            case "page" | "screen":
                data = {
                    "name": optional_text(event, "name"),
                    "category": optional_text(event, "category"),
                    "properties": properties or None,
                }
                return ("page.viewed" if call == "page" else "screen.viewed"), data
            case "group":
                # A company or a household is no person, so it joins nobody.
                data = {
                    "event": "group",
                    "group_id": _id(event, "groupId"),
                    "group_traits": optional_object(event, "traits") or None,
                }
                return "event.tracked", data
            case "alias":
                former = _id(event, "previousId")
                if former is None:
                    raise InvalidPayload("previousId: must be text")
                # Before it had a user id, the SDK knew the visitor by the anonymous id.
                people.append(identifier(f"anonymous_id:{self.source}", former))
                return "customer.identified", {"event": "alias"}
        raise InvalidPayload("type: none of the tracking API's")

    def _source_id(self, event: dict[str, Any]) -> str:
        given = optional_text(event, "messageId")
        if given is not None:
            return given
        # Only hand-made requests lack it. With a timestamp the content tells a
        # repetition; without one, two equal events must be taken for two.
        sent = {k: v for k, v in event.items() if k not in ("sentAt", "_metadata", "writeKey")}
        if "timestamp" not in event:
            sent["received_at"] = self.received_at
        text = json.dumps(sent, sort_keys=True)
        return "content:" + hashlib.sha256(text.encode()).hexdigest()


def _id(event: dict[str, Any], name: str) -> str | None:
    value = event.get(name)
    if type(value) is int:
        return str(value)
    return optional_text(event, name)


def _occurred_at(event: dict[str, Any]) -> str | None:
    """The SDK's own time, which a redelivery repeats; ``sentAt`` changes at each try."""
    time = optional_text(event, "timestamp") or optional_text(event, "originalTimestamp")
    return None if time is None else parse_time(time, "timestamp")


def _traits(traits: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in traits.items() if k not in _IDENTIFYING}
    if "name" not in kept:
        names = [kept.get(part) for part in ("firstName", "lastName")]
        name = " ".join(n for n in names if isinstance(n, str) and n)
        if name:
            kept["name"] = name
    return kept


def _size(event: dict[str, Any]) -> int:
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass"))


def reply(request: Request, accepted: int, rejected: int) -> Response:
    """What Segment answers, which some SDKs look at."""
    return Response(200, '{"success":true}', "application/json")
