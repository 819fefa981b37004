"""E-mail through Amazon SES (API version 2), as MIME that we made (:mod:`.mime`).

SendEmail knows no idempotency key, so the call is never repeated on a lost
answer; the tag ``message_id`` comes back in SES's sending events and tells
whether it had gone out after all.

Source: Amazon SES API v2 reference, SendEmail (checked 2026-11-23).
"""

from __future__ import annotations

from typing import Any

from enlace.domain.outgoing import Outgoing
from enlace.domain.sender_channel import SenderChannel
from enlace.senders.base import ProviderCall
from enlace.senders.mime import compose, mailbox, plain_address

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
    reply_to : str, optional
        Where answers go, if not to the sender.
    unsubscribe_mailbox : str, optional
        See :func:`enlace.senders.mime.compose`.

    Raises
    ------
    Misconfigured
        If one of the company's own mailboxes is none.
    """

    name = "ses"
    idempotent = False

    def __init__(
        self,
        call: ProviderCall,
        *,
        sender: str,
        configuration_set: str = "",
        reply_to: str = "",
        unsubscribe_mailbox: str = "",
    ):
        self._call = call
        self._sender = sender
        # Folded lines are for headers only. A wrong setting shows at the start, and not
        # when a message has been claimed.
        self._from = mailbox(sender).replace("\r\n", "")
        for setting in (reply_to, unsubscribe_mailbox):
            if setting:
                mailbox(setting)
        self._configuration_set = configuration_set
        self._reply_to = reply_to
        self._unsubscribe_mailbox = unsubscribe_mailbox

    def send(self, message: Outgoing) -> str:
        """See :meth:`enlace.usecases.sender_ports.MessageProvider.send`."""
        mail = compose(
            message,
            sender=self._sender,
            reply_to=self._reply_to,
            unsubscribe_mailbox=self._unsubscribe_mailbox,
        )
        request: dict[str, Any] = {
            "FromEmailAddress": self._from,
            # The envelope has the one recipient, whatever the headers say.
            "Destination": {"ToAddresses": [plain_address(message.address)]},
            "Content": {"Raw": {"Data": mail}},
            "EmailTags": [
                {"Name": "message_id", "Value": message.message_id},
                {"Name": "template", "Value": message.template},
                {"Name": "purpose", "Value": message.purpose},
            ],
        }
        if self._configuration_set:
            request["ConfigurationSetName"] = self._configuration_set
        return str(self._call("send_email", **request)["MessageId"])
