"""Interactions through the real use cases, from the resolver over the template's rules to cases."""

from __future__ import annotations

import itertools
import json
from collections import deque
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from enlace.domain.case import Case
from enlace.domain.envelope import Cause, Entry, Event, read_event
from enlace.domain.interaction import Identifier, Interaction
from enlace.domain.rules import Rules
from enlace.rules import default_rules
from enlace.senders.registry import sender_channels
from enlace.usecases.cases import CaseKeeper
from enlace.usecases.dispatch import Dispatch
from enlace.usecases.follow_customers import FollowCustomers
from enlace.usecases.membership import Memberships
from enlace.usecases.observe import sight
from enlace.usecases.publish import effect_entries, resolved_entries
from local.memory_deliveries import MemoryDeliveries
from local.memory_store import MemoryStore
from tests.contract.template import Rule, rules
from tests.stores.builders import KEYS, conciliator, resolver
from tests.stores.memory_cases import MemoryCases
from tests.unit.usecases.fakes import Clock
from tests.unit.usecases.planning import planner


@cache
def _rules() -> list[Rule]:
    return [r for r in rules() if r.function in ("dispatch_message", "follow_customers")]


class _Bus:
    def __init__(self, waiting: deque[Entry]) -> None:
        self._waiting = waiting

    def publish(self, entries: Any) -> set[int]:
        self._waiting.extend(entries)
        return set()


class CaseScene:
    """An Enlace in memory, as far as cases go.

    Parameters
    ----------
    hold : bool
        Events about customers and cases wait until :meth:`let_go`: hints come late.
    """

    def __init__(self, identity_rules: Rules | None = None, *, hold: bool = False) -> None:
        self.rules = identity_rules or default_rules()
        self.clock = Clock()
        self.clock.moment = datetime(2026, 11, 1, tzinfo=UTC)
        self.store = MemoryStore()
        self.cases = MemoryCases()
        self.messages = MemoryDeliveries()
        self.hold = hold
        self.held: list[dict[str, Any]] = []
        self.events: dict[str, Event] = {}
        #: How many events reached each consumer.
        self.reached: dict[str, int] = {"dispatch_message": 0, "follow_customers": 0}
        self._waiting: deque[Entry] = deque()
        memberships = Memberships(self.store, self.rules, today=lambda: "2026-11-22")
        self.memberships = memberships
        keeper = CaseKeeper(self.cases, memberships, self.rules.cases, now=self.clock)
        self.keeper = keeper
        self.dispatch = Dispatch(
            timeline=self.store,
            cases=self.cases,
            keeper=keeper,
            messages=self.messages,
            planner=planner(
                store=self.store,
                memberships=memberships,
                deliveries=self.messages,
                now=self.clock,
            ),
            channels=sender_channels(),
            bus=_Bus(self._waiting),
            now=self.clock,
        )
        self.follow = FollowCustomers(
            self.store, memberships, cases=self.cases, keeper=keeper, timeline=self.store
        )

    def happen(self, *interactions: Interaction) -> None:
        """Record interactions, and let everything that follows happen."""
        for interaction in interactions:
            at = datetime.fromisoformat(interaction.occurred_at or interaction.received_at)
            self.clock.moment = max(self.clock.moment, at + timedelta(seconds=1))
            resolved = resolver(self.store, self.rules).resolve(interaction)
            self._waiting.extend(resolved_entries(resolved, interaction.received_at))
            self._settle()

    def same(self, a: tuple[str, str], b: tuple[str, str], *, verified: bool = False) -> str:
        """An operator's decision; gives its id."""
        made = conciliator(self.store, self.rules).decide(
            "same", Identifier(*a), Identifier(*b), operator="op", reason="r", verified=verified
        )
        self._announce(made)
        return made.id

    def withdraw(self, id_: str) -> None:
        """Take a decision back."""
        self._announce(conciliator(self.store, self.rules).withdraw(id_, operator="op"))

    def let_go(self) -> None:
        """Deliver what was held."""
        self.hold = False
        for message in self.held:
            self._deliver(message)
        self.held.clear()
        self._settle()

    def key(self, identifier: tuple[str, ...]) -> str:
        """An address key."""
        return sight(Identifier(*identifier[:2]), KEYS, self.rules)[0].key

    @property
    def open(self) -> list[Case]:
        """All open cases."""
        return [case for case in self.cases.by_protocol.values() if case.is_open]

    def thread(self, protocol: str) -> dict[str, str]:
        """How each interaction of a case joined, by its id at the source, oldest first."""
        contacts, _ = self.cases.contacts(protocol, before=None, limit=100)
        bodies = {
            body["id"]: body
            for items in self.store.timelines.values()
            for body in (item.body for item in items.values())
        }
        return {bodies[c.interaction_id]["source_id"]: c.how for c in reversed(contacts)}

    def commands(self) -> list[tuple[str, str, str]]:
        """Template, address key and protocol of every message that was asked for."""
        return [
            (
                event.data["template"],
                event.data["contact_point"]["key"],
                event.data["data"].get("protocol", "").replace("-", ""),
            )
            for event in self.named("send.message")
        ]

    def named(self, name: str) -> list[Event]:
        """Events of a name, each once."""
        return [event for event in self.events.values() if event.name == name]

    def _announce(self, made: Any) -> None:
        cause = Cause("conciliation_id", made.id)
        self._waiting.extend(
            effect_entries(
                made.effects, cause, made.decided_at, made.decided_at, "enlace.api_conciliations"
            )
        )
        self._settle()

    def _settle(self) -> None:
        for _ in itertools.count():
            if not self._waiting:
                return
            entry = self._waiting.popleft()
            message = {
                "source": entry.source,
                "detail-type": entry.detail_type,
                "detail": json.loads(entry.detail),
            }
            if self.hold and not entry.detail_type.startswith("interaction."):
                self.events[entry.event_id] = read_event(message)
                self.held.append(message)
            else:
                self._deliver(message)

    def _deliver(self, message: dict[str, Any]) -> None:
        event = read_event(message)
        self.events[event.event_id] = event
        for function in sorted({r.function for r in _rules() if r.matches(message)}):
            self.reached[function] += 1
            consumer = self.dispatch if function == "dispatch_message" else self.follow
            # At least once is what queues promise.
            consumer(event)
            consumer(event)
