"""SMS through AWS End User Messaging (``pinpoint-sms-voice-v2``).

SendTextMessage has no idempotency token; ``Context`` comes back in the event
destination, so the message id in it tells a lost acknowledgement's fate.

AWS keeps a list of its own of who said STOP to the company's numbers. It is asked at every
call, so a stop that reached only AWS becomes known here: such a message fails with the
reason :data:`OPTED_OUT`, which the consent ledger takes for the withdrawal it is.

Source: AWS End User Messaging SMS API reference, SendTextMessage (checked 2026-11-23).
"""

from __future__ import annotations

from typing import Any

from enlace.domain.outgoing import Outgoing
from enlace.errors import ProviderRejected
from enlace.senders.base import ProviderCall
from enlace.senders.sms import is_promotional, require_e164, text_of

#: The reason of a message that the provider refuses because the person stopped them there.
OPTED_OUT = "opted_out"

_ON_AWS_LIST = "DESTINATION_PHONE_NUMBER_OPTED_OUT"


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
        """See :meth:`enlace.usecases.sender_ports.MessageProvider.send`."""
        require_e164(message.address, self.name)
        text = text_of(message, self.name)
        try:
            answer = self._call(
                "send_text_message",
                DestinationPhoneNumber=message.address,
                MessageBody=text,
                MessageType="PROMOTIONAL" if is_promotional(message) else "TRANSACTIONAL",
                Context={
                    "message_id": message.message_id,
                    "template": message.template,
                    "purpose": message.purpose,
                },
                **self._options,
            )
        except ProviderRejected as error:
            if error.code == _ON_AWS_LIST:
                raise ProviderRejected(OPTED_OUT, code=error.code) from None
            raise
        return str(answer["MessageId"])
