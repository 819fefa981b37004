"""Lambda webhook_generic: verifies, parses and queues; see enlace.usecases.ingest."""

import os

from enlace.aws.webhook import webhook_handler
from enlace.channels import generic

handler = webhook_handler(generic, os.environ)
