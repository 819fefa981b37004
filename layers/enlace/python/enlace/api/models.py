"""Bodies of the HTTP API as pydantic models: the source of its OpenAPI document.

The functions do not load them (see :mod:`enlace.api.fields`); the tests hold every
answer against them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from enlace.contracts.interaction import Level
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


class Actor(Answer):
    """Who reported an interaction."""

    kind: Literal["customer", "agent", "system"]
    """`customer`: whoever was at the other end of the contact point."""
    id: str | None
    """The agent's, where the channel gave it."""


class StepSource(Answer):
    """The first event that showed a step at one level."""

    level: Level
    event_id: str
    channel: str
    first_seen: Time
    contact_point: Named | None
    """What it came through; null once the event is gone."""
    actor: Actor | None


class DecisionEntry(Answer):
    """An operator's decision."""

    conciliation_id: str
    decision: Literal["same", "different"]
    operator: str
    reason: str | None
    decided_at: Time
    verified: bool
    approver: str | None
    """The second operator, where the rules asked for one."""
    approved_at: Time | None


class Refusal(Answer):
    """The rule that keeps two identifiers from being joined, and between whom."""

    reason: str
    """`limit:<kind>`, `limit:identifiers`, `different`, `contradiction`, `shared`, `hub`,
    `blocked`, `not_linking`, `below_min_level` or `expired`."""
    identifiers: list[Named]
    """Those that fill the limit, spoke the contradiction, are nobody's own, or were said to
    be two people."""
    limit: int | None
    fields: list[Literal["name", "birth_date"]]
    """What contradicts itself."""
    decisions: list[str]
    """Ids of the `different` decisions that stand between."""


class Step(Answer):
    """One piece of evidence on the way; `reason` is the rule that refused it."""

    from_: Annotated[Named | None, Field(alias="from")]
    to: Named | None
    accepted: bool
    reason: str | None
    refusal: Refusal | None
    level: Level | None
    first_seen: Time | None
    last_seen: Day | None
    sources: list[StepSource]
    decisions: list[DecisionEntry]


class Explanation(Answer):
    """Why two identifiers are, or are not, one customer."""

    customer_id: str
    same_customer: bool
    verdict: Literal["joined", "refused", "apart", "nothing"]
    """`refused`: there is evidence, and a rule against it; `apart`: only a `different` decision
    is about the two; `nothing` ties them."""
    level: Level | None
    """Of the weakest tie on the strongest path; null where they are not joined."""
    path: list[Step]
    apart: list[DecisionEntry]
    """`different` decisions that keep the two customers apart."""
    rules_version: str
    """Of the rules that accept and refuse."""
