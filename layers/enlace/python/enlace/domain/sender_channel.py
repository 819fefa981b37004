"""A way out to customers: what dispatch must know about a sender to choose it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SenderChannel:
    """What a sender says of itself, as ``CHANNEL`` in its module under ``enlace.senders``.

    Parameters
    ----------
    name : str
        Such as ``sms``: the channel of consent, of ``send.message`` and of the template's rule.
    kinds : tuple of str
        Kinds of identifiers that it reaches, without scope.
    cost : int
        Of one message, in millionths of a US dollar: of two equal ways the cheaper is taken.
    read_receipts : bool
        Whether the network tells that a message was read; else its delivery has to do.
    quiet_hours : bool
        Whether it rings in somebody's pocket.
    needs_contact : bool
        Only whoever wrote through it is known to have it: it is not tried on a mere number
        unless the request names it.
    """

    name: str
    kinds: tuple[str, ...]
    cost: int
    read_receipts: bool = False
    quiet_hours: bool = False
    needs_contact: bool = False

    def reaches(self, kind: str) -> bool:
        """Whether it can write to an identifier of a kind, with or without scope."""
        return kind.partition(":")[0] in self.kinds


#: Sender channels by name.
SenderChannels = Mapping[str, SenderChannel]


def channels_of(kind: str, channels: SenderChannels) -> list[SenderChannel]:
    """The channels that reach an identifier of a kind, the cheapest first."""
    found = [channel for channel in channels.values() if channel.reaches(kind)]
    return sorted(found, key=lambda channel: (channel.cost, channel.name))


def answering(
    kind: str, came_through: str, channels: SenderChannels, *, same: bool = True
) -> SenderChannel | None:
    """The channel that answers what came from an address.

    Parameters
    ----------
    came_through : str
        The channel of what is answered.
    same : bool
        Rather there than by the cheapest channel that needs no contact through itself first.

    Returns
    -------
    SenderChannel or None
        None where nothing reaches the address.
    """
    found = channels_of(kind, channels)
    own = next((channel for channel in found if channel.name == came_through), None)
    usual = next((channel for channel in found if not channel.needs_contact), None)
    return (own or usual) if same else (usual or own)
