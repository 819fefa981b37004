"""Record an interaction and keep the customers what the evidence says they are.

Record, then publish, then acknowledge: this module records. What it returns is
enough to publish, and is the same again when the queue delivers a second time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from enlace.domain.address_key import AddressKeys
from enlace.domain.change import Effect, created, described
from enlace.domain.claims import claims_of, compared
from enlace.domain.interaction import Interaction
from enlace.domain.records import IdentifierRecord, TimelineItem, covers
from enlace.domain.rules import Rules
from enlace.domain.trait_fields import field_of
from enlace.errors import AlreadyRecorded, Conflict, EnlaceError, TemporaryFailure
from enlace.usecases.contact_point import new_record, with_observed_traits
from enlace.usecases.observe import Observation, observe, timeline_body
from enlace.usecases.pass_fence import State, fence_of, pass_fence
from enlace.usecases.ports import (
    CreateRecord,
    PutInteraction,
    Store,
    UpdateRecord,
    Write,
)
from enlace.usecases.purchases import purchase_writes
from enlace.usecases.record_evidence import RecordEvidence, with_effects

#: What a batch has read: a key that is not in it must be read again, None is not there.
_Known = dict[str, State]

_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Resolved:
    """A recorded interaction.

    Parameters
    ----------
    customer_id : str
        Whose it is now.
    contact_point : str
        Address key.
    timeline_key : str
        Sort key of the timeline item.
    duplicate : bool
        It had been recorded before; publish again all the same.
    effects : list of Effect
        Customers that it created, merged or split.
    saturated : bool
        Its evidence could not be added; worth an alarm.
    open_case : bool
        Its customer was last heard to have an open case.
    """

    interaction: Interaction
    occurred_at: str
    customer_id: str
    contact_point: str
    timeline_key: str
    duplicate: bool
    effects: list[Effect]
    saturated: bool = False
    open_case: bool = False


class Resolver:
    """The resolve use case.

    Parameters
    ----------
    store : Store
    keys : AddressKeys
    rules : Rules
    today : callable
        Gives the current day, ``YYYY-MM-DD`` (UTC).
    sleep : callable
        Waits some seconds between attempts at a contended component.
    """

    def __init__(
        self,
        store: Store,
        keys: AddressKeys,
        rules: Rules,
        *,
        today: Callable[[], str],
        sleep: Callable[[float], None],
    ):
        self._store = store
        self._keys = keys
        self._rules = rules
        self._evolving = RecordEvidence(store, keys, rules, today=today)
        self._sleep = sleep

    def resolve_batch(self, interactions: Iterable[Interaction]) -> list[Resolved | EnlaceError]:
        """Record a batch with one read for all of its contact points.

        Returns
        -------
        list
            In the order given: what was recorded, or why an interaction was not.
        """
        prepared: list[tuple[Interaction, str, Observation] | EnlaceError] = []
        for interaction in interactions:
            try:
                prepared.append(self._prepare(interaction))
            except EnlaceError as error:
                prepared.append(error)
        points = {p[2].contact_point.key for p in prepared if not isinstance(p, EnlaceError)}
        try:
            found = self._store.get_states(points) if points else {}
        except TemporaryFailure as error:
            return [p if isinstance(p, EnlaceError) else error for p in prepared]
        known: _Known = {key: found.get(key) for key in points}
        results: list[Resolved | EnlaceError] = []
        for item in prepared:
            if isinstance(item, EnlaceError):
                results.append(item)
                continue
            try:
                results.append(self._resolve(*item, known))
            except EnlaceError as error:
                results.append(error)
        return results

    def resolve(self, interaction: Interaction) -> Resolved:
        """Record one interaction.

        Raises
        ------
        InvalidInteraction
            If it can never be recorded.
        Fenced
            If an erasure keeps it out.
        TemporaryFailure
            If the store did not do its part, or others kept changing the same
            component for all of ten attempts.
        """
        result = self.resolve_batch([interaction])[0]
        if isinstance(result, EnlaceError):
            raise result
        return result

    def _prepare(self, interaction: Interaction) -> tuple[Interaction, str, Observation]:
        occurred_at = interaction.occurred_at
        if occurred_at is None:
            point = observe(
                replace(interaction, identifiers=()), "", self._keys, self._rules
            ).contact_point
            occurred_at = self._store.pin_time(point.key, interaction.id, interaction.received_at)
        return interaction, occurred_at, observe(interaction, occurred_at, self._keys, self._rules)

    def _resolve(
        self,
        interaction: Interaction,
        occurred_at: str,
        observation: Observation,
        known: _Known,
    ) -> Resolved:
        point = observation.contact_point.key
        state = known[point] if point in known else self._read(point)
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, 0.01 * 2**attempt))
                state = self._read(point)
            try:
                resolved, state = self._attempt(interaction, occurred_at, observation, state)
            except Conflict:
                continue
            if resolved.effects:
                # Customers of the batch's other contact points may have changed with it.
                known.clear()
            for sighting in observation.others:
                known.pop(sighting.key, None)
            known[point] = state
            return resolved
        raise TemporaryFailure("others kept changing the same customer")

    def _read(self, key: str) -> State:
        return self._store.get_states([key], consistent=True).get(key)

    def _attempt(
        self,
        interaction: Interaction,
        occurred_at: str,
        observation: Observation,
        state: State,
    ) -> tuple[Resolved, IdentifierRecord]:
        point = observation.contact_point
        record = pass_fence(self._store, interaction, occurred_at, state)
        item = TimelineItem(
            pk=point.key,
            sk=f"{occurred_at}#{interaction.id}",
            body=timeline_body(interaction, observation),
        )
        recording: list[Write] = [
            PutInteraction(item),
            *purchase_writes(self._store, interaction, occurred_at, point.key),
        ]
        effects: list[Effect] = []
        saturated = duplicate = False
        after = record and with_observed_traits(record, interaction, occurred_at, point)
        try:
            if record is None and not observation.others:
                record = new_record(
                    self._keys,
                    interaction,
                    occurred_at,
                    point,
                    born_by=interaction.id,
                    fence=fence_of(state),
                )
                # Two idempotent writes and no transaction: half the price, and a
                # crash between them leaves what the redelivery completes.
                self._store.commit([CreateRecord(record)])
                self._store.commit(recording)
            elif record and after and self._quiet(record, observation, occurred_at, after):
                if after is not record or record.erased_before:
                    update = UpdateRecord(
                        record.key, record.pointer, record.pointer, (record, after)
                    )
                    if compared(after.traits) != compared(record.traits):
                        # In one transaction, so that a redelivery still tells of it.
                        effects = [described(record.customer_id, record.key)]
                        recording = [*with_effects(recording, effects), update]
                    elif record.erased_before:
                        # Nothing is recorded of somebody who is erased at this moment.
                        recording = [*recording, update]
                    else:
                        self._store.commit([update])
                    record = after
                self._store.commit(recording)
            else:
                record, effects, saturated = self._evolving(
                    interaction, occurred_at, observation, recording
                )
        except AlreadyRecorded as error:
            duplicate, effects = True, error.effects
            # What it changed may have been done by this very call, whose acknowledgement was
            # lost: then what was read before names a customer that is no more.
            if record is None or effects:
                state = self._read(point.key)
                record = state if isinstance(state, IdentifierRecord) else None
            if record is None:
                raise Conflict("an interaction without its contact point") from error
        if record.born_by == interaction.id:
            told = [created(record.birth, record.key)]
            if any(map(field_of, interaction.traits)):
                told.append(described(record.birth, record.key))
            effects = [*told, *effects]
        return Resolved(
            interaction=interaction,
            occurred_at=occurred_at,
            customer_id=record.customer_id,
            contact_point=point.key,
            timeline_key=item.sk,
            duplicate=duplicate,
            effects=effects,
            saturated=saturated,
            open_case=record.hint is not None and record.hint.open_case,
        ), record

    def _quiet(
        self,
        record: IdentifierRecord,
        observation: Observation,
        occurred_at: str,
        after: IdentifierRecord,
    ) -> bool:
        """Whether the observation says nothing that could change a customer.

        ``after`` is the record with what the interaction says about the person.
        """
        if record.pointer.first_seen > occurred_at or not all(
            covers(record.seen, key, edge) for key, edge in observation.edges.items()
        ):
            return False
        # Nobody else is judged by the claims of a contact point that stands alone.
        return (
            after is record
            or record.pointer.component is None
            or claims_of(after.traits) == claims_of(record.traits)
        )
