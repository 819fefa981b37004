"""What Enlace says on the bus about cases; see :mod:`enlace.domain.events`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from enlace.domain.envelope import AddressRef, Entry, envelope, event_id
from enlace.domain.events import (
    CASE_ASSIGNED,
    CASE_CLOSED,
    CASE_OPENED,
    CASE_REOPENED,
    CASE_TRANSFERRED,
    DISPATCHER,
)

#: The event that tells of a change; an answer is told by its interaction alone.
EVENT_OF_CHANGE = {
    "assigned": CASE_ASSIGNED,
    "transferred": CASE_TRANSFERRED,
    "closed": CASE_CLOSED,
    "reopened": CASE_REOPENED,
}


def case_opened(
    *,
    protocol: str,
    customer_id: str,
    contact_point: AddressRef,
    interaction_id: str,
    nature: str | None,
    occurred_at: str,
    recorded_at: str,
    causation_id: str,
    follows: str | None = None,
    related: Sequence[str] = (),
    source: str = DISPATCHER,
) -> Entry:
    """A service case is open under a protocol number.

    ``nature`` is ``praise``, ``information``, ``complaint``, ``suggestion`` or
    None where the contact did not say; ``causation_id`` is the id of the
    ``interaction.recorded`` event; ``follows`` is the closed case that it goes on
    from, ``related`` the customer's other open ones.
    """
    data = {
        "protocol": protocol,
        "customer_id": customer_id,
        "contact_point": {"kind": contact_point[0], "key": contact_point[1]},
        "interaction_id": interaction_id,
        "nature": nature,
        "follows": follows,
        "related": list(related),
    }
    return envelope(
        CASE_OPENED,
        data,
        source=source,
        event_id=event_id(CASE_OPENED, interaction_id),
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        correlation_id=interaction_id,
        causation_id=causation_id,
    )


def case_changed(
    name: str,
    *,
    protocol: str,
    customer_id: str,
    contact_point: AddressRef,
    change_id: str,
    by: str,
    occurred_at: str,
    recorded_at: str,
    causation_id: str,
    to: str | None = None,
    channel: str | None = None,
    source: str = DISPATCHER,
) -> Entry:
    """A case was assigned, transferred, closed or reopened.

    Parameters
    ----------
    name : str
        :data:`CASE_ASSIGNED`, :data:`CASE_TRANSFERRED`, :data:`CASE_CLOSED` or
        :data:`CASE_REOPENED`.
    customer_id : str
        Whose the case is now.
    contact_point : AddressRef
        The one that opened it.
    change_id : str
        The change's own id, from its cause.
    by : str
        The operator, or the channel whose system reports it.
    to, channel : str, optional
        Who takes over, and where.
    """
    data: dict[str, Any] = {
        "protocol": protocol,
        "customer_id": customer_id,
        "contact_point": {"kind": contact_point[0], "key": contact_point[1]},
        "by": by,
    }
    if name in (CASE_ASSIGNED, CASE_TRANSFERRED):
        data["to"] = to
    if name == CASE_TRANSFERRED:
        data["channel"] = channel
    return envelope(
        name,
        data,
        source=source,
        event_id=event_id(name, protocol, change_id),
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        correlation_id=protocol,
        causation_id=causation_id,
    )
