"""Which interactions an erasure keeps out, and which come from a genuine newcomer.

An erased identifier leaves a fence, the moment ``erased_before``. Deliveries that were on
their way then, redeliveries, redrives and archive replays carry their old times and are
dropped; imports and outcomes of our own messages bring nobody back; whoever makes contact
anew is a new customer. (docs/privacy.md.)
"""

from __future__ import annotations

from datetime import datetime, timedelta

from enlace.domain.interaction import Interaction, utc_text

#: Vendors' clocks may be ahead of ours by so much (seconds); more is no time but a wish.
SKEW_SECONDS = 300

FENCED, QUARANTINED = "fenced", "quarantined"

#: What our systems and providers say of messages, orders and cases that were there before, or
#: what takes something back: nobody makes contact by it.
_NO_CONTACT = frozenset(
    (
        "campaign.sent",
        "cart.abandoned",
        "case.assigned",
        "case.closed",
        "case.transferred",
        "complaint.answered",
        "complaint.closed",
        "consent.denied",
        "consent.withdrawn",
        "message.delivered",
        "message.failed",
        "message.read",
        "message.sent",
        "order.cancelled",
        "order.paid",
        "order.refunded",
        "order.shipped",
    )
)


def refusal(
    interaction: Interaction, occurred_at: str, level: str, erased_before: str, *, known: bool
) -> str:
    """Why an interaction must not be recorded with an identifier that has a fence.

    Parameters
    ----------
    occurred_at : str
        The interaction's time, pinned where the vendor sends none.
    level : str
        Of the identifier in the interaction.
    known : bool
        The identifier has a live record: it was not erased yet, or came back.

    Returns
    -------
    str
        ``fenced``, ``quarantined``, or "" where the fence lets it pass.
    """
    if min(occurred_at, interaction.received_at) <= erased_before:
        return FENCED
    if occurred_at > _later(interaction.received_at):
        return FENCED
    if known:
        return ""
    if level == "imported":
        return QUARANTINED
    no_contact = interaction.direction == "outbound" or interaction.type in _NO_CONTACT
    return FENCED if no_contact else ""


def doubtful(
    interaction: Interaction, occurred_at: str, erased_before: str, *, known: bool
) -> bool:
    """Whether it may have been recorded before the erasure, by a clock that was ahead of ours.

    Then what was deleted has left a pin. Where the vendor sends no time, the time itself is
    that of the first receipt, and there is no doubt.
    """
    if interaction.occurred_at is None:
        return False
    return not known or occurred_at <= _later(erased_before)


def _later(moment: str) -> str:
    return utc_text(datetime.fromisoformat(moment) + timedelta(seconds=SKEW_SECONDS))
