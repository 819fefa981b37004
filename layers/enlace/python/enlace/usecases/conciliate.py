"""An operator says that two identifiers are, or are not, the same person; and takes it back.

The decision becomes part of what the partition is computed from. Withdrawing it
removes it from there, so what was before comes back exactly; the log of who
decided what, why and when stays.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.change import Effect, GraphChange, evolve
from enlace.domain.evidence import Decision
from enlace.domain.interaction import Identifier
from enlace.domain.rules import Rules
from enlace.errors import Conflict, InvalidDecision, NotFound, TemporaryFailure
from enlace.usecases.graph import own_part, read_neighbourhood
from enlace.usecases.observe import sight
from enlace.usecases.ports import PutComponent, PutEntry, Store, UpdateRecord, Write

_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Conciliation:
    """What became of a decision.

    Parameters
    ----------
    id : str
        Of the decision; needed to withdraw it.
    customers : list of str
        Customer ids of the two identifiers now: one if they are the same customer.
    effects : list of Effect
        Customers merged or split, to be told on the bus.
    decided_at : str
        Contract time of the decision or of its withdrawal.
    """

    id: str
    customers: list[str]
    effects: list[Effect]
    decided_at: str


class Conciliator:
    """The conciliation use case.

    Parameters
    ----------
    store, keys, rules
        As for the resolver.
    now : callable
        Gives the current contract time.
    sleep : callable
        Waits some seconds between attempts at a contended component.
    """

    def __init__(
        self,
        store: Store,
        keys: AddressKeys,
        rules: Rules,
        *,
        now: Callable[[], str],
        sleep: Callable[[float], None],
    ):
        self._store = store
        self._keys = keys
        self._rules = rules
        self._now = now
        self._sleep = sleep

    def decide(
        self,
        decision: str,
        a: Identifier,
        b: Identifier,
        *,
        operator: str,
        reason: str,
        verified: bool = False,
        conciliation_id: str | None = None,
    ) -> Conciliation:
        """Record ``same`` or ``different``, and make the customers follow.

        Parameters
        ----------
        operator : str
            Id of the person who decides.
        verified : bool
            They checked it (this widens the proven circle), not merely believe it.
        conciliation_id : str, optional
            The caller's own id of the decision: asking twice decides once, and tells
            the first one's effects again, whose publication may have failed.

        Raises
        ------
        InvalidDecision
            If it is neither ``same`` nor ``different``, is about one identifier, or
            bears the id of another decision.
        NotFound
            If an identifier was never seen.
        ComponentSaturated
            If the two have too many identifiers to be one document.
        TemporaryFailure
            If the store did not do its part.
        """
        if decision not in ("same", "different"):
            raise InvalidDecision("decision: must be same or different")
        keys = sorted(sight(identifier, self._keys, self._rules)[0].key for identifier in (a, b))
        if keys[0] == keys[1]:
            raise InvalidDecision("a and b are the same identifier")
        now = self._now()
        id_ = conciliation_id or str(uuid.uuid4())
        known = self._store.get_entry(f"decision#{id_}") if conciliation_id else None
        if known:
            if [known["decision"], known["a"], known["b"]] != [decision, *keys]:
                raise InvalidDecision("this id belongs to another decision")
            records = self._store.get_identifiers(keys, consistent=True)
            owners = sorted({record.customer_id for record in records.values()})
            return Conciliation(id_, owners, known["effects"], known["decided_at"])
        made = Decision(id_, decision, keys[0], keys[1], operator, now, verified=verified)
        entry = {
            "id": made.id,
            "decision": decision,
            "a": made.a,
            "b": made.b,
            "operator": operator,
            "reason": reason,
            "verified": verified,
            "decided_at": now,
            "withdrawn_at": None,
        }
        change = GraphChange(decide=made)
        return self._apply(change, keys, PutEntry(f"decision#{id_}", entry, None), now)

    def withdraw(self, conciliation_id: str, *, operator: str) -> Conciliation:
        """Take a decision back; once is enough, twice changes nothing.

        Raises
        ------
        NotFound
            If there is no such decision.
        TemporaryFailure
            If the store did not do its part.
        """
        entry = self._store.get_entry(f"decision#{conciliation_id}")
        if entry is None:
            raise NotFound("no such conciliation")
        now = self._now()
        withdrawn = {**entry, "withdrawn_at": now, "withdrawn_by": operator}
        if entry["withdrawn_at"]:
            # The answer may have been lost, and the events with it: tell them again.
            withdrawn, now = entry, entry["withdrawn_at"]
        change = GraphChange(withdraw=conciliation_id)
        return self._apply(
            change,
            [entry["a"], entry["b"]],
            PutEntry(f"decision#{conciliation_id}", withdrawn, entry),
            now,
        )

    def _apply(self, change: GraphChange, keys: list[str], log: PutEntry, now: str) -> Conciliation:
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, 0.01 * 2**attempt))
            try:
                return self._attempt(change, keys, log, now)
            except Conflict:
                continue
        raise TemporaryFailure("others kept changing the same customer")

    def _attempt(
        self, change: GraphChange, keys: list[str], log: PutEntry, now: str
    ) -> Conciliation:
        touched = read_neighbourhood(self._store, keys)
        records = touched.records
        if len(records) < 2:
            raise NotFound("an identifier was never seen")
        evolution = evolve(touched.components, touched.loners, change, self._rules, now[:10])
        effects = evolution.effects
        entry: dict[str, Any] = log.after or {}
        field = "withdrawal_effects" if change.withdraw else "effects"
        if field in entry:
            effects = entry[field]
        else:
            entry = {**entry, field: effects}
            writes: list[Write] = [PutEntry(log.key, entry, log.before)]
            writes += [PutComponent(after, before) for before, after in evolution.components]
            writes += [
                UpdateRecord(key, before, after, own_part(records, key, before))
                for key, (before, after) in evolution.pointers.items()
                if before is not None
            ]
            self._store.commit(writes)
        customers = {
            key: evolution.pointers[key][1].customer_id
            if key in evolution.pointers
            else records[key].customer_id
            for key in keys
        }
        return Conciliation(entry["id"], sorted(set(customers.values())), effects, now)
