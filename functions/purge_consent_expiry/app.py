"""Scheduled: consents that have ended are entered as such, unconfirmed requests purged."""

from __future__ import annotations

import os
import time
from typing import Any

from enlace.aws.clients import client
from enlace.aws.consent_ends import ConsentEnds
from enlace.aws.consent_table import ConsentTable
from enlace.aws.metrics import emit
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.interaction import epoch_text
from enlace.errors import EnlaceError
from enlace.logs import Logger
from enlace.usecases.expire_consents import ExpireConsents
from enlace.usecases.purge import Purge, Task

RESERVE_MILLISECONDS = 10_000

log = Logger("purge_consent_expiry", os.environ.get("LOG_LEVEL", "info"))
dynamodb = client("dynamodb")
rows = VersionedRows(dynamodb, os.environ["PRIVACY_TABLE"])
table = os.environ["CONSENT_TABLE"]


def _now() -> str:
    return epoch_text(time.time())


ending = ExpireConsents(
    ConsentTable(dynamodb, table), ConsentEnds(dynamodb, table), now=_now, sleep=time.sleep
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Go on with what has ended, while there is time."""
    log.request_id = context.aws_request_id
    # Each consent says itself when it ends: there is no policy that a round could begin under.
    purge = Purge(
        rows, job="purge_consent_expiry", policy="", clock=time.time, every_seconds=0, batch=25
    )
    try:
        done = purge.run(
            # The index gives what is due alone, so all of it always is.
            [Task(ending, cutoff=_now(), max_batch_pct=100)],
            lambda: context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS,
        )
    except EnlaceError as error:
        log("error", "try again", error=type(error).__name__, reason=str(error))
        return {"result": "failed"}
    finally:
        emit("purge_consent_expiry", purge.counts)
    return {"result": "done" if done else "goes on"}
