"""Lambda webhook_whatsapp: verifies, parses and queues; see enlace.usecases.ingest."""

import os

from enlace.aws.webhook import webhook_handler
from enlace.channels import whatsapp

handler = webhook_handler(whatsapp, os.environ)
