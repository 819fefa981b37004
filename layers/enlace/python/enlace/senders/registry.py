"""The channels that there are senders for: each module here that has a ``CHANNEL``.

So a new sender is known to dispatch and to the API by being there.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

import enlace.senders
from enlace.domain.sender_channel import SenderChannel, SenderChannels


@cache
def sender_channels(only: str = "") -> SenderChannels:
    """Every sender's channel, by name.

    Parameters
    ----------
    only : str
        Names of those that are set up, with commas; "" for all.

    Raises
    ------
    ValueError
        If two modules declare one channel.
    """
    found: dict[str, SenderChannel] = {}
    for module in pkgutil.iter_modules(enlace.senders.__path__):
        if module.name == "registry":
            continue
        channel = getattr(import_module(f"enlace.senders.{module.name}"), "CHANNEL", None)
        if channel is None:
            continue
        if channel.name in found:
            raise ValueError(f"two senders of the channel {channel.name}")
        found[channel.name] = channel
    wanted = {name.strip() for name in only.split(",")} - {""}
    return {name: channel for name, channel in found.items() if name in wanted or not wanted}
