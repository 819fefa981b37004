"""Send SMS: ``send.message`` of the channel sms in, End User Messaging or SNS out."""

from __future__ import annotations

import os
from typing import Any

from enlace.aws.message_sender import message_sender
from enlace.aws.provider_calls import ProviderCalls, provider_client
from enlace.errors import Misconfigured
from enlace.senders.sms import CHANNEL
from enlace.usecases.sender_ports import MessageProvider


def _provider(name: str, origin: str) -> MessageProvider:
    # Each imports its own adapter: only one is ever needed.
    if name == "eum":
        from enlace.senders.sms_eum import EumSms

        return EumSms(
            ProviderCalls(provider_client("pinpoint-sms-voice-v2"), "eum"),
            origin=origin,
            configuration_set=os.environ.get("SMS_CONFIGURATION_SET", ""),
        )
    if name == "sns":
        from enlace.senders.sms_sns import SnsSms

        return SnsSms(ProviderCalls(provider_client("sns"), "sns"), origin=origin)
    raise Misconfigured("SMS_PROVIDER must be eum or sns")


origin = os.environ.get("SMS_ORIGIN", "")
send = message_sender(
    CHANNEL, _provider(os.environ["SMS_PROVIDER"], origin), os.environ, account=origin
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Send a batch; failures go back to the queue one by one."""
    return send(event, context)
