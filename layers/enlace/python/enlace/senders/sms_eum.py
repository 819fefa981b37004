"""SMS through AWS End User Messaging (``pinpoint-sms-voice-v2``).

SendTextMessage has no idempotency token; ``Context`` comes back in the event
destination, so the message id in it tells a lost acknowledgement's fate.

Source: AWS End User Messaging SMS API reference, SendTextMessage (checked 2026-11-22).
"""

from __future__ import annotations

from typing import Any

from enlace.domain.outgoing import Outgoing
from enlace.senders.base import ProviderCall
from enlace.senders.sms import require_e164

_KINDS = {
    "transactional": "TRANSACTIONAL",
    "confirmation": "TRANSACTIONAL",
    "marketing": "PROMOTIONAL",
}


class EumSms:
    """Sends SMS by End User Messaging.

    Parameters
    ----------
    call : ProviderCall
        On the ``pinpoint-sms-voice-v2`` client.
    origin : str, optional
        Phone number, sender id or pool (id or ARN); "" leaves it to the service.
    configuration_set : str, optional
        Publishes the delivery events.
    time_to_live_seconds : int
        How long the network may try, 5 to 259,200.
    """

    name = "eum"
    idempotent = False

    def __init__(
        self,
        call: ProviderCall,
        *,
        origin: str = "",
        configuration_set: str = "",
        time_to_live_seconds: int = 86_400,
    ):
        self._call = call
        self._options: dict[str, Any] = {"TimeToLive": time_to_live_seconds}
        if origin:
            self._options["OriginationIdentity"] = origin
        if configuration_set:
            self._options["ConfigurationSetName"] = configuration_set

    def send(self, message: Outgoing) -> str:
        """See :meth:`enlace.usecases.deliver_message.MessageProvider.send`."""
        require_e164(message.address, self.name)
        answer = self._call(
            "send_text_message",
            DestinationPhoneNumber=message.address,
            MessageBody=message.content.sms,
            MessageType=_KINDS[message.purpose],
            Context={"message_id": message.message_id, "template": message.template},
            **self._options,
        )
        return str(answer["MessageId"])
