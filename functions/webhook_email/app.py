"""Lambda webhook_email: mail that SES received and stored, announced by SNS."""

import os
from typing import Any

from enlace.aws.clients import client
from enlace.aws.mail import MailStore, notification_handler, queue_from
from enlace.channels import ses_inbound
from enlace.domain.interaction import Interaction
from enlace.logs import Logger

store = MailStore(client("s3"), os.environ["MAIL_BUCKET"])


def read(notification: Any, received_at: str) -> list[Interaction]:
    """One notification, with the message that it announces."""
    raw = store.read(*ses_inbound.stored_at(notification))
    return ses_inbound.parse(notification, raw, received_at)


handler = notification_handler(
    read,
    queue_from(os.environ),
    Logger(
        os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "webhook_email"),
        os.environ.get("LOG_LEVEL", "info"),
    ),
    ses_inbound.NAME,
)
