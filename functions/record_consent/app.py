"""Consents, stop words and dead addresses from the bus in, the consent ledger out."""

from __future__ import annotations

import os
import time
from typing import Any

from enlace.aws.bus import Bus
from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.restore_marks import restore_hold
from enlace.aws.timeline_table import TimelineTable
from enlace.domain.interaction import epoch_text
from enlace.logs import Logger
from enlace.rules import message_policy
from enlace.senders.registry import sender_channels
from enlace.usecases.consents import Consents
from enlace.usecases.follow_consents import FollowConsents


def _later(seconds: int = 0) -> str:
    return epoch_text(time.time() + seconds)


dynamodb = client("dynamodb")
follow = FollowConsents(
    Consents(
        ConsentTable(dynamodb, os.environ["CONSENT_TABLE"]),
        policy=message_policy().consent,
        now=_later,
        sleep=time.sleep,
    ),
    timeline=TimelineTable(dynamodb, os.environ["TIMELINE_TABLE"]),
    bus=Bus(client("events"), os.environ["BUS_NAME"]),
    channels=sender_channels(os.environ.get("SENDER_CHANNELS", "")),
    now=_later,
    later=_later,
)
consume = BusConsumer(
    follow,
    Logger("record_consent", os.environ.get("LOG_LEVEL", "info")),
    hold=restore_hold(os.environ, dynamodb),
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Record a batch; failures go back to the queue one by one."""
    return consume(event, context)
