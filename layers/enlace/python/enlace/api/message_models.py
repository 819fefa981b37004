"""Bodies of the routes about messages as pydantic models; see :mod:`enlace.api.models`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from enlace.api.messages import MAX_ATTACHMENTS, MAX_WAIT_SECONDS
from enlace.api.models import Answer, IdentifierRequest
from enlace.contracts.types import Contract, Text, Time

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ShortText = Annotated[Text, Field(min_length=1, max_length=64, pattern=r"\S")]
Status = Literal["accepted", "deferred", "denied", "sent", "delivered", "failed"]


class CustomerRecipient(Contract):
    """A customer: the address is Enlace's choice."""

    customer_id: Annotated[Text, Field(min_length=1, max_length=128, pattern=r"\S")]


class AddressRecipient(Contract):
    """An address, and whoever is proven to be the same person."""

    identifier: IdentifierRequest


class MessageAttachment(Contract):
    """A file that goes along where the channel takes files."""

    name: Annotated[Text, Field(min_length=1, max_length=200, pattern=r"\S")]
    content_type: Annotated[str, Field(pattern=r"^[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}$")]
    content: Annotated[str, Field(min_length=1, json_schema_extra={"contentEncoding": "base64"})]


class MessageRequest(Contract):
    """One thing to tell one person, once."""

    to: CustomerRecipient | AddressRecipient
    purpose: Word
    """One that the template is for. `marketing`, and whatever else rests on consent, needs the
    role `marketing` or `admin`; `dsr` needs `privacy` or `admin`."""
    template: ShortText
    data: dict[str, Any] = Field(default_factory=dict)
    """The template's variables; others are left aside and named in `warnings`."""
    channels: list[str] = Field(default_factory=lambda: ["preferred"])
    """In order; `preferred` stands for the customer's own order."""
    language: Literal["pt-BR", "es", "en"] | None = None
    """Left out, the customer's."""
    expires_at: Time | None = None
    """Within seven days; left out, 24 hours from now, or 72 where it rests on consent."""
    fallback_after_seconds: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS)] = 0
    """How long a channel has to deliver it before the next is tried; 0 for the company's rule."""
    attachments: Annotated[list[MessageAttachment], Field(max_length=MAX_ATTACHMENTS)] = Field(
        default_factory=list
    )


class MessageAccepted(Answer):
    """The message is on record."""

    message_id: str
    status: Status
    """`accepted`; further along where it was asked for before."""
    warnings: list[str] = Field(default_factory=list)
    """What of the request was left aside; absent where nothing was."""


class MessageContactPoint(Answer):
    """Where it went."""

    kind: str


class MessageDecision(Answer):
    """One thing that was decided about it."""

    at: Time
    what: str
    """`skipped`, `chosen`, `deferred`, `denied`, `sent`, `failed`, `fallback`."""
    why: str
    channel: str | None


class Message(Answer):
    """What became of a message: ids and reasons, no address and no text."""

    message_id: str
    status: Status
    reason: str | None
    """Why it was denied, failed or put off."""
    purpose: str
    template: str
    template_version: str | None
    customer_id: str
    channel: str | None
    contact_point: MessageContactPoint | None
    attempts: Annotated[int, Field(ge=0)]
    """How many channels were tried."""
    accepted_at: Time | None
    deferred_until: Time | None
    settled_at: Time | None
    read_at: Time | None
    expires_at: Time | None
    provider: str | None
    provider_message_id: str | None
    decisions: list[MessageDecision]
