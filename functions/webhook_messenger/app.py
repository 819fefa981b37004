"""Lambda webhook_messenger: verifies, parses and queues; see enlace.usecases.ingest."""

import os

from enlace.aws.webhook import webhook_handler
from enlace.channels import messenger

handler = webhook_handler(messenger, os.environ)
