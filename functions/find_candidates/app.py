"""Candidates: contact points that say something new in, pairs that may be one person out."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import Any

from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.candidate_table import CandidateTable
from enlace.aws.clients import client
from enlace.aws.identity_table import IdentityTable
from enlace.aws.restore_marks import restore_hold
from enlace.aws.secrets import CachedSecret
from enlace.domain.address_key import AddressKeys
from enlace.domain.interaction import epoch_text
from enlace.domain.rules import Rules
from enlace.logs import Logger
from enlace.usecases.find_candidates import CandidateFinder, Merge
from enlace.usecases.follow_candidates import FollowCandidates

dynamodb = client("dynamodb")
log = Logger("find_candidates", os.environ.get("LOG_LEVEL", "info"))


def _now() -> str:
    return epoch_text(time.time())


@cache
def _consume() -> BusConsumer:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    keys = address_keys(secret)
    identities = IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"])
    candidates = CandidateTable(dynamodb, os.environ["CANDIDATE_TABLE"])

    def build(rules: Rules) -> FollowCandidates:
        merge = _merge(keys, rules) if os.environ["AUTO_MERGE"] == "true" else None
        finder = CandidateFinder(identities, candidates, keys, rules, now=_now, merge=merge)
        return FollowCandidates(finder, identities, candidates)

    active_rules = ActiveRules(identities.get_entry, lambda text: log("warning", text))
    follow = active_rules.renewing(build)
    return BusConsumer(
        lambda event: follow()(event),
        log,
        reserve_ms=10_000,
        hold=restore_hold(os.environ, dynamodb),
    )


def _merge(keys: AddressKeys, rules: Rules) -> Merge | None:
    """What joins without asking, where the rules say above which score."""
    if rules.candidates.auto_merge_above is None:
        return None
    from enlace.aws.bus import Bus
    from enlace.aws.store import DynamoStore
    from enlace.usecases.conciliate import Conciliator
    from enlace.usecases.join_candidates import JoinCandidates

    # A decision writes identities only.
    store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], timeline_table="")
    conciliator = Conciliator(store, keys, rules, now=_now, sleep=time.sleep)
    return JoinCandidates(conciliator, Bus(client("events"), os.environ["BUS_NAME"]), now=_now)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Search for a batch; failures go back to the queue one by one."""
    return _consume()(event, context)
