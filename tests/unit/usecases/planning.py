"""The planner of messages over stores in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from enlace.domain.message_policy import MessagePolicy
from enlace.domain.sender_channel import SenderChannels
from enlace.rules import message_policy
from enlace.senders.registry import sender_channels
from enlace.usecases.find_customer import one_by_one
from enlace.usecases.plan_message import PlanMessage
from enlace.usecases.read_history import Newest
from enlace.usecases.recipients import Recipients
from local.memory_consents import MemoryConsents
from local.memory_deliveries import MemoryDeliveries
from tests.unit.usecases.fakes import Alarms


class Histories:
    """The newest interactions of a timeline that gives pages."""

    def __init__(self, timeline: Any):
        self._timeline = timeline

    def newest(self, pk: str, limit: int) -> Newest:
        items = self._timeline.page(pk, before=None, since=None, limit=limit)
        return Newest(items, len(items) < limit)


def planner(
    *,
    store: Any,
    memberships: Any,
    deliveries: MemoryDeliveries | None = None,
    consents: MemoryConsents | None = None,
    alarms: Alarms | None = None,
    policy: MessagePolicy | None = None,
    channels: SenderChannels | None = None,
    now: Callable[[], datetime],
) -> PlanMessage:
    """A planner; what is not given is new and empty, or what ships."""
    channels = channels or sender_channels()
    recipients = Recipients(
        memberships=memberships,
        identities=store,
        histories=Histories(store),
        consents=consents or MemoryConsents(),
        channels=channels,
        parallel=one_by_one,
    )
    return PlanMessage(
        recipients=recipients,
        deliveries=deliveries or MemoryDeliveries(),
        alarms=alarms or Alarms(),
        policy=policy or message_policy(),
        channels=channels,
        now=now,
    )
