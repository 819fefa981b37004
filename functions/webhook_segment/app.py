"""Lambda webhook_segment: verifies, parses and queues; see enlace.usecases.ingest."""

import os

from enlace.aws.webhook import webhook_handler
from enlace.channels import segment

handler = webhook_handler(segment, os.environ)
