"""Several senders at the same customers at the same time, by turns that a seed decides."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from enlace.domain.records import IdentifierRecord
from enlace.errors import TemporaryFailure
from enlace.usecases.crm_hold import HOLD_SECONDS
from enlace.usecases.crm_ports import Mapping
from enlace.usecases.follow_crm import FollowCrm
from tests.stores.builders import interaction
from tests.unit.usecases.crm_scene import CrmScene
from tests.unit.usecases.test_follow_crm import EMAIL, PHONE, some_interaction
from tests.unit.usecases.turns import Turns

SENDERS = 3
ROUNDS = 4


class SharedScene(CrmScene):
    """A scene in which every call of a sender to the outside is a chance for the others."""

    def __init__(self, turns: Turns, provider: str) -> None:
        super().__init__(provider)
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

            def show(self, keys: Iterable[str], customer_id: str) -> None:
                turns.pass_on()
                scene.mappings.show(keys, customer_id)

            def progress(self, event_id: str) -> str:
                turns.pass_on()
                return scene.mappings.progress(event_id)

            def save_progress(self, event_id: str, cursor: str) -> None:
                turns.pass_on()
                scene.mappings.save_progress(event_id, cursor)

        self.follow = FollowCrm(
            self.follow._crm, identities=Identities(), timeline=self.store, mappings=Mappings()
        )


def test_a_sender_that_was_cut_off_is_waited_for_no_longer_than_it_could_have_run() -> None:
    scene, now = CrmScene(), [1_763_726_400.0]
    scene.follow = FollowCrm(
        scene.follow._crm,
        identities=scene.store,
        timeline=scene.store,
        mappings=scene.mappings,
        clock=lambda: now[0],
    )
    scene.happen(interaction("1", PHONE))
    scene.happen(interaction("2", EMAIL, at="2026-11-20T13:00:00.000Z"))
    scene.deliver_all()
    (merged, *_) = scene.same(PHONE, EMAIL)
    (former,) = merged.data["merged"]
    cut_off = replace(scene.mappings.get(former), holder="other", held_until=now[0] + HOLD_SECONDS)
    scene.mappings.save(cut_off)
    with pytest.raises(TemporaryFailure):
        scene.follow(merged)
    now[0] += HOLD_SECONDS
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    assert all(not mapping.holder for mapping in scene.mappings.mappings.values())


def test_an_event_that_comes_twice_meets_itself_wherever_its_contact_point_has_gone(
    ids_in_order: None,
) -> None:
    scene, others = CrmScene("rd_station"), (EMAIL, ("email", "maria@example.com"))
    for number, point in enumerate((*others, PHONE)):
        at = f"2026-11-20T1{number}:00:00.000Z"
        happened = scene.happen(interaction(str(number), point, at=at))
    (event,) = (event for event in happened if event.name == "interaction.recorded")
    scene.same(PHONE, others[0])
    came: list[bool] = []

    def meanwhile(path: str) -> None:
        if path.endswith("/notes") and not came:
            came.append(False)
            scene.withdraw(scene.decisions[0])
            scene.same(PHONE, others[1])
            came[0] = scene.deliver(event)

    scene.crm.between = meanwhile
    scene.deliver(event)
    scene.deliver_all()
    assert came == [False]
    assert scene.shown() == scene.truth()


# One in ten of these ended wrong, an activity under nobody or under another customer, while two
# senders could settle the same customers at the same time.
# RD Station's fields are not unique: there, one in three had a note or a contact twice while only
# settling held customers.
@pytest.mark.parametrize("provider", ["hubspot", "rd_station"])
@pytest.mark.parametrize("seed", range(40))
def test_senders_at_the_same_time_end_right(seed: int, provider: str, ids_in_order: None) -> None:
    """An event may even be with two senders, of whom one fails after the other's success."""
    chance = random.Random(seed)
    turns = Turns(chance)
    scene = SharedScene(turns, provider)
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
