"""Bodies of the HTTP API as pydantic models: the source of its OpenAPI document.

The functions do not load them (see :mod:`enlace.api.fields`); the tests hold every
answer against them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from enlace.contracts.interaction import Interaction, Level
from enlace.contracts.types import Contract, Kind, Text, Time


class Answer(BaseModel):
    """Base of answers: what is not declared here must not be given."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$", json_schema_extra={"format": "date"})]
IdentifierValue = Annotated[str, Field(min_length=1, max_length=512, pattern=r"\S")]


class IdentifierRequest(Contract):
    """An identifier: by what somebody is asked for."""

    kind: Kind
    """`email`, `phone`, `cpf`, `messenger:<page>` …; `customer_id` where the route says so."""
    value: IdentifierValue
    """As it is written; normalised here."""


class ContextRequest(Contract):
    """Who is at the other end of a contact."""

    contact_point: IdentifierRequest
    """The identifier that the contact came through. For `customer`, ask only with one whose
    possession the channel has proven: the answer is what its owner may hear."""
    audience: Literal["agent", "customer"]
    """`agent`: everything, each with its level. `customer` (a bot, an IVR): the proven circle."""


class ExplainRequest(Contract):
    """Two identifiers; `a` is one of the customer's."""

    a: IdentifierRequest
    b: IdentifierRequest


class ConciliationRequest(Contract):
    """An operator's word about two identifiers."""

    decision: Literal["same", "different"]
    a: IdentifierRequest
    b: IdentifierRequest
    reason: Annotated[Text, Field(min_length=1, max_length=1000, pattern=r"\S")]
    verified: bool = False
    """The operator checked it: only then does it widen what the customer's side may learn."""


class RejectedItem(Answer):
    """An interaction that was not taken."""

    index: Annotated[int, Field(ge=0)]
    reason: str
    """Which field is wrong and why; never its value."""


class AcceptedInteractions(Answer):
    """What became of a list of interactions."""

    accepted: Annotated[int, Field(ge=1)]
    ids: list[str]
    rejected: list[RejectedItem]


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str


class Named(Answer):
    """An identifier."""

    kind: Kind
    value: str


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
    """A trait's surviving value: the highest level wins, then the latest."""

    value: Any
    level: Level
    last_seen: Day
    channel: str
    contact_point: Named
    others: list[Any]


class CurrencyValue(Answer):
    """Purchases in one currency; the amount is in minor units, less refunds."""

    currency: str
    orders: int
    amount: int


class Purchases(Answer):
    """Recency, frequency, value; the value is over the lifetime."""

    orders: int
    value: list[CurrencyValue]
    last_at: Time | None
    recency_days: Annotated[int, Field(ge=0)] | None


class OpenProtocol(Answer):
    """An open service case."""

    protocol: str
    opened_at: Time
    nature: str | None


class ViewProtocol(OpenProtocol):
    """An open service case with where it came from."""

    interaction_id: str
    contact_point: Named | None


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


class Customer(Answer):
    """The 360° view."""

    customer_id: str
    identifiers: list[ViewIdentifier]
    traits: dict[str, Trait]
    purchases: Purchases
    open_protocols: list[ViewProtocol]
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
    direction: Literal["inbound", "outbound"]
    level: Level | None = None
    """How surely whoever spoke there is whoever speaks now (agents only)."""
    text: str | None = None
    subject: str | None = None
    nature: str | None = None
    protocol: str | None = None


class LastPurchase(Answer):
    """The last purchase; no more than its time where it lies far back."""

    occurred_at: Time
    order_id: str | None = None
    value: dict[str, Any] | None = None
    store: dict[str, Any] | None = None


class Context(Answer):
    """Who is at the other end, in at most 4 KB."""

    customer_id: str
    """For `customer`, the circle's own id, which resolves and tells of no merge beyond it."""
    audience: Literal["agent", "customer"]
    contact_point: Named | None
    name: str | None
    language: str | None
    identifiers: list[ContextIdentifier]
    recent: list[RecentInteraction]
    open_protocols: list[OpenProtocol]
    last_purchase: LastPurchase | None
    purchases: Purchases
    flags: list[
        Literal[
            "blocked_contact_point",
            "shared_contact_point",
            "has_unproven_identifiers",
            "has_candidates",
            "truncated",
        ]
    ]


class StepSource(Answer):
    """The first event that showed a step at one level."""

    level: Level
    event_id: str
    channel: str
    first_seen: Time


class DecisionEntry(Answer):
    """An operator's decision."""

    conciliation_id: str
    decision: Literal["same", "different"]
    operator: str
    decided_at: Time
    verified: bool


class Step(Answer):
    """One piece of evidence on the way; `reason` is the rule that refused it."""

    from_: Annotated[Named | None, Field(alias="from")]
    to: Named | None
    accepted: bool
    reason: str | None
    level: Level | None
    last_seen: Day | None
    sources: list[StepSource]
    decisions: list[DecisionEntry]


class Explanation(Answer):
    """Why two identifiers are, or are not, one customer."""

    customer_id: str
    same_customer: bool
    level: Level | None
    """Of the weakest tie on the strongest path; null where they are not joined."""
    path: list[Step]
    apart: list[DecisionEntry]
    """`different` decisions that keep the two customers apart."""
    rules_version: str


class ConciliationAnswer(Answer):
    """What became of a decision."""

    conciliation_id: str
    customers: Annotated[list[str], Field(min_length=1, max_length=2)]
