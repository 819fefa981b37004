"""The HTTP API's answers about customers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.api.app import Api
from enlace.api.customers import customer_routes
from enlace.api.gateway import api_handler, callers_of
from enlace.api.preview import preview_routes
from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.candidate_table import CandidateTable
from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.history import DynamoHistory, Threads
from enlace.aws.identity_table import IdentityTable
from enlace.aws.restore_marks import restore_hold
from enlace.aws.secrets import CachedSecret
from enlace.domain.interaction import epoch_text
from enlace.domain.rules import Rules
from enlace.rules import message_policy, retention_policy
from enlace.usecases.context import Context
from enlace.usecases.customer_view import CustomerView
from enlace.usecases.explain import Explain
from enlace.usecases.find_customer import CustomerFinder
from enlace.usecases.preview import Preview
from enlace.usecases.read_customer import CustomerReader
from enlace.usecases.score_rfv import CachedQuintiles
from enlace.usecases.timeline import Timeline

logger = Logger(service="api_customers")
dynamodb = client("dynamodb")
hold = restore_hold(os.environ, dynamodb)


def _now() -> str:
    return epoch_text(time.time())


def _today() -> str:
    return _now()[:10]


@cache
def _openapi() -> dict[str, Any]:
    # pydantic is loaded by whoever asks for the description, and by nobody else.
    from enlace.api.openapi import openapi

    return openapi()


@cache
def _api() -> Callable[[], Api]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    keys, callers, threads = address_keys(secret), callers_of(os.environ), Threads()
    identities = IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"])
    reader = DynamoHistory(
        dynamodb,
        os.environ["TIMELINE_TABLE"],
        os.environ["CASE_TABLE"],
        ended=lambda: retention_policy().cutoff("timeline", _now()),
    )
    quintiles = CachedQuintiles(identities.get_entry, clock=time.monotonic)
    candidates = CandidateTable(dynamodb, os.environ["CANDIDATE_TABLE"])
    consents = ConsentTable(dynamodb, os.environ["CONSENT_TABLE"])
    policy = message_policy().consent

    def build(rules: Rules) -> Api:
        finder = CustomerFinder(identities, keys, rules, today=_today)
        customers = CustomerReader(
            finder,
            reader,
            parallel=threads,
            quintiles=quintiles,
            candidates=candidates,
            consents=consents,
        )
        routes = customer_routes(
            finder,
            CustomerView(customers, now=_now, policy=policy),
            Timeline(finder, reader, parallel=threads),
            Context(customers, today=_today, policy=policy),
            Explain(
                finder,
                today=_today,
                get_interaction=reader.get,
                get_entry=identities.get_entry,
                parallel=threads,
            ),
            _openapi,
        )
        # Here, because this function's role may write nothing.
        preview = Preview(
            identities, keys, rules, reader, now=_now, parallel=threads, consents=consents
        )
        return Api([*routes, *preview_routes(preview)], callers, logger, hold=hold)

    return ActiveRules(identities.get_entry, logger.warning).renewing(build)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a question about a customer."""
    return api_handler(_api()())(event)
