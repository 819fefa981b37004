"""The real resolver and conciliator, their real events, and a CRM that follows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from enlace.domain.envelope import Cause, Entry, Event, read_event
from enlace.domain.interaction import Identifier, Interaction
from enlace.errors import EnlaceError
from enlace.usecases.decision_scope import Conciliation
from enlace.usecases.follow_crm import ACTIVITY_TYPES, FollowCrm
from enlace.usecases.publish import effect_entries, resolved_entries
from local.memory_store import MemoryStore
from tests.stores.builders import conciliator, resolver
from tests.unit.senders.crm_fake import View
from tests.unit.senders.crm_providers import PROVIDERS
from tests.unit.usecases.fakes import MemoryMappings

NOW = "2026-11-22T12:00:00.000Z"


class CrmScene:
    """Identity steps put events into ``waiting``; tests deliver them as they like."""

    def __init__(self, provider: str = "hubspot") -> None:
        self.store = MemoryStore()
        make_fake, make_crm = PROVIDERS[provider]
        self.provider = provider
        self.crm: Any = make_fake()
        self.mappings = MemoryMappings()
        self.waiting: list[Event] = []
        self.decisions: list[str] = []
        self.follow = FollowCrm(
            make_crm(self.crm),
            identities=self.store,
            timeline=self.store,
            mappings=self.mappings,
        )

    def happen(self, interaction: Interaction) -> list[Event]:
        return self.publish(resolved_entries(resolver(self.store).resolve(interaction), NOW))

    def same(self, a: tuple[str, str], b: tuple[str, str]) -> list[Event]:
        made = conciliator(self.store).decide(
            "same", Identifier(*a), Identifier(*b), operator="o", reason="r"
        )
        self.decisions.append(made.id)
        return self._conciliated(made, "decided")

    def withdraw(self, conciliation_id: str) -> list[Event]:
        made = conciliator(self.store).withdraw(conciliation_id, operator="o")
        return self._conciliated(made, "withdrawn")

    def _conciliated(self, made: Conciliation, what: str) -> list[Event]:
        cause = Cause("conciliation_id", f"{made.id}{what}")
        return self.publish(effect_entries(made.effects, cause, NOW, NOW, "enlace.api"))

    def publish(self, entries: Sequence[Entry]) -> list[Event]:
        """Let the bus bring events to the sender, some time."""
        events = []
        for entry in entries:
            message = entry.to_put_events("bus")
            events.append(
                read_event(
                    {
                        "source": message["Source"],
                        "detail-type": message["DetailType"],
                        "detail": json.loads(message["Detail"]),
                    }
                )
            )
        self.waiting += events
        return events

    def deliver(self, event: Event) -> bool:
        """Whether it was acknowledged; else it waits on."""
        try:
            self.follow(event)
        except EnlaceError:
            return False
        if event in self.waiting:
            self.waiting.remove(event)
        return True

    def deliver_all(self, tries: int = 50) -> None:
        for _ in range(tries):
            for event in list(self.waiting):
                self.deliver(event)
            if not self.waiting:
                return
        raise AssertionError(f"{len(self.waiting)} events are never acknowledged")

    def truth(self) -> dict[str, set[str]]:
        """Customer to the interactions that the CRM should show on its contact."""
        result: dict[str, set[str]] = {}
        for key, timeline in self.store.timelines.items():
            for item in timeline.values():
                if item.body["type"] in ACTIVITY_TYPES:
                    owner = self.store.records[key].customer_id
                    result.setdefault(owner, set()).add(item.body["id"])
        return result

    def shown(self) -> dict[str, set[str]]:
        """The same as the CRM shows it; contacts without activities are left out."""
        return {view.customer_id: set(view.activities) for view in self.views() if view.activities}

    def views(self) -> list[View]:
        views: list[View] = self.crm.views()
        assert len({view.customer_id for view in views}) == len(views)
        return views

    def view(self, customer_id: str) -> View:
        (view,) = (view for view in self.views() if view.customer_id == customer_id)
        return view
