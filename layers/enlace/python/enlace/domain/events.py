"""What Enlace says on the bus: one constructor per event, built without pydantic.

The producers' side of the contracts in ``docs/events.md``. It needs the standard
library only, since the resolver pays for every import at each cold start; the
pydantic models of the same events are :mod:`enlace.contracts.events`, and the
contract tests hold the two against each other.

An event's id is made from its cause alone. A crash between recording and
acknowledging ends in a redelivery, which publishes the event again under the
same id, and consumers drop what they have handled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from enlace.domain.envelope import (
    AddressRef,
    Cause,
    Entry,
    envelope,
    event_id,
)
from enlace.domain.interaction import Interaction
from enlace.domain.protocol import normalise_protocol
from enlace.domain.service import is_request, nature_of

INTERACTION_RECORDED = "interaction.recorded"
CUSTOMER_CREATED = "customer.created"
CUSTOMER_MERGED = "customer.merged"
CUSTOMER_SPLIT = "customer.split"
CONTACT_POINT_DESCRIBED = "contact_point.described"
RULES_ACTIVATED = "rules.activated"
CASE_OPENED = "case.opened"
CASE_ASSIGNED = "case.assigned"
CASE_TRANSFERRED = "case.transferred"
CASE_CLOSED = "case.closed"
CASE_REOPENED = "case.reopened"

RESOLVER = "enlace.resolve_identity"
DISPATCHER = "enlace.dispatch_message"


def interaction_recorded(
    interaction: Interaction,
    *,
    customer_id: str,
    contact_point: AddressRef,
    timeline_key: str,
    occurred_at: str,
    recorded_at: str,
    protocol: str | None = None,
    open_case: bool = False,
    opt_out: str | None = None,
    source: str = RESOLVER,
) -> Entry:
    """An interaction is in the timeline.

    Parameters
    ----------
    occurred_at : str
        The time of the timeline item: the vendor's, or the pinned first receipt
        where the vendor sends none.
    protocol : str, optional
        As the contact said it, in its own field or in its text. Only a possible
        number of ours goes on: anything else is somebody's free text, and may be of
        any size or a person's.
    opt_out : str, optional
        ``stop`` or ``ambiguous``: the text asks not to be written to, or may ask it;
        ``start``: it takes that back; ``signal``: a browser's privacy signals came along.
    open_case : bool
        The customer was last heard to have an open case, which this may belong to.
    """
    data = {
        "interaction_id": interaction.id,
        "customer_id": customer_id,
        "channel": interaction.channel,
        "account": interaction.account,
        "type": interaction.type,
        "direction": interaction.direction,
        "occurred_at": occurred_at,
        "contact_point": {"kind": contact_point[0], "key": contact_point[1]},
        "timeline_key": timeline_key,
        "protocol": normalise_protocol(protocol) if protocol else None,
        "nature": nature_of(interaction.data),
        # What may be an opt-out and may be something else, somebody has to read.
        "request": is_request(interaction.data) or opt_out == "ambiguous",
        "open_case": open_case,
        "opt_out": opt_out,
    }
    return envelope(
        INTERACTION_RECORDED,
        data,
        source=source,
        event_id=event_id(INTERACTION_RECORDED, interaction.id),
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        correlation_id=interaction.id,
        causation_id=interaction.id,
    )


def customer_created(
    *,
    customer_id: str,
    identifier: AddressRef,
    cause: Cause,
    occurred_at: str,
    recorded_at: str,
    source: str = RESOLVER,
) -> Entry:
    """A customer is known for the first time, by one identifier."""
    data = {
        "customer_id": customer_id,
        "identifier": {"kind": identifier[0], "key": identifier[1]},
        "cause": {cause[0]: cause[1]},
    }
    # A customer is born once, so its id suffices; two interactions that raced
    # for the birth must not announce it twice.
    id_ = event_id(CUSTOMER_CREATED, customer_id)
    return _caused(CUSTOMER_CREATED, data, id_, cause, occurred_at, recorded_at, source)


def customer_merged(
    *,
    customer_id: str,
    merged: Iterable[str],
    cause: Cause,
    evidence: Iterable[tuple[str, str, str]],
    identifiers: Mapping[str, Iterable[str]],
    occurred_at: str,
    recorded_at: str,
    source: str = RESOLVER,
    occasion: str = "",
) -> Entry:
    """Several customers turned out to be one.

    Parameters
    ----------
    customer_id : str
        The one that stays.
    merged : iterable of str
        The customers that are now aliases of it.
    evidence : iterable of (key, key, level)
        The edges that decided; the level is ``decision`` for an operator's.
    identifiers : mapping of customer id to address keys
        What each former customer, the staying one included, consisted of.
    occasion : str
        Tells apart what one cause does several times.
    """
    former = sorted(merged)
    data = {
        "customer_id": customer_id,
        "merged": former,
        "cause": {cause[0]: cause[1]},
        "evidence": [{"a": a, "b": b, "level": level} for a, b, level in sorted(evidence)],
        "identifiers": {id_: sorted(keys) for id_, keys in sorted(identifiers.items())},
    }
    id_ = _effect_id(CUSTOMER_MERGED, cause, occasion, customer_id, *former)
    return _caused(CUSTOMER_MERGED, data, id_, cause, occurred_at, recorded_at, source)


def customer_split(
    *,
    customer_id: str,
    into: Sequence[tuple[str, Iterable[str]]],
    cause: Cause,
    occurred_at: str,
    recorded_at: str,
    source: str = RESOLVER,
    occasion: str = "",
) -> Entry:
    """A customer turned out to be several.

    Parameters
    ----------
    customer_id : str
        The former whole; one of the parts keeps this id where it still leads it.
    into : sequence of (customer id, address keys)
        All the parts.
    """
    parts = sorted((id_, sorted(keys)) for id_, keys in into)
    data = {
        "customer_id": customer_id,
        "into": [{"customer_id": id_, "identifiers": keys} for id_, keys in parts],
        "cause": {cause[0]: cause[1]},
    }
    id_ = _effect_id(CUSTOMER_SPLIT, cause, occasion, customer_id, *(part for part, _ in parts))
    return _caused(CUSTOMER_SPLIT, data, id_, cause, occurred_at, recorded_at, source)


def contact_point_described(
    *,
    customer_id: str,
    contact_point: AddressRef,
    cause: Cause,
    occurred_at: str,
    recorded_at: str,
    source: str = RESOLVER,
    occasion: str = "",
) -> Entry:
    """There is something new to compare about a contact point: look for candidates."""
    data = {
        "customer_id": customer_id,
        "contact_point": {"kind": contact_point[0], "key": contact_point[1]},
        "cause": {cause[0]: cause[1]},
    }
    id_ = _effect_id(CONTACT_POINT_DESCRIBED, cause, occasion, contact_point[1])
    return _caused(CONTACT_POINT_DESCRIBED, data, id_, cause, occurred_at, recorded_at, source)


def rules_activated(
    *,
    version: str,
    previous_version: str,
    activated_at: str,
    recorded_at: str,
    source: str = "enlace.api_conciliations",
) -> Entry:
    """Other rules of identity are in force; what is stored is brought to them."""
    return envelope(
        RULES_ACTIVATED,
        {"version": version, "previous_version": previous_version},
        source=source,
        # Rules may come into force again, when those after them proved no good.
        event_id=event_id(RULES_ACTIVATED, version, activated_at),
        occurred_at=activated_at,
        recorded_at=recorded_at,
        correlation_id=version,
        causation_id=version,
    )


def _effect_id(name: str, cause: Cause, occasion: str, *parts: str) -> str:
    return event_id(name, *cause, *([occasion] if occasion else []), *parts)


def _caused(
    name: str,
    data: Mapping[str, Any],
    id_: str,
    cause: Cause,
    occurred_at: str,
    recorded_at: str,
    source: str,
) -> Entry:
    return envelope(
        name,
        data,
        source=source,
        event_id=id_,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        correlation_id=cause[1],
        causation_id=cause[1],
    )
