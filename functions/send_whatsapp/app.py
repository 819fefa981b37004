"""Send WhatsApp: ``send.message`` of the channel whatsapp in, Meta's Cloud API out."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from enlace.aws.clients import client
from enlace.aws.message_sender import message_sender
from enlace.aws.secrets import CachedSecret
from enlace.senders.http_json import JsonHttp, bearer
from enlace.senders.whatsapp import CHANNEL, WhatsApp

secret = CachedSecret(lambda: client("secretsmanager"), os.environ["WHATSAPP_SECRET_ID"])
number_id = os.environ.get("WHATSAPP_PHONE_NUMBER_ID", "")
http = JsonHttp(
    WhatsApp.name,
    os.environ["WHATSAPP_API_URL"].rstrip("/"),
    bearer(lambda: secret.text("access_token")),
)
send = message_sender(
    CHANNEL,
    WhatsApp(http, number_id, now=lambda: datetime.now(UTC)),
    os.environ,
    account=number_id,
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Send a batch; failures go back to the queue one by one."""
    return send(event, context)
