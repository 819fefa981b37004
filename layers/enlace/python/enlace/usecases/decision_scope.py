"""What a decision is about, how many identifiers it would join, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from enlace.domain.address_key import AddressKeys
from enlace.domain.change import Effect, Evolution, GraphChange, evolve
from enlace.domain.evidence import Decision
from enlace.domain.interaction import Identifier
from enlace.domain.rules import Rules
from enlace.errors import ComponentSaturated, InvalidDecision
from enlace.usecases.conciliation_log import IN_FORCE
from enlace.usecases.graph import Neighbourhood
from enlace.usecases.observe import sight


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
        Contract time of the decision, of its approval or of its withdrawal.
    state : str
        ``pending_approval`` (nothing changed yet), ``in_force`` or ``withdrawn``.
    refused : str or None
        Why a ``same`` that is in force joins nobody all the same, as in
        :class:`enlace.domain.partition.Partition`.
    """

    id: str
    customers: list[str]
    effects: list[Effect]
    decided_at: str
    state: str = IN_FORCE
    refused: str | None = None


def keys_of(
    decision: str, a: Identifier, b: Identifier, keys: AddressKeys, rules: Rules
) -> list[str]:
    """The address keys, sorted, that a decision is about.

    Raises
    ------
    InvalidDecision
        If it is neither ``same`` nor ``different``, or about one identifier.
    """
    if decision not in ("same", "different"):
        raise InvalidDecision("decision: must be same or different")
    found = sorted(sight(identifier, keys, rules)[0].key for identifier in (a, b))
    if found[0] == found[1]:
        raise InvalidDecision("a and b are the same identifier")
    return found


def joined_identifiers(touched: Neighbourhood, decision: Decision) -> int:
    """How many identifiers the two customers have together that a ``same`` is to join.

    0 for a ``different``, and where they are one customer already.
    """
    if decision.decision != "same":
        return 0
    owners = {touched.records[key].customer_id for key in (decision.a, decision.b)}
    members = {
        key
        for component in touched.components
        for key, owner in component.customer_of.items()
        if owner in owners
    }
    return len(members | touched.records.keys()) if len(owners) > 1 else 0


def needs_approval(rules: Rules, identifiers: int) -> bool:
    """Whether a ``same`` that joins so many identifiers waits for a second approver.

    Also where a rule would refuse it today: it would join by itself once that rule,
    or what stands between the two, is gone.
    """
    return rules.approval_above is not None and identifiers > rules.approval_above


def carried_out(touched: Neighbourhood, change: GraphChange, rules: Rules, today: str) -> Evolution:
    """What a decision, or its withdrawal, makes of the graph.

    Raises
    ------
    ComponentSaturated
        If the two have too many identifiers to be one document.
    """
    try:
        return evolve(touched.components, touched.loners, change, rules, today)
    except ComponentSaturated:
        raise ComponentSaturated(
            "the two customers, and what was ever seen beside them, are too many "
            "identifiers to be joined"
        ) from None
