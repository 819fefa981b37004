"""Scheduled: takes dead letters about people who were erased out of their queues."""

from __future__ import annotations

import os
from collections import Counter
from functools import cache
from typing import Any

from enlace.aws.address_keys import address_keys
from enlace.aws.clients import client
from enlace.aws.identity_table import IdentityTable
from enlace.aws.metrics import emit
from enlace.aws.queue_walk import QueueWalk
from enlace.aws.secrets import CachedSecret
from enlace.errors import EnlaceError
from enlace.logs import Logger
from enlace.rules import default_rules
from enlace.usecases.scrub_dead_letters import Scrub

#: What was read has to be given back before the end.
RESERVE_MILLISECONDS = 20_000

log = Logger("scrub_dead_letters", os.environ.get("LOG_LEVEL", "info"))


@cache
def _scrub() -> Scrub:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    fences = IdentityTable(client("dynamodb"), os.environ["IDENTITY_TABLE"])
    return Scrub(fences, address_keys(secret), default_rules())


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Read every dead-letter queue; what there is no time for is the next run's."""
    log.request_id = context.aws_request_id
    walk, counts = QueueWalk(client("sqs")), Counter[str]()

    def time_left() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)

    for url in os.environ["DLQ_URLS"].split():
        if not time_left():
            counts["left_over"] += 1
            continue
        try:
            walked = walk(url, lambda one: _scrub()(*one), erase=True, time_left=time_left)
        except EnlaceError as error:
            log("warning", "try again", error=type(error).__name__, reason=str(error))
            counts["failed"] += 1
            continue
        counts["scrubbed"] += walked.found
        counts["left_over"] += not walked.whole
    emit("scrub_dead_letters", counts)
    done = {name: counts[name] for name in ("scrubbed", "failed", "left_over")}
    log("info", "scrubbed", **done)
    return done
