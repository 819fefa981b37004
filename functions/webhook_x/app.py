"""Lambda webhook_x: verifies, parses and queues; see enlace.usecases.ingest."""

import os

from enlace.aws.webhook import webhook_handler
from enlace.channels import x

handler = webhook_handler(x, os.environ)
