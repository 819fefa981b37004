"""SMS through Amazon SNS (Publish to a phone number).

SNS deduplicates only for FIFO topics, so for a phone number there is no
idempotency key. Publish carries no free tag to a phone number either: the
message id goes as a message attribute of our own, which SNS accepts and ignores. SNS reports no
delivery but in a log, and a number that opted out there is not refused at the call.

Source: Amazon SNS developer guide, "Publishing to a mobile phone" (checked 2026-11-22).
"""

from __future__ import annotations

import re

from enlace.domain.outgoing import Outgoing
from enlace.senders.base import ProviderCall
from enlace.senders.sms import is_promotional, require_e164, text_of

_SENDER_ID = re.compile(r"[A-Za-z0-9]{1,11}\Z")


class SnsSms:
    """Sends SMS by SNS.

    Parameters
    ----------
    call : ProviderCall
        On the ``sns`` client.
    origin : str, optional
        E.164 number or a sender id of 1 to 11 letters and digits; "" leaves the
        choice to the account.
    """

    name = "sns"
    idempotent = False

    def __init__(self, call: ProviderCall, *, origin: str = ""):
        self._call = call
        self._origin = origin

    def send(self, message: Outgoing) -> str:
        """See :meth:`enlace.usecases.sender_ports.MessageProvider.send`."""
        require_e164(message.address, self.name)
        kind = "Promotional" if is_promotional(message) else "Transactional"
        attributes = {
            "AWS.SNS.SMS.SMSType": _string(kind),
            "message_id": _string(message.message_id),
        }
        if self._origin.startswith("+"):
            attributes["AWS.MM.SMS.OriginationNumber"] = _string(self._origin)
        elif _SENDER_ID.match(self._origin):
            attributes["AWS.SNS.SMS.SenderID"] = _string(self._origin)
        answer = self._call(
            "publish",
            PhoneNumber=message.address,
            Message=text_of(message, self.name),
            MessageAttributes=attributes,
        )
        return str(answer["MessageId"])


def _string(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}
