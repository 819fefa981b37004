"""Lambda webhook_twilio_voice: verifies, parses and queues; see enlace.usecases.ingest."""

import os

from enlace.aws.webhook import webhook_handler
from enlace.channels import twilio_voice

handler = webhook_handler(twilio_voice, os.environ)
