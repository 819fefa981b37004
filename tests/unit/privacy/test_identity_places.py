"""Identities and candidates as places of an erasure: counted, erased, told about, nothing left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.change import Effect
from enlace.domain.erasure import Subject
from enlace.domain.interaction import Identifier
from enlace.rules import default_rules
from enlace.usecases.candidate_place import CandidatePlace
from enlace.usecases.find_customer import CustomerFinder
from enlace.usecases.find_subject import SubjectFinder
from enlace.usecases.identity_place import IdentityPlace
from tests.stores.builders import CPFS, KEYS, TODAY, conciliator, interaction, resolver
from tests.stores.forgetting import key_of
from tests.unit.usecases.candidate_scene import HELENA, Scene

PHONE, EMAIL, CPF = ("phone", "+5511987654321"), ("email", "helena@example.com"), ("cpf", CPFS[0])
STRANGER, DOUBLE = ("email", "ana@example.com"), ("phone", "+5521912345678")
CANARIES = (PHONE[1], EMAIL[1], CPF[1], "Helena Quaresma", "told by her neighbour")
FENCE, AFTER = "2026-11-22T12:00:00.000Z", "2026-11-22T13:00:00.000Z"


def always() -> bool:
    return True


class Erasure:
    """Helena, who wrote by two channels; a stranger; one whom a search took for Helena."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.store = self.scene.store
        self.told: list[Effect] = []
        self.identity = IdentityPlace(
            self.store,
            default_rules(),
            tell=self.tell,
            now=lambda: FENCE,
            sleep=lambda seconds: None,
        )
        self.candidates = CandidatePlace(self.scene.finder, self.store, self.scene.candidates)
        customers = CustomerFinder(self.store, KEYS, default_rules(), today=lambda: TODAY)
        self.finder = SubjectFinder(customers, self.store)
        self.scene.says(STRANGER, traits={"name": "Ana"})
        self.scene.says(DOUBLE, traits=HELENA)
        self.scene.says(PHONE, CPF, traits=HELENA)
        self.scene.says((*EMAIL, "stated"), CPF, traits={"name": "H. Quaresma"})
        conciliator(self.store).decide(
            "different",
            Identifier(*PHONE),
            Identifier(*STRANGER),
            operator="op-1",
            reason="told by her neighbour",
        )

    def tell(self, effects: Sequence[Effect], at: str) -> None:
        self.told += effects

    def subject(self) -> Subject:
        found = self.finder.find(Identifier(*PHONE), True)
        self.store.raise_fence([one.key for one in found.identifiers], FENCE)
        return Subject("r-1", FENCE, found.identifiers, found.customer_ids)

    def text(self) -> str:
        """All that the stores hold, but for timelines, which are another place."""
        store, candidates = self.store, self.scene.candidates
        parts = (store.records, store.tombstones, store.components, store.entries)
        return repr((*parts, vars(candidates)))


@pytest.fixture
def erasure() -> Erasure:
    return Erasure()


def test_nothing_is_left_and_the_others_are_as_they_were(erasure: Erasure) -> None:
    subject = erasure.subject()
    stranger, double = (erasure.store.records[key_of(one)] for one in (STRANGER, DOUBLE))
    assert {one.value for one in subject.identifiers} == {PHONE[1], EMAIL[1], CPF[1]}
    assert all(canary in erasure.text() for canary in CANARIES)
    assert erasure.candidates.census(subject).found

    counted = erasure.identity.census(subject)
    assert (counted.found, counted.retained) == (3 + 3 + 1, 3)
    assert erasure.identity.erase(subject, always)
    assert erasure.candidates.erase(subject, always)

    for place in (erasure.identity, erasure.candidates):
        left = place.census(subject)
        assert left.found == left.retained
    assert erasure.identity.census(subject).retained == counted.retained
    text = erasure.text()
    # The double's own traits stay: she is another person of that name.
    theirs = {"Helena Quaresma"}
    assert not any(canary in text for canary in CANARIES if canary not in theirs)
    assert erasure.store.records[double.key] == double
    after = erasure.store.records[stranger.key]
    assert replace(after, pointer=stranger.pointer) == stranger
    for key in subject.keys:
        # Nothing anywhere leads to the subject but the tombstone.
        assert key not in repr((erasure.store.records, erasure.store.components))
        assert key not in repr(vars(erasure.scene.candidates))
        assert erasure.store.tombstones[key].erased_before == FENCE
    assert all(effect["effect"] != "erased" for effect in erasure.told)


