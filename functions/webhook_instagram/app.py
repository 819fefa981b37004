"""Lambda webhook_instagram: verifies, parses and queues; see enlace.usecases.ingest."""

import os

from enlace.aws.webhook import webhook_handler
from enlace.channels import instagram

handler = webhook_handler(instagram, os.environ)
