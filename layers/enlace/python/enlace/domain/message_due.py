"""Whether there is anything to do about a message that somebody asks to look at.

Commands come late, twice and out of turn; the record says what holds.
"""

from __future__ import annotations

from enlace.domain.delivery import UNKNOWN_OUTCOME, MessageRecord, State
from enlace.domain.message_events import ASKED, DUE, UNREAD
from enlace.domain.message_policy import MessagePolicy
from enlace.domain.sender_channel import SenderChannels

#: An attempt failed; unlike the other causes it has no command of its own.
FAILED = "failed"


def is_due(
    record: MessageRecord,
    cause: str,
    attempt: int,
    *,
    policy: MessagePolicy,
    channels: SenderChannels,
) -> bool:
    """Whether the attempt after ``attempt`` is to be made.

    Parameters
    ----------
    cause : str
        Why it is looked at: :data:`enlace.domain.message_events.CAUSES` or :data:`FAILED`.
    attempt : int
        How many channels had been tried then.
    """
    if record.request is None or record.request.forgotten:
        return False
    if record.attempt not in (attempt, attempt + 1):
        return False
    open_ = record.state in (State.ACCEPTED, State.DEFERRED)
    if cause == ASKED or (cause == DUE and (attempt == 0 or open_)):
        return open_
    if record.attempt == attempt + 1:
        # Decided, and cut off before the sender was asked.
        return record.state == State.ACCEPTED
    if cause == UNREAD or (cause == DUE and record.state != State.FAILED):
        return _is_unread(record, channels)
    # What may have arrived must not come a second time where it rests on consent.
    doubtful = record.reason == UNKNOWN_OUTCOME
    return record.state == State.FAILED and not (doubtful and policy.needs_consent(record.purpose))


def _is_unread(record: MessageRecord, channels: SenderChannels) -> bool:
    if record.state == State.SENT:
        return True
    channel = channels.get(record.channel)
    tells = channel is not None and channel.read_receipts
    return record.state == State.DELIVERED and tells and not record.read_at
