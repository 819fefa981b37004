"""What every SMS provider shares: the channel, and the one form of number that goes out."""

from __future__ import annotations

import re

from enlace.domain.sender_channel import SenderChannel
from enlace.errors import ProviderRejected

#: Cost: AWS End User Messaging's price of a text to Brazil is of this order; only the order
#: among channels matters.
CHANNEL = SenderChannel("sms", ("phone",), cost=20_000, quiet_hours=True)

_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")


def require_e164(number: str, provider: str) -> None:
    """Refuse what is not one E.164 number.

    Raises
    ------
    ProviderRejected
        Names the provider, not the number.
    """
    if not _E164.match(number):
        raise ProviderRejected(f"{provider}: not an E.164 number")
