"""The baseline's WhatsApp webhook: verify, parse, one queue message per WhatsApp message."""

from __future__ import annotations

import hashlib
import hmac
import os
import uuid
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parser import ValidationError, parse
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventV2Model
from aws_lambda_powertools.utilities.typing import LambdaContext

from bench.naive.models import Identifier, Interaction, WhatsAppMessage, WhatsAppWebhook

logger = Logger(service="webhook_whatsapp")
queue = boto3.resource("sqs").Queue(os.environ["INTERACTIONS_QUEUE_URL"])


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer WhatsApp's POST."""
    request = parse(event=event, model=APIGatewayProxyEventV2Model)
    body = str(request.body or "")
    secret = parameters.get_secret(os.environ["CHANNEL_SECRET_ID"], transform="json", max_age=300)
    signature = request.headers.get("x-hub-signature-256", "")
    expected = hmac.new(secret["app_secret"].encode(), body.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"sha256={expected}", signature):
        logger.warning("invalid signature")
        return {"statusCode": 401}
    try:
        webhook = WhatsAppWebhook.model_validate_json(body)
    except ValidationError:
        logger.warning("invalid payload")
        return {"statusCode": 400}
    count = 0
    for entry in webhook.entry:
        for change in entry.changes:
            names = {c.wa_id: c.profile.name for c in change.value.contacts}
            for message in change.value.messages:
                interaction = to_interaction(
                    message, change.value.metadata.display_phone_number, names.get(message.sender)
                )
                queue.send_message(MessageBody=interaction.model_dump_json())
                count += 1
    logger.info("accepted", extra={"messages": count})
    return {"statusCode": 200, "body": ""}


def to_interaction(message: WhatsAppMessage, account: str, name: str | None) -> Interaction:
    """One WhatsApp message as an interaction."""
    return Interaction(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"whatsapp:{account}:{message.id}")),
        source_id=message.id,
        channel="whatsapp",
        account=account,
        type="message.received",
        occurred_at=datetime.fromtimestamp(message.timestamp, UTC),
        received_at=datetime.now(UTC),
        contact_point=Identifier(kind="phone", value=f"+{message.sender}", level="proven"),
        traits={"name": name} if name else {},
        data={"text": message.text.body} if message.text else {},
    )
