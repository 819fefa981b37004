"""The commands about messages: look at one (who, where and when, or nobody), and send it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from enlace.domain.envelope import NAMESPACE, AddressRef, Entry, envelope, event_id
from enlace.domain.events import DISPATCHER

DISPATCH_MESSAGE = "dispatch.message"
SEND_MESSAGE = "send.message"

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


def message_id(interaction_id: str, template: str) -> str:
    """The id of the message that an interaction causes: one per template."""
    return str(uuid.uuid5(NAMESPACE, f"message\x1f{interaction_id}\x1f{template}"))


def send_message(
    *,
    message_id: str,
    customer_id: str,
    purpose: str,
    template: str,
    language: str,
    channel: str,
    contact_point: AddressRef,
    data: Mapping[str, Any],
    expires_at: str,
    occurred_at: str,
    recorded_at: str,
    correlation_id: str,
    causation_id: str,
    source: str = DISPATCHER,
    template_version: str = "",
    attempt: int = 1,
    why: Sequence[Sequence[str]] = (),
    attachments: Sequence[str] = (),
) -> Entry:
    """Ask a sender for one message to one address.

    Parameters
    ----------
    purpose : str
        ``transactional`` or ``marketing``.
    language : str
        ``pt-BR``, ``es`` or ``en``.
    channel : str
        ``email`` or ``sms``: picks the sender.
    data : mapping
        The template's variables and ids; no addresses.
    expires_at : str
        Contract time after which it must not be sent any more.
    template_version : str
        Pinned when it was asked for; "" for the one in force.
    attempt : int
        Which channel of this message it is, from 1.
    why : sequence of (at, what, why, channel)
        What was decided on the way here and is on no record yet.
    attachments : sequence of str
        Names under which they are kept.
    """
    body: dict[str, Any] = {
        "message_id": message_id,
        "customer_id": customer_id,
        "purpose": purpose,
        "template": template,
        "language": language,
        "channel": channel,
        "contact_point": {"kind": contact_point[0], "key": contact_point[1]},
        "data": dict(data),
        "expires_at": expires_at,
    }
    if template_version:
        body["template_version"] = template_version
    if attempt != 1:
        body["attempt"] = attempt
    if why:
        body["why"] = [list(step) for step in why]
    if attachments:
        body["attachments"] = list(attachments)
    return envelope(
        SEND_MESSAGE,
        body,
        source=source,
        # Channel and address belong to it: a fall-back to the next channel is
        # another command for the same message.
        event_id=event_id(SEND_MESSAGE, message_id, channel, contact_point[1]),
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        correlation_id=correlation_id,
        causation_id=causation_id,
    )
