"""Models of everything on the bus: the envelope, and one model per event.

Built by :mod:`enlace.domain.events`; declared, with producer, consumers and
example, in :mod:`enlace.contracts.registry`.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from enlace.contracts.interaction import Channel, Direction, InteractionType, Nature
from enlace.contracts.types import AddressKey, Contract, CustomerId, Id, Kind, Text, Time, Uuid

DataT = TypeVar("DataT", bound=Contract)

ProtocolNumber = Annotated[str, Field(pattern=r"^[0-9]{17}$")]
Keys = Annotated[list[AddressKey], Field(min_length=1)]


class Metadata(Contract):
    """What every event carries beside its data."""

    id: Uuid
    """The event's id, from its cause: a repetition has the same, and is dropped by it."""
    schema_version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+$")]
    """`major.minor`; a minor version only adds optional fields."""
    occurred_at: Time
    """When the fact happened (for a command: when its cause did)."""
    recorded_at: Time
    """When Enlace recorded it."""
    correlation_id: Id
    """What the chain of events began with: an interaction or a conciliation."""
    causation_id: Id
    """What led to this event directly."""


class Envelope(Contract, Generic[DataT]):
    """`detail` of an event on the bus."""

    metadata: Metadata
    data: DataT


class AddressRef(Contract):
    """An identifier without its value: consumers with the right look the value up."""

    kind: Kind
    key: AddressKey
    """Address key: the identity table's `pk`."""


class Cause(Contract):
    """Why customers changed: exactly one of these."""

    interaction_id: Uuid | None = None
    """The interaction that brought the evidence."""
    conciliation_id: Id | None = None
    """The operator's decision, made or withdrawn."""
    rules_version: Id | None = None
    """The version of the identity rules that was put in force."""
    request_id: Id | None = None
    """The data subject's request for erasure."""
    retention_policy: Id | None = None
    """The version of the retention policy by which somebody's time was over."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        names = type(self).model_fields
        if sum(getattr(self, name) is not None for name in names) != 1:
            raise ValueError(f"exactly one of {', '.join(names)}")
        return self


class InteractionRecorded(Contract):
    """An interaction stands in the timeline, and its customer is known."""

    interaction_id: Uuid
    customer_id: CustomerId
    """Whose contact point it is now; a later merge makes it an alias."""
    channel: Channel
    account: Text
    """Our number, page or bot at the vendor; may be empty."""
    type: InteractionType
    direction: Direction
    occurred_at: Time
    """The vendor's time, or that of the first receipt where the vendor sends none."""
    contact_point: AddressRef
    timeline_key: Id
    """`sk` of the timeline item; its `pk` is `contact_point.key`."""
    protocol: ProtocolNumber | None = None
    """Number of the case that the interaction says it belongs to; not checked to exist."""
    nature: Nature | None = None
    """What the contact is about, where its channel says so."""
    request: bool = False
    """Its channel, a classifier or an agent marked it as wanting something."""
    opt_out: Literal["stop", "start", "ambiguous", "signal"] | None = None
    """The text asks not to be written to any more, takes that back, or may ask it; `signal`:
    a browser's privacy signals came along."""
    open_case: bool = False
    """The customer was last heard to have an open case, which this may belong to."""


class CustomerCreated(Contract):
    """A customer is known for the first time."""

    customer_id: CustomerId
    identifier: AddressRef
    """The identifier that the customer was born by."""
    cause: Cause


class EvidenceEdge(Contract):
    """What joined two identifiers."""

    a: AddressKey
    b: AddressKey
    level: Literal["proven", "stated", "imported", "decision"]
    """`decision` is an operator's."""


class CustomerMerged(Contract):
    """Several customers are one."""

    customer_id: CustomerId
    """The one that stays."""
    merged: Annotated[list[CustomerId], Field(min_length=1)]
    """The former customers: aliases of `customer_id` from now on."""
    cause: Cause
    evidence: list[EvidenceEdge]
    """The edges that decided."""
    identifiers: dict[CustomerId, list[AddressKey]]
    """What each side consisted of before."""


