"""Answers of the routes about decisions as pydantic models; see :mod:`enlace.api.models`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from enlace.api.models import Answer, Named, Refusal
from enlace.contracts.types import Time
from enlace.usecases.conciliation_log import MAX_LIMIT

State = Literal["pending_approval", "in_force", "withdrawn"]
Customers = Annotated[list[str], Field(max_length=2)]


class ConciliationAnswer(Answer):
    """What became of a decision."""

    conciliation_id: str
    customers: Customers
    """Of the two identifiers, now."""
    state: State
    """`pending_approval`: nothing has changed, and another operator has to approve it."""
    refused: str | None
    """Why a `same` that is in force joins nobody all the same; null where it joins."""


class ConciliationEntry(ConciliationAnswer):
    """A decision, and what became of it."""

    decision: Literal["same", "different"]
    a: Named | None
    """Null once it was erased."""
    b: Named | None
    operator: str
    reason: str
    verified: bool
    decided_at: Time
    needs_approval: bool
    approver: str | None
    approved_at: Time | None
    withdrawn_by: str | None
    withdrawn_at: Time | None
    comparison: dict[str, Any] | None
    """How the two compared when it was decided: fields and levels."""


class ConciliationPage(Answer):
    """Decisions that wait for a second approver, longest first."""

    items: Annotated[list[ConciliationEntry], Field(max_length=MAX_LIMIT)]
    next_cursor: str | None


class PreviewedCustomer(Answer):
    """A customer with those of its identifiers that are looked at."""

    customer_id: str
    identifiers: list[Named]


class ChangedEdge(Answer):
    """Other evidence, or another decision, whose fate would change."""

    between: list[Named]
    becomes: Literal["accepted", "refused"]
    reason: str | None


class ApprovalAsked(Answer):
    """Whether a second operator has to agree."""

    needed: bool
    above_identifiers: int | None
    """Customers with more identifiers together need one; null: never."""


class ChangedCircle(Answer):
    """What may be disclosed to one of the two identifiers."""

    of: Named
    widens: bool
    before: list[Named]
    after: list[Named]


class InteractionCount(Answer):
    """Interactions that would be seen under another customer."""

    count: Annotated[int, Field(ge=0)]
    at_least: bool
    """There are more: the newest of each contact point are counted."""


class Touches(Answer):
    """What belongs to customers that would change; none of it is moved."""

    interactions: InteractionCount
    open_protocols: list[str]
    consents: int
    """Purposes and channels that something is on record about; they stay with their addresses."""


class ConciliationPreview(Answer):
    """What a decision would change."""

    decision: Literal["same", "different"]
    changes: bool
    """Whether any identifier would belong to another customer."""
    before: list[PreviewedCustomer]
    after: list[PreviewedCustomer]
    refused: str | None
    """Why a `same` would join nobody."""
    refusal: Refusal | None
    by_the_way: list[ChangedEdge]
    approval: ApprovalAsked
    proven_circle: list[ChangedCircle]
    """Only where it changes."""
    touches: Touches
