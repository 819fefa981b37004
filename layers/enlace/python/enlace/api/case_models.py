"""Bodies of the routes about cases (see :mod:`enlace.api.models`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from enlace.api.models import Answer, Named
from enlace.contracts.events import ProtocolNumber
from enlace.contracts.interaction import Interaction, Level, Nature
from enlace.contracts.types import Contract, Text, Time

Name = Annotated[Text, Field(min_length=1, max_length=128, pattern=r"\S")]
Reason = Annotated[Text, Field(min_length=1, max_length=1000, pattern=r"\S")]


class AssignRequest(Contract):
    """Who works on the case from now on."""

    to: Name
    """An agent's or a queue's id."""
    reason: Reason | None = None


class TransferRequest(AssignRequest):
    """Who takes it over, and on which channel it goes on."""

    channel: Name | None = None


class CaseReasonRequest(Contract):
    """Why."""

    reason: Reason | None = None


class Opener(Named):
    """The contact point that opened the case, and how."""

    level: Level | None
    channel: str | None
    interaction_id: str


class CaseSummary(Answer):
    """Where a case stands."""

    protocol: ProtocolNumber
    state: Literal["open", "closed"]
    state_since: Time
    nature: Nature | None
    opened_at: Time
    last_contact_at: Time
    customer_id: str
    """Whose the contact point that opened it is now."""
    opener: Opener
    assignee: str | None
    team: str | None
    """Channel or team, where it was transferred to one."""
    follows: ProtocolNumber | None
    """The closed case that it goes on from."""
    related: list[ProtocolNumber]
    """The customer's other open cases when it was opened."""


class CaseChange(Answer):
    """Something that was done about a case."""

    change_id: str
    kind: Literal["assigned", "transferred", "answered", "closed", "reopened"]
    at: Time
    by: str
    to: str | None
    channel: str | None
    reason: str | None


class CaseContact(Answer):
    """An interaction of the case."""

    occurred_at: Time
    joined_by: Literal["opened", "reference", "thread", "window"]
    customer_id: str
    """Whose its contact point is now."""
    interaction: Interaction | None
    """Null where the contact point is another customer's now: what was said is theirs."""


class CaseDetail(CaseSummary):
    """A case with its history and its thread, both newest first."""

    history: Annotated[list[CaseChange], Field(max_length=50)]
    items: list[CaseContact]
    next_cursor: str | None
    """For the next page of the thread; null at the end."""
