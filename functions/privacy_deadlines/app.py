"""Scheduled: the clock of data subjects' requests."""

from __future__ import annotations

import os
from typing import Any

from enlace.aws.clients import client
from enlace.aws.metrics import emit
from enlace.aws.privacy_desk import erasures_to, now
from enlace.aws.versioned_rows import VersionedRows
from enlace.errors import EnlaceError
from enlace.logs import Logger
from enlace.rules import privacy_policy
from enlace.usecases.privacy_deadlines import PrivacyDeadlines

RESERVE_MILLISECONDS = 10_000

log = Logger("privacy_deadlines", os.environ.get("LOG_LEVEL", "info"))
rows = VersionedRows(client("dynamodb"), os.environ["PRIVACY_TABLE"])
hand_over = erasures_to(client("sqs"), os.environ["ERASURE_QUEUE_URL"])


def _warn(request_id: str, percent: int, deadline: str) -> None:
    log("warning", "deadline", request=request_id, percent=percent, deadline=deadline)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Tell of the requests whose time runs out, once for each mark."""
    log.request_id = context.aws_request_id
    clock = PrivacyDeadlines(
        rows,
        policy=privacy_policy(),
        warn=_warn,
        # A verified one of another type is taken up by the call that verified it.
        go_on=lambda request_id: None,
        now=now,
        hand_over=lambda request_id: hand_over(request_id, 0),
    )
    try:
        seen = clock.run(lambda: context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)
    except EnlaceError as error:
        log("error", "try again", error=type(error).__name__, reason=str(error))
        return {"result": "failed"}
    finally:
        emit("privacy_deadlines", clock.counts)
    return {"result": "done", "looked_at": seen}
