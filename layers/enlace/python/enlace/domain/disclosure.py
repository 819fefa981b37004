"""What a contact point's own holder may be told of what came through it.

Anybody can write a stranger's address into a form. So even inside the proven circle
only those interactions are told that the holder is known to have had a part in.
"""

from __future__ import annotations

from enlace.domain.send_gate import OWN_CHANNELS

_SENT = ("message.", "campaign.")


def disclosable(*, level: str, direction: str, type_: str, channel: str) -> bool:
    """Whether an interaction's own contact point may be told of it.

    It was proven; or we sent it there; or one of the company's own systems reports
    an order and vouches for the address (:mod:`enlace.domain.send_gate`).

    Parameters
    ----------
    level : str
        The contact point's level in the interaction.
    direction, type_, channel : str
        Of the interaction.
    """
    if level == "proven":
        return True
    if direction == "outbound":
        return type_.startswith(_SENT)
    return type_.startswith("order.") and channel in OWN_CHANNELS
