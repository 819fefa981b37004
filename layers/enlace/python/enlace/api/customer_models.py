"""Bodies of the answers about customers: view, timeline, context (see :mod:`enlace.api.models`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from enlace.api.models import Answer, Day, Named
from enlace.api.purchase_models import Cart, LastPurchase, Purchases
from enlace.contracts.interaction import Interaction, Level, Nature
from enlace.contracts.types import Time

Direction = Literal["inbound", "outbound"]


class Source(Answer):
    """What ties an identifier to another one of the customer."""

    level: Literal["proven", "stated", "imported", "decision"]
    event_id: str | None = None
    """The interaction that showed it first at this level."""
    channel: str | None = None
    conciliation_id: str | None = None
    operator: str | None = None
    verified: bool | None = None
    first_seen: Time
    last_seen: Day | None = None
    """Of the tie at any level."""
    with_: Annotated[Named | None, Field(alias="with")]


class ViewIdentifier(Named):
    """An identifier with its provenance."""

    level: Level
    """How surely it is the customer: seen from the circle of the identifier asked for if
    something in it was proven, else from the earliest proven one."""
    circle: Annotated[int, Field(ge=1)]
    """Identifiers with the same number are proven to be one person."""
    contact_level: Level | None
    """The highest level at which contacts came through it, as far as was read."""
    first_seen: Time
    last_seen: Day
    blocked: bool
    """A placeholder, a role's mailbox or an invalid value: joins nobody."""
    sources: Annotated[list[Source], Field(max_length=10)]


class Trait(Answer):
    """A trait's surviving value: channels that the rules rank go first, then the highest
    level wins, then the latest."""

    value: Any
    rule: Literal["only", "source", "level", "recency", "tie"]
    """What put it before the strongest of the others; `only` if there is none."""
    level: Level
    last_seen: Day
    channel: str
    contact_point: Named
    others: list[Any]


class OpenProtocol(Answer):
    """An open service case."""

    protocol: str
    opened_at: Time
    nature: str | None


class ViewProtocol(OpenProtocol):
    """An open service case with where it came from."""

    interaction_id: str
    contact_point: Named | None


class ServiceContact(Answer):
    """A contact about praise, information, a complaint or a suggestion."""

    occurred_at: Time
    interaction_id: str
    channel: str
    type: str
    direction: Direction
    nature: Nature
    text: str | None
    """Shortened."""
    protocol: str | None
    """Under which it was made, or which it opened, while that is open."""
    contact_point: Named | None


class ServiceHistory(Answer):
    """Service contacts among the newest interactions of each contact point."""

    counts: dict[Nature, int]
    newest: Annotated[list[ServiceContact], Field(max_length=10)]
    complete: bool
    """Nothing older was left uncounted."""


class MarketingContact(Answer):
    """A campaign, or another marketing message, that was sent."""

    occurred_at: Time
    channel: str
    medium: str
    """The channel, where the campaign names no medium."""
    campaign_id: str | None
    subject: str | None
    message: str | None
    period: str | None


class MarketingHistory(Answer):
    """Marketing contacts among the newest interactions of each contact point."""

    counts: dict[str, int]
    """By medium."""
    newest: Annotated[list[MarketingContact], Field(max_length=10)]
    complete: bool
    """Nothing older was left uncounted."""


class Channels(Answer):
    """Contacts per channel among the newest of each contact point."""

    counts: dict[str, int]
    newest_per_contact_point: int
    complete: bool
    """Nothing older was left uncounted."""


class CampaignContact(Answer):
    """A campaign that reached the customer."""

    occurred_at: Time
    channel: str
    campaign_id: Any = None
    medium: Any = None
    subject: Any = None
    message: Any = None
    period: Any = None


class Candidate(Answer):
    """Evidence that a rule keeps from joining: perhaps for an operator to decide."""

    a: Named | None
    b: Named | None
    customer_id: str | None
    """Of the other side."""
    reason: str
    level: Literal["proven", "stated", "imported", "decision"]


class ViewConsent(Answer):
    """What one address has said about one purpose on one channel."""

    contact_point: Named
    purpose: str
    channel: str
    state: Literal["granted", "denied"]
    step: int
    """Of the evaluation: what decided."""
    reason: str
    record_id: str | None
    """Of the ledger entry that decided."""


class Customer(Answer):
    """The 360° view."""

    customer_id: str
    identifiers: list[ViewIdentifier]
    traits: dict[str, Trait]
    purchases: Purchases
    carts: Annotated[list[Cart], Field(max_length=10)]
    open_protocols: list[ViewProtocol]
    consents: list[ViewConsent]
    """Of the customer's addresses, whatever is on record, as it holds now."""
    service: ServiceHistory
    marketing: MarketingHistory
    channels: Channels
    campaigns: list[CampaignContact]
    candidates: Annotated[list[Candidate], Field(max_length=50)]


class TimelineItem(Interaction):
    """The interaction's own fields."""


class TimelinePage(Answer):
    """Interactions, newest first."""

    items: list[TimelineItem]
    next_cursor: str | None
    """For the next page; null at the end. A page may be short, or even empty, before the end."""


class ContextIdentifier(Named):
    """An identifier and how surely it is who is at the other end."""

    level: Level


class RecentInteraction(Answer):
    """One of the last interactions, shortened."""

    occurred_at: Time
    channel: str
    type: str
    direction: Direction
    level: Level | None = None
    """How surely whoever spoke there is whoever speaks now (agents only)."""
    text: str | None = None
    subject: str | None = None
    nature: str | None = None
    protocol: str | None = None


class Context(Answer):
    """Who is at the other end, in at most 4 KB."""

    customer_id: str
    """For `customer`, the circle's own id, which resolves and tells of no merge beyond it."""
    audience: Literal["agent", "customer"]
    contact_point: Named | None
    name: str | None
    language: str | None
    preferred_channel: str | None
    """The one they asked for (trait `preferred_channel`), else the last they used."""
    identifiers: list[ContextIdentifier]
    recent: list[RecentInteraction]
    open_protocols: list[OpenProtocol]
    last_purchase: LastPurchase | None
    purchases: Purchases
    carts: Annotated[list[Cart], Field(max_length=3)]
    flags: list[
        Literal[
            "blocked_contact_point",
            "shared_contact_point",
            "has_unproven_identifiers",
            "candidate_pending",
            "do_not_contact",
            "unclear_opt_out",
            "erasure_pending",
            "truncated",
        ]
    ]
