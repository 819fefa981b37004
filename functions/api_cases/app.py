"""The HTTP API's service cases."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.api.app import Api
from enlace.api.cases import SOURCE, case_routes
from enlace.api.gateway import api_handler, callers_of
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
from enlace.rules import default_rules
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
def _api() -> Api:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    identities = IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"])
    finder = CustomerFinder(identities, address_keys(secret), default_rules(), today=_today)
    cases = CaseTable(dynamodb, os.environ["CASE_TABLE"])

    def owner(case: Case) -> str:
        return finder.find(Asked(case.contact_key)).id

    views = CaseView(
        finder,
        cases,
        CaseThreads(dynamodb, os.environ["CASE_TABLE"]),
        TimelineTable(dynamodb, os.environ["TIMELINE_TABLE"]),
        parallel=Threads(),
    )
    change = ChangeCase(cases, owner, now=_now, source=SOURCE)
    bus = Bus(events, os.environ["BUS_NAME"])
    return Api(case_routes(views, change, bus), callers_of(os.environ), logger)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Show a case, or enter what an operator does about it."""
    return api_handler(_api())(event)
