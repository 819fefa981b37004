"""What the bus is told of people who are gone."""

from __future__ import annotations

from enlace.domain.envelope import Cause, Entry, envelope, event_id

CUSTOMER_ERASED = "customer.erased"
ERASER = "enlace.erase_subject"


def customer_erased(
    *,
    customer_id: str,
    cause: Cause,
    occurred_at: str,
    recorded_at: str,
    source: str = ERASER,
) -> Entry:
    """Nobody is known by a customer id any more; whoever keeps something of it deletes it."""
    return envelope(
        CUSTOMER_ERASED,
        {"customer_id": customer_id},
        source=source,
        # An id is given once and taken once, however often it is told.
        event_id=event_id(CUSTOMER_ERASED, customer_id),
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        correlation_id=cause[1],
        causation_id=cause[1],
    )
