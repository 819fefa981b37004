"""Who may be sent what: the rules that every outgoing message passes.

Two questions, at two moments. When a message is asked for: may this address be
written to at all (:func:`may_address`)? Immediately before the provider is
called: may a message of this purpose go out (:func:`may_send`)? Asking the second
only when the message is queued is how mail is sent after an opt-out.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

TRANSACTIONAL = "transactional"
MARKETING = "marketing"

#: The sender that reaches an address of a kind; other kinds have none yet.
CHANNEL_OF_KIND = {"email": "email", "phone": "sms"}

#: Channels whose interactions the company's own systems sign. Deliberately a list
#: of what is trusted: whoever holds a site's public write key can invent an order
#: for any address, so behaviour tracking must never be on it.
OWN_CHANNELS = frozenset({"api", "erp", "generic", "pos", "shop"})


class Verdict(NamedTuple):
    """Yes, or no with the reason that is recorded (no personal data)."""

    allowed: bool
    reason: str = ""


ALLOWED = Verdict(True)


def may_send(purpose: str) -> Verdict:
    """Whether a message of ``purpose`` may go out now.

    Transactional messages answer something the customer did. Marketing needs the
    address's consent, and there is no consent record that could say yes, so the
    answer is no; so it is for a purpose that is not known.
    """
    if purpose == TRANSACTIONAL:
        return ALLOWED
    if purpose == MARKETING:
        return Verdict(False, "no consent to marketing is on record for this address")
    return Verdict(False, "unknown purpose")


def may_address(
    *,
    level: str,
    interaction_type: str,
    channel: str,
    own_channels: Collection[str] = OWN_CHANNELS,
) -> Verdict:
    """Whether an interaction's own contact point may be written to in answer to it.

    Anybody can state somebody else's address, so only a proven one is answered.
    One exception: for an order that one of the company's own signed systems
    reports, the company itself vouches for the address as this order's contact.
    It covers that address and no other of the same customer.

    Parameters
    ----------
    level : str
        The contact point's level in this interaction.
    interaction_type, channel : str
        Of the interaction.
    own_channels : collection of str
        Channels that only the company's own systems can write to.
    """
    if level == "proven":
        return ALLOWED
    if interaction_type.startswith("order.") and channel in own_channels:
        return ALLOWED
    return Verdict(False, "the contact point was not proven")
