"""The log of operators' decisions: one entry each, and the list of those that wait.

An entry is written with whatever it changes, in one transaction, and never deleted:
who decided, why and when, who approved it, who took it back, and what each of these
did to customers. Of people who are erased the why goes (:mod:`enlace.usecases.decided`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from enlace.domain.change import Effect
from enlace.domain.component import Component
from enlace.domain.evidence import Decision, edge_key
from enlace.domain.records import IdentifierRecord
from enlace.domain.refusal import refusals
from enlace.domain.rules import Rules
from enlace.errors import (
    Conflict,
    InvalidPayload,
    NotFound,
    NotPending,
    SecondOperatorNeeded,
    TemporaryFailure,
    TooManyPending,
)
from enlace.usecases.find_customer import ATTEMPTS, CHANGING, Parallel
from enlace.usecases.graph import read_neighbourhood
from enlace.usecases.ports import PutEntry, Store
from enlace.usecases.read_history import named

PENDING_APPROVAL, IN_FORCE, WITHDRAWN = "pending_approval", "in_force", "withdrawn"

#: The one entry that names what waits for a second approver.
PENDING = "conciliations#pending"
#: More than operators could look through; the entry stays far below an item's size.
MAX_PENDING = 200
DEFAULT_LIMIT = 20
MAX_LIMIT = 50

Entry = dict[str, Any]


def entry_key(conciliation_id: str) -> str:
    """Where a decision's entry stands."""
    return f"decision#{conciliation_id}"


def state_of(entry: Mapping[str, Any]) -> str:
    """``pending_approval``, ``in_force`` or ``withdrawn``."""
    if entry["withdrawn_at"]:
        return WITHDRAWN
    approval = entry.get("approval")
    return PENDING_APPROVAL if approval and approval["operator"] is None else IN_FORCE


def entry_of(made: Decision, reason: str, comparison: Mapping[str, Any] | None) -> Entry:
    """The entry of a new decision."""
    entry: Entry = {
        "id": made.id,
        "decision": made.decision,
        "a": made.a,
        "b": made.b,
        "operator": made.operator,
        "reason": reason,
        "verified": made.verified,
        "decided_at": made.decided_at,
        "withdrawn_at": None,
    }
    return entry if comparison is None else {**entry, "comparison": dict(comparison)}


def approved_by(operator: str, entry: Entry, now: str) -> Entry | None:
    """The entry once ``operator`` has approved it; None where they have already.

    Raises
    ------
    SecondOperatorNeeded
        If ``operator`` is who decided.
    NotPending
        If it was withdrawn, approved by somebody else, or needs no approval.
    """
    approval = entry.get("approval")
    if approval is None:
        raise NotPending("this decision needs no second approver")
    if operator == entry["operator"]:
        raise SecondOperatorNeeded("another operator than who decided must approve it")
    if state_of(entry) == WITHDRAWN:
        raise NotPending("this decision was withdrawn")
    if approval["operator"] not in (None, operator):
        raise NotPending("another operator has approved this decision")
    if approval["operator"] == operator:
        return None
    return {**entry, "approval": {**approval, "operator": operator, "at": now}}


def outcome_of(entry: Entry) -> tuple[list[Effect], str]:
    """What the last step of a decision changed, and when it was taken."""
    if state_of(entry) == WITHDRAWN:
        return entry["withdrawal_effects"], entry["withdrawn_at"]
    at = (entry.get("approval") or {}).get("at")
    return entry.get("effects", []), at or entry["decided_at"]


def decision_of(entry: Mapping[str, Any]) -> Decision:
    """The decision as the partition knows it."""
    return Decision(
        entry["id"],
        entry["decision"],
        entry["a"],
        entry["b"],
        entry["operator"],
        entry["decided_at"],
        verified=entry["verified"],
    )


def waiting(store: Store, entry: Entry) -> PutEntry:
    """The write that lists a decision among those that wait.

    Raises
    ------
    TooManyPending
        If there is no more room.
    """
    known = store.get_entry(PENDING)
    listed = known["waiting"] if known else []
    if len(listed) >= MAX_PENDING:
        raise TooManyPending(
            f"{MAX_PENDING} decisions wait for a second approver: approve or withdraw some first"
        )
    return PutEntry(
        PENDING, {"waiting": sorted([*listed, [entry["decided_at"], entry["id"]]])}, known
    )


