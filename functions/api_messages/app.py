"""The HTTP API's messages: asked for and followed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.api.app import Api
from enlace.api.gateway import api_handler, callers_of
from enlace.api.messages import message_routes
from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.attachments import Attachments
from enlace.aws.bus import Bus
from enlace.aws.clients import client
from enlace.aws.delivery_table import DeliveryTable
from enlace.aws.secrets import CachedSecret
from enlace.aws.store import DynamoStore
from enlace.aws.template_store import S3Templates
from enlace.domain.interaction import Identifier
from enlace.domain.rules import Rules
from enlace.errors import NotFound
from enlace.rules import message_policy
from enlace.senders.registry import sender_channels
from enlace.usecases.consents import consent_key
from enlace.usecases.find_customer import Customer, CustomerFinder
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.request_message import RequestMessage
from enlace.usecases.resolve import Resolver

logger = Logger(service="api_messages")
dynamodb, events = client("dynamodb"), client("events")


def _now() -> datetime:
    return datetime.now(UTC)


def _today() -> str:
    return f"{_now():%Y-%m-%d}"


@cache
def _api() -> Callable[[], Api]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    keys, callers, policy = address_keys(secret), callers_of(os.environ), message_policy()
    store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["TIMELINE_TABLE"])
    deliveries = DeliveryTable(dynamodb, os.environ["DELIVERY_TABLE"])
    bucket = os.environ.get("TEMPLATES_BUCKET", "")
    templates = MessageTemplates(S3Templates(lambda: client("s3"), bucket) if bucket else None)
    attachments = Attachments(lambda: client("s3"), os.environ.get("ATTACHMENTS_BUCKET", ""))
    bus = Bus(events, os.environ["BUS_NAME"])

    def build(rules: Rules) -> Api:
        finder = CustomerFinder(store, keys, rules, today=_today)

        def customer_of(to: Identifier) -> Customer | None:
            try:
                return finder.by_identifier(to)
            except NotFound:
                # An address may be new; an id is either given out or not.
                if to.kind == "customer_id":
                    raise
                return None

        request = RequestMessage(
            customer_of=customer_of,
            key_of=partial(consent_key, keys=keys, rules=rules),
            record=Resolver(store, keys, rules, today=_today, sleep=time.sleep).resolve,
            templates=templates,
            deliveries=deliveries,
            bus=bus,
            policy=policy,
            channels=sender_channels(os.environ.get("SENDER_CHANNELS", "")),
            keep=attachments.keep,
            now=_now,
        )
        return Api(message_routes(request, deliveries.get, policy), callers, logger)

    return ActiveRules(store.get_entry, logger.warning).renewing(build)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take a message, or tell what became of one."""
    return api_handler(_api()())(event)
