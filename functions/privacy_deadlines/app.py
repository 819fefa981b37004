"""Scheduled: the clock of data subjects' requests."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.clients import client
from enlace.aws.metrics import emit
from enlace.aws.privacy_desk import carrying_out, desk_of, erasures_to, now
from enlace.aws.secrets import CachedSecret
from enlace.aws.store import DynamoStore
from enlace.domain.rules import Rules
from enlace.errors import EnlaceError
from enlace.logs import Logger
from enlace.rules import privacy_policy
from enlace.usecases.privacy_deadlines import PrivacyDeadlines

RESERVE_MILLISECONDS = 10_000

log = Logger("privacy_deadlines", os.environ.get("LOG_LEVEL", "info"))
dynamodb = client("dynamodb")
hand_over = erasures_to(client("sqs"), os.environ["ERASURE_QUEUE_URL"])


def _warn(request_id: str, percent: int, deadline: str) -> None:
    log("warning", "deadline", request=request_id, percent=percent, deadline=deadline)


def _nothing_to_tell(effects: Sequence[Any], at: str) -> None:
    raise TypeError("this function erases nothing")


@cache
def _clock() -> Callable[[], PrivacyDeadlines]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    keys = address_keys(secret)

    def build(rules: Rules) -> PrivacyDeadlines:
        desk = desk_of(os.environ, dynamodb, keys, rules, _nothing_to_tell)
        carry_out = carrying_out(os.environ, dynamodb, desk, hand_over, "enlace.privacy_deadlines")
        return PrivacyDeadlines(
            desk.rows,
            policy=privacy_policy(),
            warn=_warn,
            go_on=partial(carry_out.go_on, desk.requests),
            hand_over=lambda request_id: hand_over(request_id, 0),
            now=now,
        )

    store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["TIMELINE_TABLE"])
    return ActiveRules(store.get_entry, partial(log, "warning")).renewing(build)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Tell of the requests whose time runs out, once for each mark; take up what was lost."""
    log.request_id = context.aws_request_id
    clock = _clock()()
    try:
        seen = clock.run(lambda: context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)
    except EnlaceError as error:
        log("error", "try again", error=type(error).__name__, reason=str(error))
        return {"result": "failed"}
    finally:
        emit("privacy_deadlines", clock.counts)
        clock.counts.clear()
    return {"result": "done", "looked_at": seen}
