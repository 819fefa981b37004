"""Record an interaction that says something new about who is who.

What it says goes into the graph, customers follow, and all is written together with the
interaction, so that a redelivery finds either nothing done or everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.change import Effect, GraphChange, described, evolve
from enlace.domain.claims import claims_of, compared
from enlace.domain.interaction import Interaction
from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import Rules
from enlace.errors import ComponentSaturated
from enlace.usecases.contact_point import new_record, with_observed_edges, with_observed_traits
from enlace.usecases.graph import neighbourhood_of, own_part
from enlace.usecases.observe import Observation, graph_edges, timeline_body
from enlace.usecases.pass_fence import fence_of, pass_fence, without_fenced
from enlace.usecases.ports import (
    CreateRecord,
    PutComponent,
    PutInteraction,
    Store,
    UpdateRecord,
    Write,
)


class RecordEvidence:
    """The part of the resolver that changes customers; parameters as for the resolver."""

    def __init__(self, store: Store, keys: AddressKeys, rules: Rules, *, today: Callable[[], str]):
        self._store = store
        self._keys = keys
        self._rules = rules
        self._today = today

    def __call__(
        self,
        interaction: Interaction,
        occurred_at: str,
        observation: Observation,
        recording: list[Write],
    ) -> tuple[IdentifierRecord, list[Effect], bool]:
        """Change the graph and record the interaction in one transaction.

        Parameters
        ----------
        recording : list of Write
            What records the interaction; the effects go into it.

        Returns
        -------
        (record, effects, saturated)
            The contact point's record as it is now; what became of customers; whether the
            evidence could not be added.

        Raises
        ------
        AlreadyRecorded
            If the interaction is recorded.
        Fenced
            If an erasure keeps it out.
        Conflict
            If anything is not as it was read.
        TemporaryFailure
            If the store did not do its part.
        """
        wanted = [sighting.key for sighting in observation.sightings()]
        states = self._store.get_states(wanted, consistent=True)
        # Asked again: what was read before may be older than the fence.
        pass_fence(self._store, interaction, occurred_at, states.get(wanted[0]))
        passed = without_fenced(observation, interaction, occurred_at, states)
        if passed is not observation:
            observation = passed
            recording = _with_body(recording, timeline_body(interaction, observation))
        sightings = {sighting.key: sighting for sighting in observation.sightings()}
        live = {
            key: state
            for key, state in states.items()
            if key in sightings and isinstance(state, IdentifierRecord)
        }
        touched = neighbourhood_of(self._store, live)
        components, loners, records = touched.components, touched.loners, touched.records
        # Born by no single interaction: the effects of this one tell of them.
        new = {
            key: new_record(
                self._keys,
                interaction,
                occurred_at,
                sighting,
                born_by="",
                fence=fence_of(states.get(key)),
            )
            for key, sighting in sightings.items()
            if key not in records
        }
        point = observation.contact_point
        key = point.key
        before = records.get(key) or new[key]
        after = with_observed_traits(before, interaction, occurred_at, point)
        claims = claims_of(after.traits)
        change = GraphChange(
            nodes={key: record.node for key, record in new.items()},
            edges=graph_edges(observation),
            seen_at=dict.fromkeys(sightings, occurred_at),
            claims={key: claims} if claims != before.node.claims else {},
        )
        saturated = False
        try:
            evolution = evolve(components, loners, change, self._rules, self._today())
        except ComponentSaturated:
            saturated = True
            evolution = evolve(
                components, loners, replace(change, edges={}), self._rules, self._today()
            )

        if not saturated:
            after = with_observed_edges(after, observation)
        # Nothing is recorded of somebody behind a fence who is erased at this moment.
        own_matters = bool(before.erased_before) or before.own_etag != after.own_etag
        writes: list[Write] = [PutComponent(now, was) for was, now in evolution.components]
        for moved, (was, pointer) in evolution.pointers.items():
            if moved in new:
                record = after if moved == key else new[moved]
                writes.append(CreateRecord(replace(record, pointer=pointer)))
            elif was is not None:
                writes.append(UpdateRecord(moved, was, pointer, own_part(records, moved, was)))
                if moved == key and own_matters:
                    writes[-1] = UpdateRecord(moved, was, pointer, (before, after))
        if key not in evolution.pointers and own_matters:
            writes.append(UpdateRecord(key, before.pointer, before.pointer, (before, after)))
        if key in evolution.pointers:
            after = replace(after, pointer=evolution.pointers[key][1])
        effects = evolution.effects
        if compared(after.traits) != compared(records[key].traits if key in records else {}):
            # Whoever looks from the contact point sees its whole component.
            own = next(
                (now.nodes for _, now in evolution.components if now and key in now.nodes), ()
            )
            effects = [e for e in effects if e["effect"] != "described" or e["key"] not in own]
            effects.append(described(after.customer_id, key))
        self._store.commit([*with_effects(recording, effects), *writes])
        return after, effects, saturated


def with_effects(recording: list[Write], effects: list[Effect]) -> list[Write]:
    """The writes that record an interaction, with what it changed in its timeline item."""
    return [
        PutInteraction(replace(write.item, effects=effects))
        if isinstance(write, PutInteraction)
        else write
        for write in recording
    ]


def _with_body(recording: list[Write], body: dict[str, Any]) -> list[Write]:
    return [
        PutInteraction(replace(write.item, body=body))
        if isinstance(write, PutInteraction)
        else write
        for write in recording
    ]
