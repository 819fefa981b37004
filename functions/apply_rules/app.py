"""Rules: what is stored follows those in force. The bus says when they change, a schedule goes on.

The schedule also finds evidence that expires from one day to the next, and shipped rules that
a deployment changed.
"""

from __future__ import annotations

import os
import time
from functools import cache
from typing import Any

from enlace.aws.bus import Bus
from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.clients import client
from enlace.aws.metrics import emit
from enlace.aws.store import DynamoStore
from enlace.domain.envelope import Event
from enlace.errors import EnlaceError
from enlace.logs import Logger
from enlace.usecases.apply_rules import ApplyRules
from enlace.usecases.rules_job import told_of

#: A page of changed components takes some seconds; its last one must be told before the end.
RESERVE_MILLISECONDS = 20_000

log = Logger("apply_rules", os.environ.get("LOG_LEVEL", "info"))


@cache
def _job() -> ApplyRules:
    # Rules change identities only.
    store = DynamoStore(client("dynamodb"), os.environ["IDENTITY_TABLE"], timeline_table="")
    bus = Bus(client("events"), os.environ["BUS_NAME"])
    return ApplyRules(store, bus, clock=time.time, sleep=time.sleep)


def _activated(event: Event) -> str | None:
    return _job().follow(event, consume.time_left)


consume = BusConsumer(_activated, log, reserve_ms=RESERVE_MILLISECONDS)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Go on with the job, if there is one, while there is time."""
    try:
        return consume(event, context) if "Records" in event else _scheduled(context)
    finally:
        emit("apply_rules", _job().counts)


def _scheduled(context: Any) -> dict[str, Any]:
    log.request_id = context.aws_request_id
    try:
        progress = _job().run(lambda: context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)
    except EnlaceError as error:
        # The next minute's run goes on where this one stopped.
        log("error", "try again", error=type(error).__name__, reason=str(error))
        return {"result": "failed"}
    if progress is not None:
        log("info", "rules", result=told_of(progress))
    return {"result": told_of(progress)}
