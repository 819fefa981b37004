"""Bodies of the routes about consent as pydantic models; see :mod:`enlace.api.models`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from enlace.api.models import Answer, IdentifierRequest
from enlace.contracts.types import Contract, Time

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class ConsentLookup(Contract):
    """Whose consent is asked for."""

    identifier: IdentifierRequest
    purpose: Word | None = None
    """With `channel`: only this one."""
    channel: Word | None = None


class ConsentRequest(Contract):
    """What somebody said."""

    identifier: IdentifierRequest
    channel: Word
    purpose: Word
    state: Literal["granted", "denied", "withdrawn", "resumed"]
    """`resumed` ends the pause after an ambiguous reply, once a person has read it."""
    actor: Literal["subject", "agent", "import"]
    evidence: dict[str, Any] = Field(default_factory=dict)
    """How the subject said it; a grant without it undoes no denial."""
    notice: dict[str, Any] = Field(default_factory=dict)
    """The privacy notice that was shown: `id`, `version`, `language`."""
    occurred_at: Time | None = None
    valid_until: Time | None = None


class EffectiveConsent(Answer):
    """What holds for one purpose on one channel."""

    purpose: str
    channel: str
    state: Literal["granted", "denied"]
    step: int
    """Of the evaluation: what decided; 0 where nothing is on record."""
    reason: str
    record: dict[str, Any] | None
    """The ledger entry that decided."""


class ConsentAnswer(EffectiveConsent):
    """What was recorded, and what holds."""

    consent_id: str
    conflict: bool
    """A grant that changed nothing, because a denial stands."""


class ConsentPage(Answer):
    """What holds for an address; with a purpose and a channel, that one's fields too."""

    items: list[EffectiveConsent]
    next_cursor: str | None
    purpose: str | None = None
    channel: str | None = None
    state: Literal["granted", "denied"] | None = None
    step: int | None = None
    reason: str | None = None
    record: dict[str, Any] | None = None
