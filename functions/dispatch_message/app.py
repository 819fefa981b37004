"""Dispatch: recorded interactions and requests in, cases and commands to senders out."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from enlace.aws.active_rules import ActiveRules
from enlace.aws.bus import Bus
from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.case_table import CaseTable
from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.delivery_table import DeliveryTable
from enlace.aws.history import DynamoHistory, Threads
from enlace.aws.identity_table import IdentityTable
from enlace.aws.restore_marks import restore_hold
from enlace.aws.schedules import Schedules
from enlace.aws.timeline_table import TimelineTable
from enlace.domain.rules import Rules
from enlace.domain.send_gate import OWN_CHANNELS
from enlace.logs import Logger
from enlace.rules import message_policy
from enlace.senders.registry import sender_channels
from enlace.usecases.cases import CaseKeeper
from enlace.usecases.dispatch import Dispatch
from enlace.usecases.membership import Memberships
from enlace.usecases.plan_message import PlanMessage
from enlace.usecases.recipients import Recipients


def _now() -> datetime:
    return datetime.now(UTC)


def _queue_arn(purpose: str) -> str:
    bulk = policy.needs_consent(purpose)
    return os.environ["BULK_QUEUE_ARN" if bulk else "DISPATCH_QUEUE_ARN"]


dynamodb = client("dynamodb")
log = Logger("dispatch_message", os.environ.get("LOG_LEVEL", "info"))
identities = IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"])
timeline = TimelineTable(dynamodb, os.environ["TIMELINE_TABLE"])
threads = Threads()
cases = CaseTable(dynamodb, os.environ["CASE_TABLE"], parallel=threads)
messages = DeliveryTable(dynamodb, os.environ["DELIVERY_TABLE"])
bus = Bus(client("events"), os.environ["BUS_NAME"])
own_channels = frozenset(os.environ.get("OWN_CHANNELS", "").split(",")) - {""} or OWN_CHANNELS
policy, channels = message_policy(), sender_channels(os.environ.get("SENDER_CHANNELS", ""))
alarms = Schedules(
    lambda: client("scheduler"),
    group=os.environ.get("SCHEDULE_GROUP", "default"),
    queue_arn=_queue_arn,
    role_arn=os.environ.get("SCHEDULE_ROLE_ARN", ""),
)


def _dispatch(rules: Rules) -> Dispatch:
    memberships = Memberships(identities, rules, today=lambda: f"{_now():%Y-%m-%d}")
    recipients = Recipients(
        memberships=memberships,
        identities=identities,
        histories=DynamoHistory(dynamodb, os.environ["TIMELINE_TABLE"], os.environ["CASE_TABLE"]),
        consents=ConsentTable(dynamodb, os.environ["CONSENT_TABLE"]),
        channels=channels,
        parallel=threads,
    )
    return Dispatch(
        timeline=timeline,
        cases=cases,
        keeper=CaseKeeper(cases, memberships, rules.cases, now=_now),
        messages=messages,
        planner=PlanMessage(
            recipients=recipients,
            deliveries=messages,
            alarms=alarms,
            policy=policy,
            channels=channels,
            now=_now,
        ),
        channels=channels,
        bus=bus,
        now=_now,
        same_channel=policy.answer_on_same_channel,
        own_channels=own_channels,
    )


active_rules = ActiveRules(identities.get_entry, lambda text: log("warning", text))
dispatch = active_rules.renewing(_dispatch)
consume = BusConsumer(
    lambda event: dispatch()(event), log, reserve_ms=8_000, hold=restore_hold(os.environ, dynamodb)
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Dispatch a batch; failures go back to the queue one by one."""
    return consume(event, context)
