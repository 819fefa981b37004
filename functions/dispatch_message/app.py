"""Dispatch: recorded interactions in, cases and requests for messages out."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from enlace.aws.active_rules import ActiveRules
from enlace.aws.bus import Bus
from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.case_table import CaseTable
from enlace.aws.clients import client
from enlace.aws.delivery_table import DeliveryTable
from enlace.aws.history import Threads
from enlace.aws.identity_table import IdentityTable
from enlace.aws.timeline_table import TimelineTable
from enlace.domain.rules import Rules
from enlace.domain.send_gate import OWN_CHANNELS
from enlace.logs import Logger
from enlace.usecases.cases import CaseKeeper
from enlace.usecases.dispatch import Dispatch
from enlace.usecases.membership import Memberships


def _now() -> datetime:
    return datetime.now(UTC)


dynamodb = client("dynamodb")
log = Logger("dispatch_message", os.environ.get("LOG_LEVEL", "info"))
identities = IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"])
timeline = TimelineTable(dynamodb, os.environ["TIMELINE_TABLE"])
cases = CaseTable(dynamodb, os.environ["CASE_TABLE"], parallel=Threads())
messages = DeliveryTable(dynamodb, os.environ["DELIVERY_TABLE"], now=_now)
bus = Bus(client("events"), os.environ["BUS_NAME"])
own_channels = frozenset(os.environ.get("OWN_CHANNELS", "").split(",")) - {""} or OWN_CHANNELS


def _dispatch(rules: Rules) -> Dispatch:
    memberships = Memberships(identities, rules, today=lambda: f"{_now():%Y-%m-%d}")
    return Dispatch(
        timeline=timeline,
        cases=cases,
        keeper=CaseKeeper(cases, memberships, rules.cases, now=_now),
        messages=messages,
        bus=bus,
        now=_now,
        own_channels=own_channels,
    )


active_rules = ActiveRules(identities.get_entry, lambda text: log("warning", text))
dispatch = active_rules.renewing(_dispatch)
consume = BusConsumer(lambda event: dispatch()(event), log, reserve_ms=8_000)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Dispatch a batch; failures go back to the queue one by one."""
    return consume(event, context)
