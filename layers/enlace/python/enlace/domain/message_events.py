"""The command to look at a message: who, where and when, or nobody."""

from __future__ import annotations

from enlace.domain.envelope import Entry, envelope, event_id

DISPATCH_MESSAGE = "dispatch.message"

#: Why a message is to be looked at.
ASKED, DUE, UNREAD = "asked", "due", "unread"
CAUSES = (ASKED, DUE, UNREAD)


def dispatch_message(
    *,
    message_id: str,
    purpose: str,
    cause: str,
    attempt: int,
    source: str,
    at: str,
) -> Entry:
    """Ask dispatch to look at a message.

    Parameters
    ----------
    purpose : str
        Picks the queue: what rests on consent must not hold up a password's reset.
    cause : str
        One of :data:`CAUSES`.
    attempt : int
        How many channels had been tried when this was asked for, 0 for none: whoever comes
        later has nothing to do.
    at : str
        Contract time.
    """
    body = {"message_id": message_id, "purpose": purpose, "cause": cause, "attempt": attempt}
    return envelope(
        DISPATCH_MESSAGE,
        body,
        source=source,
        event_id=event_id(DISPATCH_MESSAGE, message_id, cause, str(attempt), at),
        occurred_at=at,
        recorded_at=at,
        correlation_id=message_id,
        causation_id=message_id,
    )
