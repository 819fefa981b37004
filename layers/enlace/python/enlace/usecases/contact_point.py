"""An identifier's own record: born with its first interaction, and what it has shown since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from enlace.domain.address_key import AddressKeys
from enlace.domain.interaction import Interaction
from enlace.domain.records import IdentifierRecord, Pointer, with_seen, with_traits
from enlace.usecases.observe import Observation, Sighting

#: Edges cached on a contact point; a busier one reads its component each time.
_MAX_SEEN = 60


def new_record(
    keys: AddressKeys,
    interaction: Interaction,
    occurred_at: str,
    sighting: Sighting,
    *,
    born_by: str,
    fence: str = "",
) -> IdentifierRecord:
    """The record of an identifier that was never seen, under a newly minted customer id.

    Parameters
    ----------
    born_by : str
        Id of the interaction if it is the identifier's own (its contact point, alone);
        empty where the effects of the interaction tell of the birth.
    fence : str
        That of the tombstone, if any, in whose place it comes: it goes on keeping out what
        is of somebody erased.
    """
    birth = keys.mint_customer_id(sighting.key)
    record = IdentifierRecord(
        key=sighting.key,
        kind=sighting.kind,
        value=sighting.value,
        raw=sighting.raw,
        birth=birth,
        born_by=born_by,
        pointer=Pointer(occurred_at, birth, blocked=sighting.blocked),
        erased_before=fence,
        returned_after=fence,
    )
    return with_observed_traits(record, interaction, occurred_at, sighting) if born_by else record


def with_observed_traits(
    record: IdentifierRecord, interaction: Interaction, occurred_at: str, point: Sighting
) -> IdentifierRecord:
    """The contact point's record with what the interaction says about the person."""
    if not interaction.traits:
        return record
    traits = with_traits(
        record.traits, interaction.traits, occurred_at, point.level, interaction.channel
    )
    return record if traits is record.traits else replace(record, traits=traits)


def with_observed_edges(record: IdentifierRecord, observation: Observation) -> IdentifierRecord:
    """The contact point's record, remembering the edges that it has shown."""
    seen: Mapping[str, Mapping[str, str]] = record.seen
    for key, edge in observation.edges.items():
        if key in seen or len(seen) < _MAX_SEEN:
            seen = with_seen(seen, key, edge)
    return record if seen is record.seen else replace(record, seen=seen)
