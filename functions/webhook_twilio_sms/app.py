"""Lambda webhook_twilio_sms: verifies, parses and queues; see enlace.usecases.ingest."""

import os

from enlace.aws.webhook import webhook_handler
from enlace.channels import twilio_sms

handler = webhook_handler(twilio_sms, os.environ)
