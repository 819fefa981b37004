"""The HTTP API's decisions of operators about who is the same person."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.api.app import Api
from enlace.api.conciliations import conciliation_routes
from enlace.api.gateway import api_handler, callers_of
from enlace.aws.address_keys import address_keys
from enlace.aws.bus import Bus
from enlace.aws.clients import client
from enlace.aws.history import Threads
from enlace.aws.secrets import CachedSecret
from enlace.aws.store import DynamoStore
from enlace.domain.interaction import epoch_text
from enlace.rules import default_rules
from enlace.usecases.conciliate import Conciliator
from enlace.usecases.conciliation_log import ConciliationLog

logger = Logger(service="api_conciliations")
dynamodb, events = client("dynamodb"), client("events")


def _now() -> str:
    return epoch_text(time.time())


@cache
def _api() -> Api:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["TIMELINE_TABLE"])
    rules = default_rules()
    conciliator = Conciliator(store, address_keys(secret), rules, now=_now, sleep=time.sleep)
    log = ConciliationLog(store, rules, now=_now, parallel=Threads())
    bus = Bus(events, os.environ["BUS_NAME"])
    return Api(conciliation_routes(conciliator, log, bus, _now), callers_of(os.environ), logger)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Record a decision or its withdrawal, and tell what it changed."""
    return api_handler(_api())(event)
