"""Send e-mail: ``send.message`` of the channel email in, SES out."""

from __future__ import annotations

import os
from typing import Any

from enlace.aws.message_sender import message_sender
from enlace.aws.provider_calls import ProviderCalls, provider_client
from enlace.senders.ses import CHANNEL, Ses

sender = os.environ["EMAIL_FROM"]
send = message_sender(
    CHANNEL,
    Ses(
        ProviderCalls(provider_client("sesv2"), "ses"),
        sender=sender,
        configuration_set=os.environ.get("SES_CONFIGURATION_SET", ""),
        reply_to=os.environ.get("EMAIL_REPLY_TO", ""),
        unsubscribe_mailbox=os.environ.get("UNSUBSCRIBE_MAILBOX", ""),
    ),
    os.environ,
    account=sender,
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Send a batch; failures go back to the queue one by one."""
    return send(event, context)
