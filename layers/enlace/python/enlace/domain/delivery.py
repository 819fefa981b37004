"""The states of one outgoing message, and the record kept of it.

``accepted → sending → sent | failed | denied``; ``sending`` whose lease ran out,
and ``unknown``, mean that the provider may have been called without our seeing
its answer. ``delivered`` and a late ``failed`` come from the provider's events.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a message is."""

    ACCEPTED = "accepted"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    DENIED = "denied"


#: No sender does anything about a message in these states.
SETTLED = frozenset({State.SENT, State.DELIVERED, State.FAILED, State.DENIED})


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """What is known of a message; ids only, no address.

    Parameters
    ----------
    attempts : int
        How often the provider was, or may have been, called.
    lease_until : float
        Unix seconds until which one sender alone works on it.
    settled_at : str
        Contract time at which it reached its state; "" while it is open.
    reported : bool
        The provider's own events say so, and not the answer to our call.
    """

    message_id: str
    state: State
    template: str = ""
    purpose: str = ""
    channel: str = ""
    customer_id: str = ""
    contact_key: str = ""
    attempts: int = 0
    lease_until: float = 0.0
    token: str = ""
    provider: str = ""
    provider_message_id: str = ""
    reason: str = ""
    settled_at: str = ""
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a sender that wants to work on a message.

    Parameters
    ----------
    record : MessageRecord
        As it is now.
    mine : bool
        Whether the sender holds it; else it is settled, or another one has it.
    doubtful : bool
        An earlier attempt may have reached the provider.
    """

    record: MessageRecord
    mine: bool
    doubtful: bool = False
