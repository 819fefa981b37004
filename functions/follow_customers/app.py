"""Merges, splits and cases in, hints on identifiers and late contacts of new cases out."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.case_table import CaseTable
from enlace.aws.clients import client
from enlace.aws.history import Threads
from enlace.aws.store import DynamoStore
from enlace.logs import Logger
from enlace.rules import default_rules
from enlace.usecases.cases import CaseKeeper
from enlace.usecases.follow_customers import FollowCustomers
from enlace.usecases.membership import Memberships


def _now() -> datetime:
    return datetime.now(UTC)


dynamodb = client("dynamodb")
rules = default_rules()
store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["TIMELINE_TABLE"])
memberships = Memberships(store, rules, today=lambda: f"{_now():%Y-%m-%d}")
cases = CaseTable(dynamodb, os.environ["CASE_TABLE"], parallel=Threads())
follow = FollowCustomers(
    store,
    memberships,
    cases=cases,
    keeper=CaseKeeper(cases, memberships, rules.cases, now=_now),
    timeline=store,
)
consume = BusConsumer(
    follow, Logger("follow_customers", os.environ.get("LOG_LEVEL", "info")), reserve_ms=10_000
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Follow a batch; failures go back to the queue one by one."""
    return consume(event, context)
