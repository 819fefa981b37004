"""The HTTP API's records of consent."""

from __future__ import annotations

import os
import time
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.api.app import Api
from enlace.api.consents import consent_routes
from enlace.api.gateway import api_handler, callers_of
from enlace.aws.address_keys import address_keys
from enlace.aws.bus import Bus
from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.interactions_queue import InteractionsQueue
from enlace.aws.secrets import CachedSecret
from enlace.domain.interaction import epoch_text
from enlace.rules import default_rules, message_policy
from enlace.usecases.consent_receipts import Controller
from enlace.usecases.consents import Consents, consent_key

logger = Logger(service="api_consents")
dynamodb, events = client("dynamodb"), client("events")


def _now() -> str:
    return epoch_text(time.time())


@cache
def _api() -> Api:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    consents = Consents(
        ConsentTable(dynamodb, os.environ["CONSENT_TABLE"]),
        policy=message_policy().consent,
        now=_now,
        sleep=time.sleep,
    )
    # Of the rules it needs how addresses are written, which no running stack changes.
    key_of = partial(consent_key, keys=address_keys(secret), rules=default_rules())
    routes = consent_routes(
        consents,
        Bus(events, os.environ["BUS_NAME"]),
        # The address is told only to the queue that every interaction goes through.
        InteractionsQueue(client("sqs"), os.environ["INTERACTIONS_QUEUE_URL"], ""),
        _now,
        key_of,
        Controller.of(os.environ),
    )
    return Api(routes, callers_of(os.environ), logger)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Record a consent, or tell what holds."""
    return api_handler(_api())(event)
