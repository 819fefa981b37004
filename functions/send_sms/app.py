"""Send SMS: ``send.message`` of the channel sms in, End User Messaging or SNS out."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.delivery_table import DeliveryTable
from enlace.aws.identity_table import IdentityTable
from enlace.aws.outcomes import outcomes_to
from enlace.aws.provider_calls import ProviderCalls, provider_client
from enlace.domain.consent import ConsentPolicy
from enlace.domain.interaction import utc_text
from enlace.errors import Misconfigured
from enlace.logs import Logger
from enlace.usecases.deliver_message import DeliverMessage, MessageProvider
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.send_gate import SendGate


def _now() -> datetime:
    return datetime.now(UTC)


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


dynamodb = client("dynamodb")
origin = os.environ.get("SMS_ORIGIN", "")
deliver = DeliverMessage(
    "sms",
    _provider(os.environ["SMS_PROVIDER"], origin),
    identities=IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"]),
    deliveries=DeliveryTable(dynamodb, os.environ["DELIVERY_TABLE"], now=_now),
    templates=MessageTemplates(),
    gate=SendGate(
        ConsentTable(dynamodb, os.environ["CONSENT_TABLE"]),
        policy=ConsentPolicy(),
        now=lambda: utc_text(_now()),
    ),
    report=outcomes_to(lambda: client("sqs"), os.environ["INTERACTIONS_QUEUE_URL"]),
    account=origin,
    now=_now,
)
consume = BusConsumer(
    lambda event: deliver(event).state,
    Logger("send_sms", os.environ.get("LOG_LEVEL", "info")),
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Send a batch; failures go back to the queue one by one."""
    return consume(event, context)
