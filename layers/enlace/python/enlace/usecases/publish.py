"""From what was recorded to the events on the bus, the same again at every redelivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from enlace.domain.change import Effect
from enlace.domain.envelope import AddressRef, Cause, Entry
from enlace.domain.erasure_events import customer_erased
from enlace.domain.events import (
    RESOLVER,
    contact_point_described,
    customer_created,
    customer_merged,
    customer_split,
    interaction_recorded,
)
from enlace.domain.opt_out import opt_out_in
from enlace.domain.rules import root
from enlace.domain.service import protocols_in
from enlace.usecases.resolve import Resolved


def resolved_entries(resolved: Resolved, recorded_at: str) -> list[Entry]:
    """The events of one recorded interaction: what happened, then what it changed."""
    interaction = resolved.interaction
    protocols = protocols_in(interaction.conversation, interaction.data)
    recorded = interaction_recorded(
        interaction,
        customer_id=resolved.customer_id,
        contact_point=AddressRef(interaction.contact_point.kind, resolved.contact_point),
        timeline_key=resolved.timeline_key,
        occurred_at=resolved.occurred_at,
        recorded_at=recorded_at,
        protocol=protocols[0] if protocols else None,
        open_case=resolved.open_case,
        opt_out=opt_out_in(interaction),
    )
    cause = Cause("interaction_id", interaction.id)
    return [
        recorded,
        *effect_entries(resolved.effects, cause, resolved.occurred_at, recorded_at),
    ]


def effect_entries(
    effects: Iterable[Effect],
    cause: Cause,
    occurred_at: str,
    recorded_at: str,
    source: str = RESOLVER,
    occasion: str = "",
) -> list[Entry]:
    """The events that tell what became of customers.

    Parameters
    ----------
    occasion : str
        Sets the ids of events apart whose cause can have the same effect again, as
        rules that are put in force a second time have.
    """
    return [_entry(effect, cause, occurred_at, recorded_at, source, occasion) for effect in effects]


def _entry(
    effect: Mapping[str, Any],
    cause: Cause,
    occurred_at: str,
    recorded_at: str,
    source: str,
    occasion: str,
) -> Entry:
    common: dict[str, Any] = {
        "customer_id": effect["customer_id"],
        "cause": cause,
        "occurred_at": occurred_at,
        "recorded_at": recorded_at,
        "source": source,
        "occasion": occasion,
    }
    if effect["effect"] == "created":
        key = effect["key"]
        # Born once: no occasion could be another.
        del common["occasion"]
        return customer_created(identifier=AddressRef(root(key, "#"), key), **common)
    if effect["effect"] == "merged":
        return customer_merged(
            merged=[id_ for id_ in effect["identifiers"] if id_ != effect["customer_id"]],
            evidence=[(a, b, level) for a, b, level in effect["evidence"]],
            identifiers=effect["identifiers"],
            **common,
        )
    if effect["effect"] == "described":
        key = effect["key"]
        return contact_point_described(contact_point=AddressRef(root(key, "#"), key), **common)
    if effect["effect"] == "erased":
        del common["occasion"]
        return customer_erased(**common)
    return customer_split(into=[(id_, keys) for id_, keys in effect["into"]], **common)
