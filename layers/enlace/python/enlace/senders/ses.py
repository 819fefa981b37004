"""E-mail through Amazon SES (API version 2).

SendEmail knows no idempotency key, so the call is never repeated on a lost
answer; the tag ``message_id`` comes back in SES's sending events and tells
whether it had gone out after all.

Source: Amazon SES API v2 reference, SendEmail (checked 2026-11-22).
"""

from __future__ import annotations

from typing import Any

from enlace.domain.outgoing import Outgoing
from enlace.domain.sender_channel import SenderChannel
from enlace.errors import ProviderRejected
from enlace.senders.base import ProviderCall

#: Cost: Amazon SES, $0.10 a thousand (aws.amazon.com/ses/pricing).
CHANNEL = SenderChannel("email", ("email",), cost=100)


class Ses:
    """Sends e-mail.

    Parameters
    ----------
    call : ProviderCall
        On the ``sesv2`` client.
    sender : str
        ``From``: the company's verified address, with or without a name.
    configuration_set : str, optional
        Publishes the sending events; without it no delivery is ever reported.
    """

    name = "ses"
    idempotent = False

    def __init__(self, call: ProviderCall, *, sender: str, configuration_set: str = ""):
        self._call = call
        self._sender = sender
        self._configuration_set = configuration_set

    def send(self, message: Outgoing) -> str:
        """See :meth:`enlace.usecases.deliver_message.MessageProvider.send`."""
        if not _is_one_address(message.address):
            raise ProviderRejected("ses: not one plain address")
        request: dict[str, Any] = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [message.address]},
            "Content": {
                "Simple": {
                    "Subject": _utf8(message.content.subject),
                    "Body": {
                        "Text": _utf8(message.content.text),
                        "Html": _utf8(message.content.html),
                    },
                }
            },
            "EmailTags": [
                {"Name": "message_id", "Value": message.message_id},
                {"Name": "template", "Value": message.template},
                {"Name": "purpose", "Value": message.purpose},
            ],
        }
        if self._configuration_set:
            request["ConfigurationSetName"] = self._configuration_set
        return str(self._call("send_email", **request)["MessageId"])


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _is_one_address(address: str) -> bool:
    # A comma or a display name would smuggle in a second recipient.
    local, at, domain = address.rpartition("@")
    forbidden = set(' ,;<>"\\\t\r\n')
    return bool(local and at and domain) and not forbidden.intersection(address)