def test_each_part_may_be_repeated_and_cut_off(erasure: Erasure) -> None:
    subject = erasure.subject()
    assert not erasure.identity.erase(subject, lambda: False)
    assert erasure.identity.census(subject).found == 7
    times = iter([True, False, False])
    assert not erasure.identity.erase(subject, lambda: next(times))
    assert erasure.identity.erase(subject, always)
    before = erasure.text()
    assert erasure.identity.erase(subject, always)
    assert erasure.text() == before
    assert not erasure.candidates.erase(subject, lambda: False)
    assert erasure.candidates.erase(subject, always)


def test_a_newcomer_at_the_address_is_not_counted_and_not_touched(erasure: Erasure) -> None:
    subject = erasure.subject()
    erasure.identity.erase(subject, always)
    erasure.candidates.erase(subject, always)
    back = interaction("n", PHONE, STRANGER, at=AFTER, traits=HELENA)
    effects = resolver(erasure.store).resolve(replace(back, received_at=AFTER)).effects
    erasure.scene.follow(effects)
    made = conciliator(erasure.store)
    made._now = lambda: AFTER
    made.decide("same", Identifier(*PHONE), Identifier(*STRANGER), operator="op", reason="hers")
    newcomer, state = erasure.store.records[key_of(PHONE)], erasure.scene.state()
    assert state, "she is like her double again"
    for place in (erasure.identity, erasure.candidates):
        left = place.census(subject)
        assert left.found == left.retained
        assert place.erase(subject, always)
    assert erasure.store.records[key_of(PHONE)] == newcomer
    assert erasure.scene.state() == state
    assert "hers" in repr(erasure.store.entries)
    assert len(erasure.store.entries[f"decided#{key_of(PHONE)}"]["ids"]) == 1


def test_what_is_held_is_told_without_anything_of_others(erasure: Erasure) -> None:
    subject = replace(erasure.subject(), erased_before="")
    told = [*erasure.identity.collect(subject), *erasure.candidates.collect(subject)]
    assert json.loads(json.dumps(told)) == told
    by_sort: dict[str, list[dict[str, Any]]] = {}
    for one in told:
        by_sort.setdefault(one["record"], []).append(one)
    assert {one["value"] for one in by_sort["identifier"]} == {PHONE[1], EMAIL[1], CPF[1]}
    (cpf,) = (one for one in by_sort["identifier"] if one["kind"] == "cpf")
    assert {beside["value"] for beside in cpf["seen_beside"]} == {PHONE[1], EMAIL[1]}
    assert cpf["seen_beside"][0]["sources"][0]["channel"] == "generic"
    names = {(one["name"], one["value"], one["level"]) for one in by_sort["trait"]}
    assert ("name", HELENA["name"], "proven") in names
    assert ("name", "H. Quaresma", "stated") in names
    (decision,) = by_sort["decision"]
    assert {"kind": "email"} in decision["about"]
    assert decision["reason"] == "told by her neighbour"
    assert by_sort["likeness"][0]["fields"]
    for value in (STRANGER[1], DOUBLE[1], "op-1", "Ana"):
        assert value not in json.dumps(told)


def test_of_nobody_nothing_is_held(erasure: Erasure) -> None:
    nobody = Subject("r-2", FENCE)
    for place in (erasure.identity, erasure.candidates):
        assert (place.census(nobody).found, list(place.collect(nobody))) == (0, [])
        assert place.erase(nobody, always)
