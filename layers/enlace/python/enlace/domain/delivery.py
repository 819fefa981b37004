"""The states of one outgoing message, and the record kept of it.

``accepted → (deferred →) sent | failed | denied``, and ``delivered`` or a late
``failed`` from the provider's events. Who holds a message at the moment stands in a
:class:`Claim` beside the address's consent, and not here: the question whether it may
go out and the note that it does are one write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class State(StrEnum):
    """Where a message is."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    DENIED = "denied"


#: No sender does anything about an attempt in these states.
SETTLED = frozenset({State.SENT, State.DELIVERED, State.FAILED, State.DENIED})
#: Nobody knows whether the provider took it; so it must not go out on another channel either.
UNKNOWN_OUTCOME = "outcome unknown; not sent again"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was decided about a message, for whoever asks why.

    Parameters
    ----------
    at : str
        Contract time.
    what : str
        ``skipped``, ``chosen``, ``deferred``, ``denied``, ``sent``, ``failed``, ``fallback``.
    why : str
        No personal data.
    channel : str
        "" where it is about the message as a whole.
    """

    at: str
    what: str
    why: str
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for through the API; messages that answer an interaction have none.

    Parameters
    ----------
    to_key : str
        Address key of the identifier that it is about.
    by_customer : bool
        It was asked for by the customer's id, so the address is the choice of dispatch.
    channels : tuple of str
        In order; ``preferred`` stands for the customer's own order.
    data : mapping
        The template's variables.
    expires_at : str
    language : str
        "" for the customer's own.
    fallback_after_seconds : int
        0 for the policy's.
    attachments : tuple of str
        Names under which they are kept.
    forgotten : bool
        The message has reached its end: the data is gone, and nothing follows any more.
    """

    to_key: str
    by_customer: bool
    channels: tuple[str, ...]
    data: Mapping[str, Any]
    expires_at: str
    language: str = ""
    fallback_after_seconds: int = 0
    attachments: tuple[str, ...] = ()
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """What is known of a message; ids only, no address.

    Parameters
    ----------
    attempt : int
        How many channels were tried; 0 before the first.
    channel, contact_kind, contact_key : str
        Of the latest attempt.
    settled_at : str
        Contract time at which it reached its state; "" while it is open.
    reported : bool
        The provider's own events say so, and not the answer to our call.
    read_at : str
        Contract time; "" where nobody told.
    due_at : str
        When a deferred one is looked at again.
    """

    message_id: str
    state: State
    template: str = ""
    version: str = ""
    purpose: str = ""
    channel: str = ""
    customer_id: str = ""
    contact_kind: str = ""
    contact_key: str = ""
    accepted_at: str = ""
    attempt: int = 0
    provider: str = ""
    provider_message_id: str = ""
    reason: str = ""
    settled_at: str = ""
    reported: bool = False
    read_at: str = ""
    due_at: str = ""
    request: Request | None = None
    steps: tuple[Step, ...] = field(default=())

    @property
    def intent(self) -> str:
        """Names this attempt among the claims of its address."""
        return intent_of(self.message_id, self.attempt)


def intent_of(message_id: str, attempt: int) -> str:
    """The name of one attempt at a message."""
    return f"{message_id}/{attempt}"


class Choice(NamedTuple):
    """One attempt: the address and the channel that it goes to."""

    attempt: int
    channel: str
    contact_kind: str
    contact_key: str
