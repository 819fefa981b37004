"""Scheduled: what has run out under the policy of retention goes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.bus import Bus
from enlace.aws.clients import client
from enlace.aws.metrics import emit
from enlace.aws.purge_stores import purged_stores
from enlace.aws.secrets import CachedSecret
from enlace.aws.store import DynamoStore
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.change import Effect
from enlace.domain.envelope import Cause
from enlace.domain.interaction import epoch_text
from enlace.domain.rules import Rules
from enlace.errors import EnlaceError
from enlace.logs import Logger
from enlace.rules import retention_policy
from enlace.usecases.publish import effect_entries
from enlace.usecases.purge import Purge, Purgeable, Task

SOURCE = "enlace.purge_retention"
#: A page of contact points that have run out takes some seconds.
RESERVE_MILLISECONDS = 30_000
#: A round walks every identity: no more than one a day.
EVERY_SECONDS = 22 * 3600

log = Logger("purge_retention", os.environ.get("LOG_LEVEL", "info"))
dynamodb = client("dynamodb")
rows = VersionedRows(dynamodb, os.environ["PRIVACY_TABLE"])
bus = Bus(client("events"), os.environ["BUS_NAME"])


def _now() -> str:
    return epoch_text(time.time())


def _tell(effects: Sequence[Effect], at: str) -> None:
    cause = Cause("retention_policy", retention_policy().version)
    bus.publish_all(effect_entries(effects, cause, at, _now(), SOURCE, at))


@cache
def _stores() -> Callable[[], Mapping[str, Callable[[], Purgeable]]]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["TIMELINE_TABLE"])
    keys = address_keys(secret)

    def build(rules: Rules) -> Mapping[str, Callable[[], Purgeable]]:
        return purged_stores(os.environ, dynamodb, rows, store, keys, rules, tell=_tell, now=_now)

    def warn(line: str) -> None:
        log("warning", line)

    return ActiveRules(store.get_entry, warn).renewing(build)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Go on with every store that has a rule, while there is time."""
    log.request_id = context.aws_request_id
    policy = retention_policy()
    purge = Purge(
        rows,
        job="purge_retention",
        policy=policy.hash,
        clock=time.time,
        every_seconds=EVERY_SECONDS,
        dry_run=os.environ.get("DRY_RUN") == "true",
    )
    try:
        stores, at = _stores()(), _now()
        tasks = [
            Task(stores[rule.store](), policy.cutoff(rule.store, at), rule.max_batch_pct)
            for rule in policy.rules
        ]
        done = purge.run(
            tasks, lambda: context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS
        )
    except EnlaceError as error:
        log("error", "try again", error=type(error).__name__, reason=str(error))
        return {"result": "failed"}
    finally:
        emit("purge_retention", purge.counts)
    if purge.counts["tripped"]:
        log("error", "more has run out than may go at once: nothing was deleted")
    return {"result": "done" if done else "goes on"}
