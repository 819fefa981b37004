"""The unified interaction: the contract of the queue, replay files and the API.

The hot path reads it with :func:`enlace.domain.interaction.parse_interaction`;
``tests/contract/test_interaction_equality.py`` proves that both accept the same
objects and make the same of them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from enlace.contracts.types import (
    ENCODABLE,
    Contract,
    EmptyObject,
    EmptyText,
    Kind,
    Time,
    Uuid,
    null_for,
)
from enlace.domain.interaction import interaction_id

Level = Literal["proven", "stated", "imported"]
Direction = Literal["inbound", "outbound"]
Nature = Literal["praise", "information", "complaint", "suggestion"]

InteractionType = Literal[
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

Channel = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.\-]{0,63}$", examples=["whatsapp"])]
ShortText = Annotated[str, Field(min_length=1, max_length=512), ENCODABLE]
AmountMinor = Annotated[int, Field(ge=0, le=10**15)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["BRL"])]


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


class Identifier(Contract):
    """Something that names a person on a channel."""

    kind: Kind
    """`email`, `phone`, `cpf` …; scoped kinds carry their issuer: `messenger:<page>`."""
    value: Annotated[
        str, Field(min_length=1, max_length=512), ENCODABLE, AfterValidator(_not_blank)
    ]
    """As the channel gave it; the resolver normalises."""
    level: Level = "stated"
    """`proven` by the channel itself, `stated` by somebody, `imported` from a system."""


class Money(Contract):
    """An amount of money."""

    amount: AmountMinor
    """Minor units (centavos), 0 or more."""
    currency: Currency
    """ISO 4217."""


class Store(Contract):
    """Where something was bought."""

    kind: Literal["own", "partner", "online"] | None = None
    id: ShortText | None = None


class PurchaseItem(Contract):
    """One line of an order."""

    sku: ShortText | None = None
    name: ShortText | None = None
    category: ShortText | None = None
    quantity: (
        Annotated[int, Field(gt=0, le=10**9)] | Annotated[float, Field(gt=0, le=10**9)] | None
    ) = None
    """A fraction where goods are sold by weight."""
    unit_price: AmountMinor | Money | None = None
    """Minor units of the order's currency, or with a currency of its own."""


class Purchase(Contract):
    """`data` of `order.*`. What is present must be right, or the interaction is refused."""

    order_id: ShortText | None = None
    value: Money | None = None
    """The order's total; without it the order is a contact, and counts for no value."""
    store: Store | None = None
    items: Annotated[list[PurchaseItem], Field(max_length=500)] | None = None


class Cart(Contract):
    """`data` of `cart.updated` and `cart.abandoned`; what is worded differently is left out."""

    cart_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Without it the cart is a contact, and nobody can go on with it. An `order.placed` or
    `order.paid` with the same `cart_id` ends it, through whichever contact point."""
    kind: Literal["cart", "booking"] | None = None
    value: Money | None = None
    items: list[PurchaseItem] | None = None
    """An empty list in `cart.updated` ends it."""
    resume_url: Annotated[str, Field(max_length=1024, pattern="^https://")] | None = None
    """An `https` link at which the customer goes on, on any channel."""


class Service(Contract):
    """`data` of service contacts; a word that is not listed decides nothing."""

    nature: Nature | None = None
    text: str | None = None
    attachments: list[Any] | None = None


class Campaign(Contract):
    """`data` of campaign contacts."""

    campaign_id: ShortText | None = None
    medium: ShortText | None = None
    subject: ShortText | None = None
    message: ShortText | None = None
    period: ShortText | None = None


def _check_purchase(data: dict[str, Any]) -> None:
    try:
        Purchase.model_validate(data)
    except ValidationError as error:
        # Its own text quotes the values; names of fields are all that may go out.
        fields = sorted({".".join(["data", *map(str, e["loc"])]) for e in error.errors()})
        raise ValueError(f"not a purchase: {', '.join(fields)}") from None


class Interaction(Contract):
    """One thing that happened between a customer and the company."""

    id: Uuid | None = None
    """UUIDv5 of channel, account and `source_id`; may be left out when that is given."""
    source_id: Annotated[str, Field(max_length=512), ENCODABLE] | None = None
    """The vendor's own id of the event: the same in a redelivery."""
    channel: Channel
    """The channel's name."""
    account: EmptyText = ""
    """Our number, page or bot at the vendor."""
    type: InteractionType
    """What happened, in the past tense."""
    direction: Direction = "inbound"
    """`inbound` from the customer, `outbound` from us."""
    occurred_at: Time | None = None
    """The vendor's own time; absent where the vendor sends none."""
    received_at: Time | None = None
    """When our edge got it; filled in on receipt."""
    contact_point: Identifier
    """The identifier through which it came."""
    identifiers: Annotated[list[Identifier], Field(max_length=20), null_for(list)] = Field(
        default_factory=list
    )
    """Further identifiers that it carries, each with its level: the evidence."""
    traits: EmptyObject = Field(default_factory=dict)
    """What it tells about the person, such as `name`; joins nobody."""
    conversation: EmptyObject = Field(default_factory=dict)
    """`id` of the vendor's thread, `protocol` of our case."""
    data: EmptyObject = Field(default_factory=dict)
    """What is particular to the type: see the shapes below."""

    @model_validator(mode="after")
    def _identify(self) -> Self:
        if self.id is None:
            if not self.source_id:
                raise ValueError("give an id or a source_id")
            self.id = interaction_id(self.channel, self.account, self.source_id)
        if self.type.startswith("order."):
            _check_purchase(self.data)
        return self

    def normalised(self, received_at: str) -> dict[str, Any]:
        """The object as the queue carries it: defaults filled in, empty fields left out.

        Parameters
        ----------
        received_at : str
            Contract time to use where the object has none of its own.
        """
        body = self.model_dump(exclude_none=False)
        body["received_at"] = self.received_at or received_at
        body["traits"], body["conversation"] = self.traits, self.conversation
        body["data"] = self.data
        for name in ("source_id", "occurred_at"):
            if body[name] is None:
                del body[name]
        for name in ("identifiers", "traits", "conversation", "data"):
            if not body[name]:
                del body[name]
        return body
