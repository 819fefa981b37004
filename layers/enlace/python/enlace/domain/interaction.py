"""The unified interaction: what every channel turns its events into.

Shape: the section "One interaction" of ``docs/events.md``. The pydantic model
of the same contract is :mod:`enlace.contracts.interaction`; this module is what
the hot path uses, because importing pydantic costs more CPU than handling
hundreds of events. A contract test holds the two against each other.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from enlace.domain.purchase import validate_purchase
from enlace.errors import InvalidInteraction

#: Namespace of interaction ids derived from a vendor's own id.
NAMESPACE = uuid.UUID("6d9f4a54-9c1c-5f0b-8a44-2f6f0f1f7c11")
_NAMESPACE_BYTES = NAMESPACE.bytes

#: Levels of possession, weakest first. See :class:`Identifier`.
LEVELS = ("imported", "stated", "proven")

TYPES = frozenset(
    [
        "message.received",
        "message.sent",
        "message.delivered",
        "message.read",
        "message.failed",
        "comment.received",
        "mention.received",
        "call.started",
        "call.ended",
        "call.recorded",
        "complaint.opened",
        "complaint.answered",
        "complaint.closed",
        "case.opened",
        "case.assigned",
        "case.transferred",
        "case.closed",
        "order.placed",
        "order.paid",
        "order.shipped",
        "order.cancelled",
        "order.refunded",
        "cart.updated",
        "cart.abandoned",
        "page.viewed",
        "screen.viewed",
        "event.tracked",
        "customer.identified",
        "campaign.sent",
        "code.scanned",
        "feedback.given",
        "consent.requested",
        "consent.granted",
        "consent.denied",
        "consent.withdrawn",
    ]
)

DIRECTIONS = ("inbound", "outbound")

_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}(:[^\s#\x00-\x1f]{1,128})?\Z")
_CHANNEL = re.compile(r"[a-z][a-z0-9_.\-]{0,63}\Z")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_MAX_IDENTIFIERS = 20
_MAX_VALUE_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Identifier:
    """Something that names a person on a channel.

    Parameters
    ----------
    kind : str
        ``email``, ``phone``, ``cpf`` …; scoped kinds carry their issuer, as in
        ``messenger:<page>``.
    value : str
        As the channel gave it; normalised by the resolver.
    level : str
        ``proven`` (the channel itself proves possession), ``stated`` (typed or
        told), ``imported`` (from another system).
    """

    kind: str
    value: str
    level: str = "stated"


@dataclass(frozen=True, slots=True)
class Interaction:
    """One thing that happened between a customer and the company.

    ``occurred_at`` is the vendor's own time and None where the vendor sends
    none (the resolver then pins the first receipt's time). Times are UTC, ISO
    8601 with milliseconds and ``Z``, so that they sort as text.
    """

    id: str
    channel: str
    type: str
    contact_point: Identifier
    occurred_at: str | None
    received_at: str
    direction: str = "inbound"
    source_id: str | None = None
    account: str = ""
    identifiers: tuple[Identifier, ...] = ()
    traits: dict[str, Any] = field(default_factory=dict)
    conversation: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the contract; absent optional fields are left out."""
        body: dict[str, Any] = {
            "id": self.id,
            "channel": self.channel,
            "account": self.account,
            "type": self.type,
            "direction": self.direction,
            "received_at": self.received_at,
            "contact_point": _identifier_dict(self.contact_point),
        }
        if self.source_id is not None:
            body["source_id"] = self.source_id
        if self.occurred_at is not None:
            body["occurred_at"] = self.occurred_at
        if self.identifiers:
            body["identifiers"] = [_identifier_dict(i) for i in self.identifiers]
        if self.traits:
            body["traits"] = self.traits
        if self.conversation:
            body["conversation"] = self.conversation
        if self.data:
            body["data"] = self.data
        return body


def _identifier_dict(identifier: Identifier) -> dict[str, str]:
    return {"kind": identifier.kind, "value": identifier.value, "level": identifier.level}


def interaction_id(channel: str, account: str, source_id: str) -> str:
    """The id that a redelivery of the same vendor event gets again."""
    # uuid.uuid5 itself, which spends most of its time on the UUID object: a test
    # compares the two. Every event of every channel passes here.
    name = f"{channel}\x1f{account}\x1f{source_id}".encode()
    raw = hashlib.sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(raw[16], 16) & 3]
    return f"{raw[:8]}-{raw[8:12]}-5{raw[13:16]}-{variant}{raw[17:20]}-{raw[20:32]}"


