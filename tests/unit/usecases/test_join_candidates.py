"""Joining without asking: off unless the rules say so, and never against anybody's word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.envelope import Entry
from enlace.domain.interaction import Identifier
from enlace.domain.rules import CandidateRules, Rules
from enlace.errors import TemporaryFailure
from enlace.rules import default_rules
from enlace.usecases.join_candidates import OPERATOR, JoinCandidates, decision_id
from local.memory_store import MemoryStore
from tests.stores.builders import TODAY, conciliator, customers
from tests.stores.laws import snapshot
from tests.unit.usecases.candidate_scene import HELENA, Scene

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "helena.q@example.com")


class FakeBus:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.down = False

    def publish_all(self, entries: Sequence[Entry]) -> None:
        if self.down:
            raise TemporaryFailure("the bus is down")
        self.entries += entries


def joining(above: float | None, **changes: Any) -> tuple[Scene, FakeBus]:
    """A scene that joins above a score, and its bus."""
    rules: Rules = replace(
        default_rules(), candidates=CandidateRules(auto_merge_above=above), **changes
    )
    store, bus = MemoryStore(), FakeBus()
    merge = JoinCandidates(conciliator(store, rules), bus, now=lambda: f"{TODAY}T12:00:00.000Z")
    return Scene(rules, store=store, merge=merge), bus


def both_say(scene: Scene) -> None:
    for point in (PHONE, EMAIL):
        scene.says(point, traits=HELENA)


def one(scene: Scene) -> bool:
    return len(set(customers(scene.store, PHONE, EMAIL))) == 1


def test_the_rules_that_ship_never_join() -> None:
    assert default_rules().candidates.auto_merge_above is None
    scene, bus = joining(None)
    both_say(scene)
    assert scene.pair(PHONE, EMAIL) and not one(scene)
    assert not bus.entries and not scene.store.entries


def test_above_the_score_they_are_joined_and_the_bus_is_told() -> None:
    scene, bus = joining(0.95)
    both_say(scene)
    assert one(scene)
    (told,) = [entry for entry in bus.entries if entry.detail_type == "customer.merged.v1"]
    id_ = decision_id(scene.key(*PHONE), scene.key(*EMAIL))
    assert json.loads(told.detail)["data"]["cause"] == {"conciliation_id": id_}
    assert told.source == "enlace.find_candidates"
    entry = scene.store.entries[f"decision#{id_}"]
    assert (entry["operator"], entry["decision"], entry["verified"]) == (OPERATOR, "same", False)
    made = scene.pair(PHONE, EMAIL)
    assert made and not made.listed


def test_not_below_it() -> None:
    scene, _ = joining(1.0)
    both_say(scene)
    assert not one(scene)


def test_searching_again_decides_and_tells_nothing_new() -> None:
    scene, bus = joining(0.95)
    both_say(scene)
    before, told = snapshot(scene.store), len(bus.entries)
    for point in (PHONE, EMAIL, PHONE):
        scene.finder.find(scene.key(*point))
    assert snapshot(scene.store) == before and len(bus.entries) == told


def test_what_was_taken_back_stays_taken_back() -> None:
    scene, _ = joining(0.95)
    both_say(scene)
    id_ = decision_id(scene.key(*PHONE), scene.key(*EMAIL))
    scene.follow(conciliator(scene.store, scene.rules).withdraw(id_, operator="op").effects)
    for point in (PHONE, EMAIL):
        scene.finder.find(scene.key(*point))
    assert not one(scene)
    assert list(scene.candidates.best("", 10))


def test_a_different_of_an_operators_holds() -> None:
    scene, _ = joining(0.95)
    effects = [e for point in (PHONE, EMAIL) for e in scene.hears(point, traits=HELENA)]
    conciliator(scene.store, scene.rules).decide(
        "different", Identifier(*PHONE), Identifier(*EMAIL), operator="op", reason="twins"
    )
    scene.follow(effects)
    assert not one(scene)
    decisions = [key for key in scene.store.entries if key.startswith("decision#")]
    assert len(decisions) == 1, "no decision against a person's"


def test_limits_hold() -> None:
    kinds = {
        **default_rules().kinds,
        "record": replace(default_rules().kinds["record"], max_per_customer=1),
    }
    scene, bus = joining(0.95, kinds=kinds)
    points = ("record:a", "1"), ("record:b", "2")
    for point in points:
        scene.says(point, traits=HELENA)
    assert len(set(customers(scene.store, *points))) == 2
    assert scene.pair(*points)
    assert not [entry for entry in bus.entries if entry.detail_type == "customer.merged.v1"]


def test_customers_too_large_for_one_operator_wait_for_another() -> None:
    scene, bus = joining(0.95, approval_above=1)
    both_say(scene)
    assert not one(scene) and not bus.entries


def test_events_that_were_lost_are_told_by_the_next_search() -> None:
    scene, bus = joining(0.95)
    effects = [e for point in (PHONE, EMAIL) for e in scene.hears(point, traits=HELENA)]
    scene.follow(effects[:-1])
    bus.down = True
    with pytest.raises(TemporaryFailure):
        scene.follow(effects[-1:])
    assert one(scene), "it was recorded before it could be told"

    bus.down = False
    scene.follow(effects[-1:])
    assert [e.detail_type for e in bus.entries if "merged" in e.detail_type]
    made = scene.pair(PHONE, EMAIL)
    assert made and not made.listed
