"""Merges, splits and cases in, hints on identifiers and late contacts of new cases out."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from enlace.aws.active_rules import ActiveRules
from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.case_table import CaseTable
from enlace.aws.clients import client
from enlace.aws.history import Threads
from enlace.aws.restore_marks import restore_hold
from enlace.aws.store import DynamoStore
from enlace.domain.rules import Rules
from enlace.logs import Logger
from enlace.usecases.cases import CaseKeeper
from enlace.usecases.follow_customers import FollowCustomers
from enlace.usecases.membership import Memberships


def _now() -> datetime:
    return datetime.now(UTC)


dynamodb = client("dynamodb")
log = Logger("follow_customers", os.environ.get("LOG_LEVEL", "info"))
store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["TIMELINE_TABLE"])
cases = CaseTable(dynamodb, os.environ["CASE_TABLE"], parallel=Threads())


def _follow(rules: Rules) -> FollowCustomers:
    memberships = Memberships(store, rules, today=lambda: f"{_now():%Y-%m-%d}")
    keeper = CaseKeeper(cases, memberships, rules.cases, now=_now)
    return FollowCustomers(store, memberships, cases=cases, keeper=keeper, timeline=store)


active_rules = ActiveRules(store.get_entry, lambda text: log("warning", text))
follow = active_rules.renewing(_follow)
consume = BusConsumer(
    lambda event: follow()(event), log, reserve_ms=10_000, hold=restore_hold(os.environ, dynamodb)
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Follow a batch; failures go back to the queue one by one."""
    return consume(event, context)