class SplitPart(Contract):
    """One of the customers that a former whole became."""

    customer_id: CustomerId
    identifiers: Keys


class CustomerSplit(Contract):
    """A customer is several, or goes on with fewer identifiers: then there is one part."""

    customer_id: CustomerId
    """The former whole; as a rule one of the parts keeps the id."""
    into: Annotated[list[SplitPart], Field(min_length=1)]
    """All the parts."""
    cause: Cause


class CustomerErased(Contract):
    """Nobody is known by this id any more: whoever keeps something under it deletes it.

    Of the customer's other data nothing is told. The id is never given out again.
    """

    customer_id: CustomerId


class ContactPointDescribed(Contract):
    """A contact point's name, birth date or another likeness is news, or a tie was refused.

    Whoever looks for conciliation candidates looks from there.
    """

    customer_id: CustomerId
    contact_point: AddressRef
    cause: Cause


class RulesActivated(Contract):
    """Other rules of identity are in force; what is stored is brought to them by and by."""

    version: Id
    """What the file calls itself; the cause of the merges and splits that follow."""
    previous_version: Id


class CaseOpened(Contract):
    """A service case is open under a protocol number."""

    protocol: ProtocolNumber
    """Date, serial and check digit."""
    customer_id: CustomerId
    contact_point: AddressRef
    interaction_id: Uuid
    """The interaction that opened it."""
    nature: Nature | None = None
    follows: ProtocolNumber | None = None
    """The closed case that it goes on from."""
    related: list[ProtocolNumber] = Field(default_factory=list)
    """The customer's other open cases, for the company's eyes."""


class CaseChanged(Contract):
    """What all changes of a case tell."""

    protocol: ProtocolNumber
    customer_id: CustomerId
    """Whose the case is now."""
    contact_point: AddressRef
    """The contact point that opened it."""
    by: Text
    """The operator's id, or the channel whose system reports it."""


class CaseAssigned(CaseChanged):
    """Somebody works on a case now."""

    to: Text
    """Their id."""


class CaseTransferred(CaseChanged):
    """A case goes on with somebody else, or on another channel."""

    to: Text
    channel: Text | None = None
    """Where it goes on."""


class CaseClosed(CaseChanged):
    """A case is closed."""


class CaseReopened(CaseChanged):
    """A closed case is open again."""


class ConsentChanged(Contract):
    """Somebody said something about being written to; the ledger has it."""

    consent_id: Id
    """Of the ledger entry."""
    contact_point: AddressRef
    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    said: Literal[
        "requested",
        "granted",
        "denied",
        "withdrawn",
        "expired",
        "objected",
        "invalidated",
        "paused",
        "resumed",
        "signalled",
    ]
    actor: Literal["subject", "agent", "import", "provider", "system"]
    allowed: bool
    """What holds after it: a grant that undoes no denial changes nothing."""


class SendMessage(Contract):
    """Send one message to one address; the sender of `channel` obeys."""

    message_id: Uuid
    """The message's id; its outcomes come back as interactions that name it."""
    customer_id: CustomerId
    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    template: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
    """BCP 47, such as `pt-BR`."""
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """The name of a sender's channel."""
    contact_point: AddressRef
    """The address to send to, by its key."""
    data: dict[str, Any] = Field(default_factory=dict)
    """The template's variables and ids; no addresses."""
    expires_at: Time
    """Not to be sent after this."""
    template_version: str | None = None
    """The one that it was asked for with; absent for the one in force."""
    attempt: Annotated[int, Field(ge=1)] = 1
    """Which channel of this message it is: a fall-back is a further attempt."""
    why: list[list[str]] = Field(default_factory=list)
    """What was decided on the way, as `[at, what, why, channel]`, for the message's record."""
    attachments: list[str] = Field(default_factory=list)
    """Names under which files are kept."""


class DispatchMessage(Contract):
    """Look at a message that was asked for: whom, where and when, or nobody."""

    message_id: Uuid
    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """Picks the queue: what people wait for goes before what rests on their consent."""
    cause: Literal["asked", "due", "unread"]
    attempt: Annotated[int, Field(ge=0)]
    """How many channels had been tried then."""
