"""The HTTP API's decisions of operators about who is the same person."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.api.app import Api
from enlace.api.candidates import candidate_routes
from enlace.api.conciliations import conciliation_routes
from enlace.api.gateway import api_handler, callers_of
from enlace.api.rules import rules_routes
from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.bus import Bus
from enlace.aws.candidate_table import CandidateTable
from enlace.aws.clients import client
from enlace.aws.history import Threads
from enlace.aws.secrets import CachedSecret
from enlace.aws.store import DynamoStore
from enlace.domain.interaction import epoch_text
from enlace.domain.rules import Rules
from enlace.usecases.candidates_view import CandidatesView
from enlace.usecases.compared import Compared
from enlace.usecases.conciliate import Conciliator
from enlace.usecases.conciliation_log import ConciliationLog

logger = Logger(service="api_conciliations")
dynamodb, events = client("dynamodb"), client("events")


def _now() -> str:
    return epoch_text(time.time())


def _today() -> str:
    return _now()[:10]


@cache
def _api() -> Callable[[], Api]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["TIMELINE_TABLE"])
    bus = Bus(events, os.environ["BUS_NAME"])
    candidates = CandidateTable(dynamodb, os.environ["CANDIDATE_TABLE"])
    keys, callers, threads = address_keys(secret), callers_of(os.environ), Threads()

    def build(rules: Rules) -> Api:
        conciliator = Conciliator(store, keys, rules, now=_now, sleep=time.sleep)
        log = ConciliationLog(store, rules, now=_now, parallel=threads)
        compared = Compared(candidates, keys, rules)
        view = CandidatesView(store, candidates, rules, today=_today)
        routes = [
            *conciliation_routes(conciliator, log, bus, _now, compared),
            *candidate_routes(view),
            *rules_routes(store, bus, _now),
        ]
        return Api(routes, callers, logger)

    return ActiveRules(store.get_entry, logger.warning).renewing(build)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Record a decision, its withdrawal or other rules, and tell what it changed."""
    return api_handler(_api()())(event)
