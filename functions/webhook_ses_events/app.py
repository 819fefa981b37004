"""Lambda webhook_ses_events: deliveries, bounces and complaints of what we sent."""

import os

from enlace.aws.mail import notification_handler, queue_from
from enlace.channels import ses_events
from enlace.logs import Logger

handler = notification_handler(
    ses_events.parse,
    queue_from(os.environ),
    Logger(
        os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "webhook_ses_events"),
        os.environ.get("LOG_LEVEL", "info"),
    ),
    ses_events.NAME,
)
