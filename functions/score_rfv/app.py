"""Scheduled: the cut points of recency, frequency and value, once a day."""

from __future__ import annotations

import os
import time
from typing import Any

from enlace.aws.buyers import BuyerIndex
from enlace.aws.clients import client
from enlace.aws.store import DynamoStore
from enlace.domain.interaction import epoch_text
from enlace.logs import Logger
from enlace.usecases.score_rfv import ScoreRfv

#: A page takes some tens of milliseconds; what was counted must be written before the end.
RESERVE_MILLISECONDS = 20_000

log = Logger("score_rfv", os.environ.get("LOG_LEVEL", "info"))
dynamodb = client("dynamodb")


def _today() -> str:
    return epoch_text(time.time())[:10]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Go on with the day's cut points, or do nothing if they are there."""
    log.request_id = context.aws_request_id
    table = os.environ["TIMELINE_TABLE"]
    job = ScoreRfv(
        DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], table),
        BuyerIndex(dynamodb, table),
        today=_today,
        goes_on=lambda: context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS,
    )
    scored = job.run()
    done: dict[str, Any] = {
        "day": scored.day,
        "contact_points": scored.contact_points,
        "customers": scored.customers,
        "complete": scored.complete,
    }
    log("info", "scored", **done)
    return done
