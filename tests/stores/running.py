"""A stack in memory on which rules change while events and decisions come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from enlace.domain.envelope import Entry
from enlace.domain.interaction import Interaction, epoch_text
from enlace.domain.rules import Rules, parse_rules
from enlace.usecases.apply_rules import ApplyRules
from enlace.usecases.conciliate import Conciliator
from enlace.usecases.resolve import Resolver
from enlace.usecases.rules_in_force import ChangeRules, InForce, in_force
from tests.stores.builders import KEYS

START = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


class MemoryBus:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def publish_all(self, entries: Sequence[Entry]) -> None:
        self.entries += entries


class Running:
    """The real use cases on a store, under the rules in force.

    Parameters
    ----------
    store
        A store that can be walked.
    rules : str
        Text of the rules in force from the beginning.
    day : int
        Days after 22 November 2026.
    """

    def __init__(self, store: Any, rules: str, *, day: int = 0):
        self.store = store
        self.bus = MemoryBus()
        self.clock = START + day * 86_400.0
        self.activate(rules)

    def now(self) -> str:
        return epoch_text(self.clock)

    def activate(self, text: str) -> InForce:
        """Put rules in force; nothing is brought to them yet."""
        return ChangeRules(self.store, now=self.now)(text, operator="admin")

    def rules(self) -> Rules:
        return in_force(self.store.get_entry).rules

    def job(self, store: Any = None, bus: Any = None, settle_seconds: int = 0) -> ApplyRules:
        return ApplyRules(
            store or self.store,
            bus or self.bus,
            clock=lambda: self.clock,
            sleep=lambda seconds: None,
            settle_seconds=settle_seconds,
        )

    def change(self, text: str) -> None:
        """Put rules in force and bring everything to them."""
        self.activate(text)
        self.job().run()

    def deliver(self, interactions: Iterable[Interaction], rules: Rules | None = None) -> None:
        """Events, by a function that goes by ``rules``."""
        resolver = Resolver(
            self.store,
            KEYS,
            rules or self.rules(),
            today=lambda: self.now()[:10],
            sleep=lambda seconds: None,
        )
        for interaction in interactions:
            resolver.resolve(interaction)

    def conciliator(self) -> Conciliator:
        return Conciliator(self.store, KEYS, self.rules(), now=self.now, sleep=lambda seconds: None)


def replayed(store: Any, rules: str, interactions: Iterable[Interaction], day: int) -> Any:
    """The store after all events, under one set of rules from the beginning."""
    running = Running(store, rules, day=day)
    running.deliver(interactions, parse_rules(rules))
    return store