def waits_no_more(store: Store, entry: Entry) -> list[PutEntry]:
    """The write, if any, that takes a decision off the list."""
    known = store.get_entry(PENDING)
    listed = known["waiting"] if known else []
    left = [one for one in listed if one[1] != entry["id"]]
    if len(left) == len(listed):
        return []
    return [PutEntry(PENDING, {"waiting": left} if left else None, known)]


def refused_now(
    components: Sequence[Component], decision: Decision, rules: Rules, today: str
) -> str | None:
    """The reason for which a ``same`` decision joins nobody; None where it does."""
    if decision.decision != "same":
        return None
    pair = edge_key(decision.a, decision.b)
    for component in components:
        if decision.id in component.decisions:
            found = refusals(component, rules, today).get(pair)
            return found.reason if found else None
    return None


class ConciliationLog:
    """Reads decisions.

    Parameters
    ----------
    store, rules
        As for :class:`enlace.usecases.conciliate.Conciliator`.
    now : callable
        Gives the current contract time.
    parallel : callable
        Runs reads side by side.
    """

    def __init__(self, store: Store, rules: Rules, *, now: Callable[[], str], parallel: Parallel):
        self._store = store
        self._rules = rules
        self._now = now
        self._parallel = parallel

    def get(self, conciliation_id: str) -> dict[str, Any]:
        """One decision, with the customers that its identifiers belong to now.

        Raises
        ------
        NotFound
            If there is no such decision.
        TemporaryFailure
            If the store did not do its part.
        """
        entry = self._store.get_entry(entry_key(conciliation_id))
        if entry is None:
            raise NotFound("no such conciliation")
        for _ in range(ATTEMPTS):
            try:
                touched = read_neighbourhood(self._store, [entry["a"], entry["b"]])
            except Conflict:
                continue
            reason = refused_now(
                touched.components, decision_of(entry), self._rules, self._now()[:10]
            )
            return _shown(entry, touched.records, reason)
        raise TemporaryFailure(CHANGING)

    def pending(self, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> dict[str, Any]:
        """What waits for a second approver, longest first: ``{"items", "next_cursor"}``.

        Parameters
        ----------
        limit : int
            1 to :data:`MAX_LIMIT`.
        cursor : str, optional
            ``next_cursor`` of the page before.

        Raises
        ------
        InvalidPayload
            If the cursor is none that was given out.
        TemporaryFailure
            If the store did not do its part.
        """
        after = _position(cursor) if cursor else []
        known = self._store.get_entry(PENDING)
        listed = [one for one in (known["waiting"] if known else []) if one > after]
        page = listed[:limit]
        reads = [partial(self._store.get_entry, entry_key(id_)) for _, id_ in page]
        entries: list[Entry] = [
            # One that was settled since the list was read waits no more.
            entry
            for entry in self._parallel(reads)
            if entry and state_of(entry) == PENDING_APPROVAL
        ]
        keys = sorted({entry[end] for entry in entries for end in ("a", "b")})
        records = self._store.get_identifiers(keys, consistent=True) if keys else {}
        return {
            "items": [_shown(entry, records, None) for entry in entries],
            "next_cursor": _cursor(page[-1]) if len(listed) > limit else None,
        }


def _shown(
    entry: Entry, records: Mapping[str, IdentifierRecord], refused: str | None
) -> dict[str, Any]:
    ends = [entry["a"], entry["b"]]
    approval = entry.get("approval") or {}
    return {
        "conciliation_id": entry["id"],
        "state": state_of(entry),
        "decision": entry["decision"],
        # An identifier that was erased has no value any more.
        **{name: named(records[entry[name]]) if entry[name] in records else None for name in "ab"},
        "operator": entry["operator"],
        "reason": entry["reason"],
        "verified": entry["verified"],
        "decided_at": entry["decided_at"],
        "needs_approval": bool(approval),
        "approver": approval.get("operator"),
        "approved_at": approval.get("at"),
        "withdrawn_by": entry.get("withdrawn_by"),
        "withdrawn_at": entry["withdrawn_at"],
        "customers": sorted({records[key].customer_id for key in ends if key in records}),
        "refused": refused,
        "comparison": entry.get("comparison"),
    }


def _cursor(position: list[str]) -> str:
    return base64.urlsafe_b64encode("~".join(position).encode()).rstrip(b"=").decode()


def _position(cursor: str) -> list[str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    at, _, id_ = text.partition("~")
    if not at or not id_:
        raise InvalidPayload("cursor: must be the next_cursor of a page")
    return [at, id_]
