"""Which address and which channel a message takes, in which order they are tried.

Pure: what is known about the addresses goes in, the order comes out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from enlace.domain.sender_channel import SenderChannel, SenderChannels, channels_of

PREFERRED = "preferred"


class Address(NamedTuple):
    """An address that a message may go to.

    Parameters
    ----------
    key, kind : str
    last_at : str
        Contract time of the newest interaction that came from there; "" for none.
    used : frozenset of str
        Channels through which those came.
    last_channel : str
        Of the newest one.
    proven : bool
        Somebody has shown that it is theirs.
    """

    key: str
    kind: str
    last_at: str = ""
    used: frozenset[str] = frozenset()
    last_channel: str = ""
    proven: bool = False


class Way(NamedTuple):
    """A channel and an address that it reaches."""

    channel: SenderChannel
    address: Address


def ways(
    addresses: Collection[Address],
    channels: SenderChannels,
    *,
    asked: Sequence[str],
    asked_key: str,
    preferred: str | None,
) -> list[Way]:
    """The ways to a person, best first; each channel and address once.

    Parameters
    ----------
    asked : sequence of str
        Channels in the order that was asked for; ``preferred`` stands for the person's
        own: what they asked for, the address that was named, what they used last, then the
        cheapest.
    asked_key : str
        The address that was named, "" for none; of several that a channel reaches it comes
        first.
    preferred : str or None
        The channel that the person asked for.
    """
    order = sorted(addresses, key=lambda a: (a.key == asked_key, a.last_at, a.key), reverse=True)
    found: list[Way] = []
    for name in asked:
        if name == PREFERRED:
            found += _own_order(order, channels, asked_key, preferred)
        elif name in channels:
            channel = channels[name]
            found += [Way(channel, address) for address in order if channel.reaches(address.kind)]
    return list(dict.fromkeys(found))


def _own_order(
    order: Sequence[Address], channels: SenderChannels, asked_key: str, preferred: str | None
) -> list[Way]:
    usual = [
        Way(channel, address)
        for address in order
        for channel in channels_of(address.kind, channels)
        if not channel.needs_contact or channel.name in address.used
    ]

    # Each sort keeps what the ones before it settled: cost, then what was used last, then
    # the address that was named, then what the person asked for.
    found = sorted(usual, key=lambda way: way.channel.cost)
    found.sort(key=_last_used, reverse=True)
    found.sort(key=lambda way: way.address.key != asked_key)
    found.sort(key=lambda way: way.channel.name != preferred)
    return found


def _last_used(way: Way) -> str:
    return way.address.last_at if way.channel.name == way.address.last_channel else ""


def person_of(
    circles: Sequence[Sequence[Address]],
) -> tuple[Sequence[Address] | None, str]:
    """Which of a customer's proven circles is meant by the customer's id, or why none.

    Joined by somebody's word only, they may be different people, and what is meant for one
    must not reach the other. So one circle must be left: the one that somebody has shown to
    be theirs, or else the only one.
    """
    if not circles:
        return None, "no address that a sender reaches"
    proven = [circle for circle in circles if any(address.proven for address in circle)]
    found = proven or list(circles)
    if len(found) == 1:
        return found[0], ""
    return None, "several people may be meant: name the address in `to.identifier`"
