"""Pydantic models of the baseline: interaction, profile and WhatsApp's webhook."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class Identifier(BaseModel):
    """Something that names a person."""

    kind: str
    value: str
    level: Literal["imported", "stated", "proven"] = "stated"


class Interaction(BaseModel):
    """One thing that happened, as it goes over the queue."""

    id: str
    source_id: str | None = None
    channel: str
    account: str = ""
    type: str
    direction: Literal["inbound", "outbound"] = "inbound"
    occurred_at: datetime
    received_at: datetime
    contact_point: Identifier
    identifiers: list[Identifier] = Field(default_factory=list)
    traits: dict[str, Any] = Field(default_factory=dict)
    conversation: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)


class Profile(BaseModel):
    """A customer with everything known about them."""

    profile_id: str
    email: str | None = None
    phone: str | None = None
    identifiers: list[Identifier] = Field(default_factory=list)
    traits: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime
    last_seen_at: datetime
    interaction_count: int = 0


class WhatsAppText(BaseModel):
    """The text of a message."""

    body: str


class WhatsAppMessage(BaseModel):
    """One inbound message."""

    id: str
    sender: str = Field(alias="from")
    timestamp: int
    type: str
    text: WhatsAppText | None = None


class WhatsAppProfile(BaseModel):
    """The sender's public profile."""

    name: str | None = None


class WhatsAppContact(BaseModel):
    """The sender."""

    wa_id: str | None = None
    profile: WhatsAppProfile = Field(default_factory=WhatsAppProfile)


class WhatsAppMetadata(BaseModel):
    """Our own number."""

    display_phone_number: str
    phone_number_id: str


class WhatsAppValue(BaseModel):
    """What changed."""

    metadata: WhatsAppMetadata
    contacts: list[WhatsAppContact] = Field(default_factory=list)
    messages: list[WhatsAppMessage] = Field(default_factory=list)


class WhatsAppChange(BaseModel):
    """One change of an entry."""

    field: str
    value: WhatsAppValue


class WhatsAppEntry(BaseModel):
    """One entry of a webhook call."""

    id: str
    changes: list[WhatsAppChange]


class WhatsAppWebhook(BaseModel):
    """The body of a webhook call."""

    object: str
    entry: list[WhatsAppEntry]
