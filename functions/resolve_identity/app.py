"""Resolve identities: interactions queue in, tables and bus out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.bus import Bus
from enlace.aws.clients import client
from enlace.aws.interactions_queue import InteractionsQueue
from enlace.aws.metrics import emit
from enlace.aws.restore_marks import restore_hold
from enlace.aws.secrets import CachedSecret
from enlace.aws.store import DynamoStore
from enlace.domain.interaction import epoch_text
from enlace.domain.rules import Rules
from enlace.usecases.consume_interactions import Message, consume
from enlace.usecases.resolve import Resolver

logger = Logger(service="resolve_identity")
dynamodb, events = client("dynamodb"), client("events")
hold = restore_hold(os.environ, dynamodb)


def _now() -> str:
    return epoch_text(time.time())


@cache
def _resolver() -> Callable[[], Resolver]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["TIMELINE_TABLE"])
    keys = address_keys(secret)

    def build(rules: Rules) -> Resolver:
        return Resolver(store, keys, rules, today=lambda: _now()[:10], sleep=time.sleep)

    return ActiveRules(store.get_entry, logger.warning).renewing(build)


@cache
def _dead_letters() -> InteractionsQueue:
    return InteractionsQueue(client("sqs"), "", os.environ["INTERACTIONS_DLQ_URL"])


class _LazyDeadLetters:
    """Poison is rare: its client is made when there is some."""

    def send_rejected(self, rejected: Sequence[tuple[str, str]], channel: str) -> None:
        _dead_letters().send_rejected(rejected, channel)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Record and publish a batch; give back to the queue what failed for now."""
    if hold is not None:
        # An error gives the whole batch back.
        hold.check()
    messages = [
        Message(
            id=record["messageId"],
            body=record["body"],
            sent_at=epoch_text(int(record["attributes"]["SentTimestamp"]) / 1000),
        )
        for record in event["Records"]
    ]
    report = consume(
        messages,
        _resolver()(),
        Bus(events, os.environ["BUS_NAME"]),
        _LazyDeadLetters(),
        _now,
    )
    for message_id, reason in report.failed.items():
        logger.warning("given back to the queue", message_id=message_id, reason=reason)
    for reason, _ in report.poison:
        logger.error("to the dead-letter queue", reason=reason)
    emit("resolve_identity", {**report.counts, "failed": len(report.failed)})
    return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in report.failed]}
