"""Lambda webhook_eum_sms: texts that people write, and what became of ours."""

import os

from enlace.aws.mail import notification_handler, queue_from
from enlace.channels import eum_sms
from enlace.logs import Logger

handler = notification_handler(
    eum_sms.parse,
    queue_from(os.environ),
    Logger(
        os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "webhook_eum_sms"),
        os.environ.get("LOG_LEVEL", "info"),
    ),
    eum_sms.NAME,
)
