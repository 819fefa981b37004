"""What the bus is told about consent; built without pydantic, like the other events."""

from __future__ import annotations

from enlace.domain.envelope import AddressRef, Entry, envelope, event_id

CONSENT_CHANGED = "consent.changed"


def consent_changed(
    *,
    consent_id: str,
    contact_point: AddressRef,
    purpose: str,
    channel: str,
    said: str,
    actor: str,
    allowed: bool,
    occurred_at: str,
    recorded_at: str,
    source: str,
) -> Entry:
    """Somebody said something about being written to.

    Parameters
    ----------
    consent_id : str
        Id of the ledger entry.
    said : str
        What the record says, such as ``withdrawn``.
    allowed : bool
        What holds after it: a grant that undoes no denial changes nothing.
    """
    data = {
        "consent_id": consent_id,
        "contact_point": {"kind": contact_point[0], "key": contact_point[1]},
        "purpose": purpose,
        "channel": channel,
        "said": said,
        "actor": actor,
        "allowed": allowed,
    }
    return envelope(
        CONSENT_CHANGED,
        data,
        source=source,
        event_id=event_id(CONSENT_CHANGED, consent_id),
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        correlation_id=consent_id,
        causation_id=consent_id,
    )
