"""Send WhatsApp: ``send.message`` of the channel whatsapp in, Meta's Cloud API out."""

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
from enlace.aws.secrets import CachedSecret
from enlace.domain.consent import ConsentPolicy
from enlace.domain.interaction import utc_text
from enlace.logs import Logger
from enlace.senders.http_json import JsonHttp, bearer
from enlace.senders.whatsapp import CHANNEL, WhatsApp
from enlace.usecases.deliver_message import DeliverMessage
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.send_gate import SendGate


def _now() -> datetime:
    return datetime.now(UTC)


dynamodb = client("dynamodb")
secret = CachedSecret(lambda: client("secretsmanager"), os.environ["WHATSAPP_SECRET_ID"])
phone_number_id = os.environ.get("WHATSAPP_PHONE_NUMBER_ID", "")
http = JsonHttp(
    CHANNEL.name,
    os.environ["WHATSAPP_API_URL"].rstrip("/"),
    bearer(lambda: secret.text("access_token")),
)
deliver = DeliverMessage(
    CHANNEL.name,
    WhatsApp(http, phone_number_id, now=_now),
    identities=IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"]),
    deliveries=DeliveryTable(dynamodb, os.environ["DELIVERY_TABLE"], now=_now),
    templates=MessageTemplates(),
    gate=SendGate(
        ConsentTable(dynamodb, os.environ["CONSENT_TABLE"]),
        policy=ConsentPolicy(),
        now=lambda: utc_text(_now()),
    ),
    report=outcomes_to(lambda: client("sqs"), os.environ["INTERACTIONS_QUEUE_URL"]),
    account=phone_number_id,
    now=_now,
)
consume = BusConsumer(
    lambda event: deliver(event).state,
    Logger("send_whatsapp", os.environ.get("LOG_LEVEL", "info")),
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Send a batch; failures go back to the queue one by one."""
    return consume(event, context)
