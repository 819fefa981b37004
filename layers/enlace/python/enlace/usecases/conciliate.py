"""An operator says that two identifiers are, or are not, the same person; and takes it back.

The decision becomes part of what the partition is computed from. Withdrawing it
removes it from there, so what was before comes back exactly; the log of who
decided what, why and when stays. Where the rules ask for a second approver, a
decision waits in the log alone, and changes nothing, until another operator
approves it. (docs/conciliation.md.)
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.change import GraphChange
from enlace.domain.evidence import Decision
from enlace.domain.interaction import Identifier
from enlace.domain.rules import Rules
from enlace.errors import (
    Conflict,
    InvalidDecision,
    NotFound,
    TemporaryFailure,
)
from enlace.usecases.conciliation_log import (
    PENDING_APPROVAL,
    WITHDRAWN,
    Entry,
    approved_by,
    decision_of,
    entry_key,
    entry_of,
    outcome_of,
    refused_now,
    state_of,
    waiting,
    waits_no_more,
)
from enlace.usecases.decided import listed
from enlace.usecases.decision_scope import (
    Conciliation,
    carried_out,
    joined_identifiers,
    keys_of,
    needs_approval,
)
from enlace.usecases.graph import Neighbourhood, own_part, read_neighbourhood
from enlace.usecases.ports import PutComponent, PutEntry, Store, UpdateRecord, Write

_ATTEMPTS = 10


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
        comparison: Mapping[str, Any] | None = None,
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
        comparison : mapping, optional
            How the two compared when it was decided (fields and levels, never values);
            kept in the log.

        Raises
        ------
        InvalidDecision
            If it is neither ``same`` nor ``different``, is about one identifier, or
            bears the id of another decision.
        NotFound
            If an identifier was never seen.
        ComponentSaturated
            If the two have too many identifiers to be one document.
        TooManyPending
            If it needs a second approver, and too many decisions wait for one.
        TemporaryFailure
            If the store did not do its part.
        """
        keys = keys_of(decision, a, b, self._keys, self._rules)
        now = self._now()
        id_ = conciliation_id or str(uuid.uuid4())
        made = Decision(id_, decision, keys[0], keys[1], operator, now, verified=verified)
        entry = entry_of(made, reason, comparison)
        # An id of our own is known to somebody else only if our first answer was lost.
        asked_before = conciliation_id is not None

        def attempt() -> Conciliation:
            nonlocal asked_before
            known = self._store.get_entry(entry_key(id_)) if asked_before else None
            asked_before = True
            if known:
                if [known["decision"], known["a"], known["b"]] != [decision, *keys]:
                    raise InvalidDecision("this id belongs to another decision")
                return self._told(known)
            touched = self._read(keys)
            identifiers = joined_identifiers(touched, made)
            if needs_approval(self._rules, identifiers):
                asked = {"identifiers": identifiers, "operator": None, "at": None}
                return self._wait({**entry, "approval": asked}, touched)
            return self._change(GraphChange(decide=made), touched, entry, None, now)

        return self._tried(attempt)

    def approve(self, conciliation_id: str, *, operator: str) -> Conciliation:
        """Put a decision in force that waits for a second operator.

        Approving it again tells its effects again, whose publication may have failed.

        Raises
        ------
        NotFound
            If there is no such decision, or an identifier is gone.
        SecondOperatorNeeded
            If ``operator`` is who decided.
        NotPending
            If it was withdrawn, approved by somebody else, or needs no approval.
        ComponentSaturated
            If the two have too many identifiers to be one document.
        TemporaryFailure
            If the store did not do its part.
        """
        now = self._now()

        def attempt() -> Conciliation:
            entry = self._entry(conciliation_id)
            approved = approved_by(operator, entry, now)
            if approved is None:
                return self._told(entry)
            touched = self._read([entry["a"], entry["b"]])
            change = GraphChange(decide=decision_of(entry))
            return self._change(change, touched, approved, entry, now)

        return self._tried(attempt)

    def withdraw(self, conciliation_id: str, *, operator: str) -> Conciliation:
        """Take a decision back; once is enough, twice changes nothing.

        Raises
        ------
        NotFound
            If there is no such decision.
        TemporaryFailure
            If the store did not do its part.
        """
        now = self._now()

        def attempt() -> Conciliation:
            entry = self._entry(conciliation_id)
            state = state_of(entry)
            if state == WITHDRAWN:
                # The answer may have been lost, and the events with it: tell them again.
                return self._told(entry)
            withdrawn = {**entry, "withdrawn_at": now, "withdrawn_by": operator}
            if state == PENDING_APPROVAL:
                # It was never in force: there is nothing to undo.
                withdrawn["withdrawal_effects"] = []
                put = PutEntry(entry_key(entry["id"]), withdrawn, entry)
                self._store.commit([put, *waits_no_more(self._store, entry)])
                return self._told(withdrawn)
            touched = read_neighbourhood(self._store, [entry["a"], entry["b"]])
            change = GraphChange(withdraw=entry["id"])
            return self._change(change, touched, withdrawn, entry, now)

        return self._tried(attempt)

    def _tried(self, attempt: Callable[[], Conciliation]) -> Conciliation:
        for number in range(_ATTEMPTS):
            if number:
                self._sleep(random.uniform(0, 0.01 * 2**number))
            try:
                # Each attempt reads the entry anew: others may have settled it meanwhile.
                return attempt()
            except Conflict:
                continue
        raise TemporaryFailure("others kept changing the same customer")

    def _entry(self, conciliation_id: str) -> Entry:
        entry = self._store.get_entry(entry_key(conciliation_id))
        if entry is None:
            raise NotFound("no such conciliation")
        return entry

    def _read(self, keys: list[str]) -> Neighbourhood:
        touched = read_neighbourhood(self._store, keys)
        if len(touched.records) < len(keys):
            raise NotFound("an identifier was never seen")
        return touched

    def _told(self, entry: Entry) -> Conciliation:
        """What became of a decision before, with the customers of now."""
        touched = read_neighbourhood(self._store, [entry["a"], entry["b"]])
        return Conciliation(
            entry["id"],
            sorted({record.customer_id for record in touched.records.values()}),
            *outcome_of(entry),
            state_of(entry),
            refused_now(touched.components, decision_of(entry), self._rules, self._now()[:10]),
        )

    def _wait(self, entry: Entry, touched: Neighbourhood) -> Conciliation:
        writes = [waiting(self._store, entry), *listed(self._store, entry)]
        self._store.commit([PutEntry(entry_key(entry["id"]), entry, None), *writes])
        customers = sorted({record.customer_id for record in touched.records.values()})
        return Conciliation(entry["id"], customers, [], entry["decided_at"], PENDING_APPROVAL)

    def _change(
        self,
        change: GraphChange,
        touched: Neighbourhood,
        after: Entry,
        before: Entry | None,
        now: str,
    ) -> Conciliation:
        """Write the entry, and what it changes, in one transaction."""
        records = touched.records
        evolution = carried_out(touched, change, self._rules, now[:10])
        told = "effects" if change.decide else "withdrawal_effects"
        after = {**after, told: evolution.effects}
        writes: list[Write] = [PutEntry(entry_key(after["id"]), after, before)]
        if before is None:
            writes += listed(self._store, after)
        elif state_of(before) == PENDING_APPROVAL:
            writes += waits_no_more(self._store, before)
        writes += [PutComponent(new, old) for old, new in evolution.components]
        writes += [
            UpdateRecord(key, old, new, own_part(records, key, old))
            for key, (old, new) in evolution.pointers.items()
            if old is not None
        ]
        self._store.commit(writes)
        moved = evolution.pointers
        customers = {
            moved[key][1].customer_id if key in moved else record.customer_id
            for key, record in records.items()
        }
        refused = None
        if change.decide:
            rebuilt = [new for _, new in evolution.components if new]
            refused = refused_now(rebuilt, change.decide, self._rules, now[:10])
        return Conciliation(
            after["id"], sorted(customers), evolution.effects, now, state_of(after), refused
        )
