"""Several senders at the same customers at the same time, by turns that a seed decides."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import pytest

from enlace.domain.records import IdentifierRecord
from enlace.usecases.crm_ports import Mapping
from enlace.usecases.follow_crm import FollowCrm
from tests.unit.usecases.crm_scene import CrmScene
from tests.unit.usecases.test_follow_crm import some_interaction
from tests.unit.usecases.turns import Turns

SENDERS = 3
ROUNDS = 4


class SharedScene(CrmScene):
    """A scene in which every call of a sender to the outside is a chance for the others."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self.crm.between = lambda path: turns.pass_on()
        scene = self

        class Identities:
            def get_identifiers(
                self, keys: Iterable[str], *, consistent: bool = False
            ) -> dict[str, IdentifierRecord]:
                turns.pass_on()
                return scene.store.get_identifiers(keys, consistent=consistent)

        class Mappings:
            def get(self, customer_id: str) -> Mapping:
                turns.pass_on()
                return scene.mappings.get(customer_id)

            def save(self, mapping: Mapping) -> None:
                turns.pass_on()
                scene.mappings.save(mapping)

            def progress(self, event_id: str) -> str:
                turns.pass_on()
                return scene.mappings.progress(event_id)

            def save_progress(self, event_id: str, cursor: str) -> None:
                turns.pass_on()
                scene.mappings.save_progress(event_id, cursor)

        self.follow = FollowCrm(
            self.follow._crm, identities=Identities(), timeline=self.store, mappings=Mappings()
        )


# One in twenty of these ended wrong, an activity under nobody or under another customer, while two
# senders could settle the same customers at the same time.
@pytest.mark.parametrize("seed", range(80))
def test_senders_at_the_same_time_end_right(seed: int, ids_in_order: None) -> None:
    """An event may even be with two senders, of whom one fails after the other's success."""
    chance = random.Random(seed)
    turns = Turns(chance)
    scene = SharedScene(turns)
    numbers = itertools.count()

    def deliver() -> None:
        for _ in range(12):
            if scene.waiting:
                scene.deliver(chance.choice(scene.waiting))

    def happen() -> None:
        for number in itertools.islice(numbers, 12):
            turns.pass_on()
            choice = chance.choice(["step", "step", "step", "same", "undo"])
            if choice == "step":
                events = scene.happen(some_interaction(chance, number))
                # The bus delivers at least once.
                scene.waiting += chance.sample(events, len(events) // 2)
            elif choice == "same" and len(scene.store.records) > 1:
                pair = chance.sample(sorted(scene.store.records.values(), key=lambda r: r.key), 2)
                scene.same(*((record.kind, record.value) for record in pair))
            elif choice == "undo" and scene.decisions:
                scene.withdraw(chance.choice(scene.decisions))

    for _ in range(ROUNDS):
        turns.run([happen, *[deliver] * SENDERS])
    for _ in range(100):
        turns.run([deliver] * SENDERS)
    assert not scene.waiting, "events that are never acknowledged"
    assert scene.shown() == scene.truth()
    alive = {record.customer_id for record in scene.store.records.values()}
    assert {view.customer_id for view in scene.views()} <= alive
