"""Whatever was decided and put in force, taken back in any order, leaves no trace.

Law 3 of docs/identity.md, through the real use cases: events, decisions, withdrawals and
changes of rules in any sequence, then what undoes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.interaction import Identifier, Interaction
from local.memory_store import MemoryStore
from tests.stores.laws import events, renamed, snapshot
from tests.stores.rule_texts import rule_texts
from tests.stores.running import Running, replayed


def exact(store: MemoryStore) -> Any:
    """Every byte but for the log of decisions and the entries of rules and job."""
    bodies = {id_: component.body for id_, component in store.components.items()}
    pointers = {key: record.pointer for key, record in store.records.items()}
    return snapshot(store), bodies, pointers


@dataclass
class History:
    """What happens on a stack, and the decisions that stand."""

    stack: Running
    draw: Callable[[st.SearchStrategy[Any]], Any]
    standing: list[str] = field(default_factory=list)
    versions: int = 0

    def decide(self) -> None:
        records = self.stack.store.records.values()
        known = sorted((record.kind, record.raw) for record in records)
        if len(known) > 1:
            a, b = self.draw(st.lists(st.sampled_from(known), min_size=2, max_size=2, unique=True))
            made = self.stack.conciliator().decide(
                self.draw(st.sampled_from(["same", "different"])),
                Identifier(*a),
                Identifier(*b),
                operator="op",
                reason="test",
                verified=self.draw(st.booleans()),
            )
            self.standing.append(made.id)

    def withdraw(self) -> None:
        if self.standing:
            place = self.draw(st.integers(0, len(self.standing) - 1))
            self.stack.conciliator().withdraw(self.standing.pop(place), operator="op")

    def change_rules(self) -> None:
        self.versions += 1
        self.stack.activate(self.draw(rule_texts(f"v{self.versions}")))
        # Sometimes the next rules come before the job has got to these.
        if self.draw(st.integers(0, 3)):
            self.stack.job().run()

    def some(self, steps: int) -> None:
        does = {"decide": self.decide, "withdraw": self.withdraw, "rules": self.change_rules}
        for _ in range(steps):
            does[self.draw(st.sampled_from(["decide", "decide", "withdraw", "rules"]))]()

    def undo(self, rules: str) -> None:
        """Withdraw what stands and put the first rules in force again, in any order."""
        for what in self.draw(st.permutations([*self.standing, "rules"])):
            if what == "rules":
                self.stack.change(rules)
            else:
                self.stack.conciliator().withdraw(what, operator="op")


@settings(max_examples=50, deadline=None)
@given(events(), rule_texts("first"), st.integers(1, 6), st.data())
def test_without_events_meanwhile_every_byte_comes_back(
    made: list[Interaction], rules: str, steps: int, data: st.DataObject
) -> None:
    stack = Running(MemoryStore(), rules)
    stack.deliver(made)
    before = exact(stack.store)
    history = History(stack, data.draw)
    history.some(steps)
    history.undo(rules)
    assert exact(stack.store) == before


@settings(max_examples=50, deadline=None)
@given(events(min_size=2), rule_texts("first"), st.data())
def test_with_events_meanwhile_it_is_as_if_they_alone_had_come(
    made: list[Interaction], rules: str, data: st.DataObject
) -> None:
    stack = Running(MemoryStore(), rules)
    history = History(stack, data.draw)
    for item in made:
        history.some(data.draw(st.sampled_from([0, 0, 1])))
        stack.deliver([item])
    history.some(data.draw(st.integers(0, 2)))
    history.undo(rules)
    assert renamed(stack.store) == renamed(replayed(MemoryStore(), rules, made, 0))
    # And what stands there says so itself, under the rules in force.
    for component in stack.store.components.values():
        assert not component.decisions
        found = component.partition(stack.rules(), stack.now()[:10])
        assert found.customer_of == component.customer_of
