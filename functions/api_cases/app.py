"""The HTTP API's service cases."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.api.app import Api
from enlace.api.cases import SOURCE, case_routes
from enlace.api.gateway import api_handler, callers_of
from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.bus import Bus
from enlace.aws.case_table import CaseTable
from enlace.aws.case_threads import CaseThreads
from enlace.aws.clients import client
from enlace.aws.history import Threads
from enlace.aws.identity_table import IdentityTable
from enlace.aws.secrets import CachedSecret
from enlace.aws.timeline_table import TimelineTable
from enlace.domain.case import Case
from enlace.domain.interaction import epoch_text
from enlace.domain.rules import Rules
from enlace.usecases.change_case import ChangeCase
from enlace.usecases.find_customer import Asked, CustomerFinder
from enlace.usecases.read_case import CaseView

logger = Logger(service="api_cases")
dynamodb, events = client("dynamodb"), client("events")


def _now() -> datetime:
    return datetime.now(UTC)


def _today() -> str:
    return epoch_text(time.time())[:10]


@cache
def _api() -> Callable[[], Api]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    keys, callers, threads = address_keys(secret), callers_of(os.environ), Threads()
    identities = IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"])
    timeline = TimelineTable(dynamodb, os.environ["TIMELINE_TABLE"])
    cases = CaseTable(dynamodb, os.environ["CASE_TABLE"])
    case_threads = CaseThreads(dynamodb, os.environ["CASE_TABLE"])
    bus = Bus(events, os.environ["BUS_NAME"])

    def build(rules: Rules) -> Api:
        finder = CustomerFinder(identities, keys, rules, today=_today)

        def owner(case: Case) -> str:
            return finder.find(Asked(case.contact_key)).id

        views = CaseView(finder, cases, case_threads, timeline, parallel=threads)
        change = ChangeCase(cases, owner, now=_now, source=SOURCE)
        return Api(case_routes(views, change, bus), callers, logger)

    return ActiveRules(identities.get_entry, logger.warning).renewing(build)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Show a case, or enter what an operator does about it."""
    return api_handler(_api()())(event)
