"""What a decision would change, before anybody makes it. Nothing is written.

The same pure function that carries a decision out (:func:`enlace.domain.change.evolve`)
says here what it would do to what was read just now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.change import Evolution, GraphChange
from enlace.domain.circle import circle, tie_levels
from enlace.domain.component import Component
from enlace.domain.evidence import Decision, edge_key
from enlace.domain.interaction import Identifier
from enlace.domain.records import IdentifierRecord
from enlace.domain.refusal import Refusal, refusals
from enlace.domain.rules import Rules
from enlace.errors import Conflict, NotFound, TemporaryFailure
from enlace.usecases.decision_scope import (
    carried_out,
    joined_identifiers,
    keys_of,
    needs_approval,
)
from enlace.usecases.find_customer import ATTEMPTS, CHANGING, Parallel
from enlace.usecases.graph import Neighbourhood, read_neighbourhood
from enlace.usecases.ports import IdentityReader
from enlace.usecases.read_customer import ConsentReader
from enlace.usecases.read_history import HistoryReader, named

#: Interactions looked at of each contact point: there is no counter, since one would
#: cost every event a write.
MAX_INTERACTIONS = 25
#: Edges that come to be refused, or accepted, by the way.
MAX_EDGES = 20

_ID = "preview"
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _State:
    """The touched part of the graph, before or after.

    Parameters
    ----------
    customer_of : dict of address key to customer id
    refused : dict of edge key to Refusal
    ties : dict of edge key to level
    """

    customer_of: Mapping[str, str]
    refused: Mapping[Pair, Refusal]
    ties: Mapping[Pair, str]

    def members(self, customer_id: str) -> list[str]:
        return sorted(key for key, owner in self.customer_of.items() if owner == customer_id)


class Preview:
    """The use case of asking first.

    Parameters
    ----------
    identities, keys, rules
        As for the conciliator; nothing is written to them.
    history : HistoryReader
    now : callable
        Gives the current contract time.
    parallel : callable
        Runs reads side by side.
    consents : ConsentReader, optional
    """

    def __init__(
        self,
        identities: IdentityReader,
        keys: AddressKeys,
        rules: Rules,
        history: HistoryReader,
        *,
        now: Callable[[], str],
        parallel: Parallel,
        consents: ConsentReader | None = None,
    ):
        self._identities = identities
        self._keys = keys
        self._rules = rules
        self._history = history
        self._now = now
        self._parallel = parallel
        self._consents = consents

    def of(
        self, decision: str, a: Identifier, b: Identifier, *, verified: bool = False
    ) -> dict[str, Any]:
        """What the decision would change.

        Returns
        -------
        dict
            ``before`` and ``after``: the customers of both identifiers, and every other
            one that would change, with their identifiers; ``changes``: whether they
            differ; ``refused`` and ``refusal``: why a ``same`` would join nobody;
            ``by_the_way``: other evidence or decisions that it would make refused, or
            accepted; ``approval``: whether a second operator has to agree;
            ``proven_circle``: what may be disclosed to the two identifiers, where that
            changes; ``touches``: interactions, open protocols and consents of the
            contact points of customers that would change.

        Raises
        ------
        InvalidDecision
            If it is neither ``same`` nor ``different``, or about one identifier.
        NotFound
            If an identifier was never seen.
        ComponentSaturated
            If the two have too many identifiers to be one document.
        TemporaryFailure
            If a store did not do its part.
        """
        keys = keys_of(decision, a, b, self._keys, self._rules)
        now = self._now()
        made = Decision(_ID, decision, keys[0], keys[1], "", now, verified=verified)
        touched = self._read(keys)
        evolution = carried_out(touched, GraphChange(decide=made), self._rules, now[:10])
        before, after = self._states(touched, evolution, now[:10])
        identifiers = joined_identifiers(touched, made)
        moved = [
            (old.customer_id, new.customer_id)
            for old, new in evolution.pointers.values()
            if old is not None and old.customer_id != new.customer_id
        ]
        owners = set(before.customer_of.values())
        # Those that lose identifiers, and those that get them.
        changed = {id_ for ids in moved for id_ in ids if id_ in owners}
        shown = changed | {before.customer_of[key] for key in keys}
        members = sorted({key for owner in shown for key in before.members(owner)})
        own = edge_key(*keys)
        by_the_way = _by_the_way(before, after, own)
        wanted = {*members, *(key for pair, *_ in by_the_way for key in pair)}
        if own in after.refused:
            wanted.update(after.refused[own].keys)
        # Whoever joins one of them stays in the circles, which may reach beyond.
        circles = [(key, circle(before.ties, key), circle(after.ties, key)) for key in keys]
        wanted |= {key for _, old, new in circles for key in old | new}
        records = self._identities.get_identifiers(sorted(wanted), consistent=True)
        touching = [key for owner in changed for key in before.members(owner)]
        refusal = after.refused.get(own) if decision == "same" else None
        return {
            "decision": decision,
            "changes": bool(changed),
            "before": _customers(before, members, records),
            "after": _customers(after, members, records),
            "refused": refusal.reason if refusal else None,
            "refusal": refusal_told(refusal, records) if refusal else None,
            "by_the_way": [
                {
                    "between": _named(pair, records),
                    "becomes": becomes,
                    "reason": reason,
                }
                for pair, becomes, reason in by_the_way
            ],
            "approval": {
                "needed": needs_approval(self._rules, identifiers),
                "above_identifiers": self._rules.approval_above,
            },
            "proven_circle": [
                {
                    "of": named(records[key]),
                    "widens": not new <= old,
                    "before": _named(sorted(old), records),
                    "after": _named(sorted(new), records),
                }
                for key, old, new in circles
                if old != new
            ],
            "touches": self._touches(sorted(touching)),
        }

    def _read(self, keys: list[str]) -> Neighbourhood:
        for _ in range(ATTEMPTS):
            try:
                touched = read_neighbourhood(self._identities, keys)
            except Conflict:
                continue
            if len(touched.records) < len(keys):
                raise NotFound("an identifier was never seen")
            return touched
        raise TemporaryFailure(CHANGING)

    def _states(
        self, touched: Neighbourhood, evolution: Evolution, today: str
    ) -> tuple[_State, _State]:
        alone = {key: node.birth for key, node in touched.loners.items()}
        before = self._state(touched.components, alone, today)
        moved = {key: new.customer_id for key, (_, new) in evolution.pointers.items()}
        written = [new for _, new in evolution.components if new]
        # Components that a decision leaves as they are stay part of the picture.
        gone = {old.id for old, _ in evolution.components if old}
        kept = [component for component in touched.components if component.id not in gone]
        return before, self._state([*kept, *written], {**before.customer_of, **moved}, today)

    def _state(
        self, components: Sequence[Component], owners: Mapping[str, str], today: str
    ) -> _State:
        customer_of, refused, ties = dict(owners), {}, {}
        for component in components:
            customer_of.update(component.customer_of)
            refused.update(refusals(component, self._rules, today))
            accepted = component.partition(self._rules, today).accepted
            ties.update(tie_levels(component, accepted))
        return _State(customer_of, refused, ties)

    def _touches(self, points: list[str]) -> dict[str, Any]:
        newest = self._parallel(
            [partial(self._history.newest, key, MAX_INTERACTIONS) for key in points]
        )
        cases = self._parallel([partial(self._history.open_cases, key) for key in points])
        said = self._consents.states(points) if self._consents and points else {}
        return {
            "interactions": {
                "count": sum(len(one.items) for one in newest),
                "at_least": not all(one.complete for one in newest),
            },
            "open_protocols": sorted({case.protocol for found in cases for case in found}),
            # They stay with their addresses, whatever is decided.
            "consents": sum(len(consent.purposes) for consent in said.values()),
        }


def refusal_told(refusal: Refusal, records: Mapping[str, IdentifierRecord]) -> dict[str, Any]:
    """A refusal as the API tells it, with the identifiers that it rests on.

    Parameters
    ----------
    records : mapping
        Of ``refusal.keys``; an identifier that is not there is left out.
    """
    return {
        "reason": refusal.reason,
        "identifiers": _named(refusal.keys, records),
        "limit": refusal.limit,
        "fields": list(refusal.fields),
        "decisions": list(refusal.decisions),
    }


def _named(keys: Sequence[str], records: Mapping[str, IdentifierRecord]) -> list[dict[str, str]]:
    return [named(records[key]) for key in keys if key in records]


def _customers(
    state: _State, keys: Sequence[str], records: Mapping[str, IdentifierRecord]
) -> list[dict[str, Any]]:
    members: dict[str, list[str]] = {}
    for key in keys:
        members.setdefault(state.customer_of[key], []).append(key)
    return [
        {"customer_id": owner, "identifiers": _named(found, records)}
        for owner, found in sorted(members.items())
    ]


def _by_the_way(before: _State, after: _State, own: Pair) -> list[tuple[Pair, str, str | None]]:
    """Other edges whose fate a decision would change; the same identifiers throughout."""
    found: list[tuple[Pair, str, str | None]] = []
    for pair in sorted(before.refused.keys() | after.refused.keys()):
        was, becomes = before.refused.get(pair), after.refused.get(pair)
        if pair == own or (was is None) == (becomes is None):
            continue
        if becomes:
            found.append((pair, "refused", becomes.reason))
        else:
            found.append((pair, "accepted", None))
    return found[:MAX_EDGES]