def utc_text(moment: datetime) -> str:
    """A moment as contract text: UTC, milliseconds, ``Z``.

    Raises
    ------
    ValueError
        If ``moment`` has no time zone: guessing one would misorder events.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def epoch_text(seconds: float) -> str:
    """Unix seconds as contract text (vendors send seconds or milliseconds / 1000)."""
    return utc_text(datetime.fromtimestamp(seconds, UTC))


def parse_time(text: str, where: str) -> str:
    """Any ISO 8601 time with a zone as contract text.

    Raises
    ------
    InvalidInteraction
        If it is not a time, lies outside the years 1970 to 9998, or has no zone.
    """
    if not isinstance(text, str):
        raise InvalidInteraction(f"{where}: must be an ISO 8601 time as text")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not 1970 <= moment.year <= 9998:
            raise ValueError
        return text if _TIME.match(text) else utc_text(moment)
    except (ValueError, OverflowError):
        raise InvalidInteraction(
            f"{where}: must be an ISO 8601 time with a zone, between 1970 and 9998"
        ) from None


def parse_interaction(body: Any, *, received_at: str) -> Interaction:
    """Read one interaction from the queue, a replay file or the API.

    Parameters
    ----------
    body : dict
        The JSON object; unknown fields are ignored.
    received_at : str
        Contract time to use where the object has none of its own.

    Returns
    -------
    Interaction

    Raises
    ------
    InvalidInteraction
        With the field and the reason; never with the value.
    """
    if not isinstance(body, dict):
        raise InvalidInteraction("interaction: must be an object")
    channel = _text(body, "channel", _CHANNEL)
    account = _optional_text(body, "account") or ""
    source_id = _optional_text(body, "source_id")
    type_ = body.get("type")
    if not isinstance(type_, str) or type_ not in TYPES:
        raise InvalidInteraction("type: not a type of the contract")
    direction = body.get("direction", "inbound")
    if direction not in DIRECTIONS:
        raise InvalidInteraction("direction: must be inbound or outbound")
    if body.get("id") is not None:
        id_ = _uuid(body["id"])
    elif source_id:
        id_ = interaction_id(channel, account, source_id)
    else:
        raise InvalidInteraction("id: give an id or a source_id")
    others = body.get("identifiers")
    if others is None:
        others = []
    if not isinstance(others, list) or len(others) > _MAX_IDENTIFIERS:
        raise InvalidInteraction(f"identifiers: must be a list of at most {_MAX_IDENTIFIERS}")
    data = _object(body, "data")
    if type_.startswith("order."):
        validate_purchase(data)
    occurred_at = body.get("occurred_at")
    received = body.get("received_at")
    return Interaction(
        id=id_,
        channel=channel,
        account=account,
        source_id=source_id,
        type=type_,
        direction=direction,
        occurred_at=None if occurred_at is None else parse_time(occurred_at, "occurred_at"),
        received_at=received_at if received is None else parse_time(received, "received_at"),
        contact_point=parse_identifier(body.get("contact_point"), "contact_point"),
        identifiers=tuple(
            parse_identifier(item, f"identifiers[{n}]") for n, item in enumerate(others)
        ),
        traits=_object(body, "traits"),
        conversation=_object(body, "conversation"),
        data=data,
    )


def parse_identifier(body: Any, where: str) -> Identifier:
    """Read ``{"kind", "value", "level"}``; the level is ``stated`` where absent.

    Raises
    ------
    InvalidInteraction
        If the kind is malformed, the value is empty or over 512 characters, or
        the level unknown.
    """
    if not isinstance(body, dict):
        raise InvalidInteraction(f"{where}: must be an object with kind and value")
    kind, value, level = body.get("kind"), body.get("value"), body.get("level", "stated")
    if not isinstance(kind, str) or not _KIND.match(kind):
        raise InvalidInteraction(f"{where}.kind: must be a kind such as email or messenger:<page>")
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_VALUE_LENGTH:
        raise InvalidInteraction(
            f"{where}.value: must be text of 1 to {_MAX_VALUE_LENGTH} characters"
        )
    if not _encodable(value) or not _encodable(kind):
        raise InvalidInteraction(f"{where}: must be valid Unicode text")
    if level not in LEVELS:
        raise InvalidInteraction(f"{where}.level: must be proven, stated or imported")
    return Identifier(kind, value, level)


def _text(body: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not pattern.match(value):
        raise InvalidInteraction(f"{name}: must be lower-case text such as whatsapp")
    return value


def _optional_text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _MAX_VALUE_LENGTH or not _encodable(value):
        raise InvalidInteraction(f"{name}: must be text of at most {_MAX_VALUE_LENGTH} characters")
    return value


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInteraction(f"{name}: must be an object")
    return value


def _uuid(value: Any) -> str:
    # uuid.UUID() would also take signs, underscores and spaces for digits.
    if not isinstance(value, str) or not _UUID.match(value):
        raise InvalidInteraction("id: must be a UUID")
    return value.lower()


def _encodable(text: str) -> bool:
    # A lone surrogate is valid JSON but no UTF-8: SQS and DynamoDB refuse it.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
