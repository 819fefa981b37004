"""Bodies of the routes about rules as pydantic models; see :mod:`enlace.api.models`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from enlace.api.models import Answer
from enlace.contracts.types import Contract, Text, Time

Count = Annotated[int, Field(ge=0)]


class RulesRequest(Contract):
    """A rules file."""

    text: Text
    """TOML, as `docs/identity.md` has it."""


class RulesJob(Answer):
    """How far what is stored has been brought to the rules in force."""

    state: Literal["pending", "running", "waiting", "done"]
    """`waiting`: everything is brought to them, and will be looked at once more when no
    function can have the former rules any longer."""
    started_at: Time | None
    finished_at: Time | None
    pass_: Annotated[Count, Field(alias="pass")]
    """Which walk over all identities this is."""
    seen: Count
    """Identifiers and components that this walk has looked at."""
    changed: Count
    merged: Count
    split: Count
    saturated: Count
    """Components that were too large to be written whole, and were left as they were."""


class RulesInForce(Answer):
    """The rules of identity in force."""

    version: str
    text: str
    activated_at: Time | None
    """Null while those that ship are in force."""
    activated_by: str | None
    previous_version: str | None
    job: RulesJob
