"""Whether an address may be written to at all, which is asked when a message is asked for.

Whether its consent covers the purpose is asked later, immediately before the provider is
called (:mod:`enlace.usecases.send_gate`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

TRANSACTIONAL = "transactional"
MARKETING = "marketing"

#: Channels whose interactions the company's own systems sign. Deliberately a list
#: of what is trusted: whoever holds a site's public write key can invent an order
#: for any address, so behaviour tracking must never be on it.
OWN_CHANNELS = frozenset({"api", "erp", "generic", "pos", "shop"})


class Verdict(NamedTuple):
    """Yes, or no with the reason that is recorded (no personal data)."""

    allowed: bool
    reason: str = ""


ALLOWED = Verdict(True)


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
