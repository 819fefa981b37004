"""What every SMS provider shares: the channel, and what may go out as a text."""

from __future__ import annotations

import re

from enlace.domain.outgoing import Outgoing
from enlace.domain.send_gate import MARKETING
from enlace.domain.sender_channel import SenderChannel
from enlace.errors import ProviderRejected

#: Cost: AWS End User Messaging's price of a text to Brazil is of this order; only the order
#: among channels matters.
CHANNEL = SenderChannel("sms", ("phone",), cost=20_000, quiet_hours=True)

#: Of SNS and of End User Messaging alike: ten parts of GSM-7 and more.
MAX_TEXT = 1600

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


def text_of(message: Outgoing, provider: str) -> str:
    """The text that goes out.

    Raises
    ------
    ProviderRejected
        If it is empty or longer than the providers take: half a message is none.
    """
    text = message.content.sms
    if not text.strip():
        raise ProviderRejected(f"{provider}: the text is empty")
    if len(text) > MAX_TEXT:
        raise ProviderRejected(f"{provider}: the text is longer than {MAX_TEXT} characters")
    return text


def is_promotional(message: Outgoing) -> bool:
    """Whether the network is to treat it as advertising; all else is transactional."""
    return message.purpose == MARKETING
