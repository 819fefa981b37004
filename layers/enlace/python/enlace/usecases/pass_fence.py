"""What the resolver asks of an identifier's fence before it records anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from enlace.domain.fence import FENCED, doubtful, refusal
from enlace.domain.interaction import Interaction
from enlace.domain.records import IdentifierRecord, Tombstone
from enlace.errors import Fenced
from enlace.usecases.observe import Observation

State = IdentifierRecord | Tombstone | None


class Pins(Protocol):
    """What erasures leave of interactions that came with a time still to come."""

    def is_pinned(self, pk: str, interaction_id: str) -> bool:
        """Whether an interaction has left a pin: it was received before."""


def pass_fence(
    pins: Pins, interaction: Interaction, occurred_at: str, state: State
) -> IdentifierRecord | None:
    """The contact point's live record, if it may be recorded with.

    Raises
    ------
    Fenced
        If it may not.
    TemporaryFailure
        If the store does not answer.
    """
    record = None if isinstance(state, Tombstone) else state
    if state is None or not state.erased_before:
        return record
    known, before = record is not None, state.erased_before
    level = interaction.contact_point.level
    outcome = refusal(interaction, occurred_at, level, before, known=known)
    if not outcome and doubtful(interaction, occurred_at, before, known=known):
        outcome = FENCED if pins.is_pinned(state.key, interaction.id) else ""
    if outcome:
        raise Fenced(outcome)
    return record


def without_fenced(
    observation: Observation,
    interaction: Interaction,
    occurred_at: str,
    states: Mapping[str, IdentifierRecord | Tombstone],
) -> Observation:
    """The observation without further identifiers whose fences keep it out.

    Of a contact point that is being erased it is without any: nobody would know whose they
    were when the erasure gets there.
    """
    if _being_erased(states.get(observation.contact_point.key)):
        return replace(observation, others=(), edges={})
    kept = tuple(
        other
        for other in observation.others
        if (state := states.get(other.key)) is None
        or not state.erased_before
        or not refusal(
            interaction,
            occurred_at,
            other.level,
            state.erased_before,
            known=isinstance(state, IdentifierRecord),
        )
    )
    if len(kept) == len(observation.others):
        return observation
    edges = {other.key: observation.edges[other.key] for other in kept}
    return replace(observation, others=kept, edges=edges)


def _being_erased(state: State) -> bool:
    return isinstance(state, IdentifierRecord) and state.erased_before > state.returned_after


def fence_of(state: State) -> str:
    """The fence that a new record inherits; "" where there is none."""
    return state.erased_before if state else ""
