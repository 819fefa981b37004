"""Answers of the route about candidates as pydantic models; see :mod:`enlace.api.models`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from enlace.api.models import Answer, Named
from enlace.contracts.types import Time
from enlace.usecases.candidates_view import MAX_LIMIT


class CandidateReason(Answer):
    """What one field says for or against the two being one person."""

    field: str
    level: str
    """How it agrees: `exact`, `close`, `different` and others."""
    weight: float
    """In bits; below zero it speaks against."""
    a: str | None
    """What `a` says in the field; null where the reason is no field of its own."""
    b: str | None


class CandidatePair(Answer):
    """Two identifiers that may be one person."""

    a: Named
    b: Named
    customer_a: str
    customer_b: str
    probability: Annotated[float, Field(ge=0, le=1)] | None
    """Of being one person; null where the two have no field in common."""
    score: float | None
    """Sum of the weights, in bits."""
    reasons: list[CandidateReason]
    """The weightiest first."""
    source: Literal["likeness", "rule"]
    rule: str | None
    """What refused the evidence between the two; null for mere likeness."""
    found_at: Time


class CandidatePage(Answer):
    """Candidates, best first."""

    items: Annotated[list[CandidatePair], Field(max_length=MAX_LIMIT)]
    next_cursor: str | None
