"""Identities and candidates are erased on DynamoDB: case 1, and a crash at any call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import botocore.client
import pytest
from moto import mock_aws

from enlace.aws.candidate_table import INDEX, CandidateTable
from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.interaction import Identifier
from enlace.rules import default_rules
from enlace.usecases.candidate_place import CandidatePlace
from enlace.usecases.erasure_ports import Place
from enlace.usecases.identity_place import IdentityPlace
from tests.aws.test_candidate_table import make_table
from tests.aws.test_delivery_table import make_client
from tests.stores.builders import CPFS, conciliator
from tests.stores.forgetting import Told, key_of, raise_fence
from tests.stores.kept import Kept
from tests.stores.tables import Tables
from tests.unit.usecases.candidate_scene import HELENA, Scene
from tests.unit.usecases.fakes import Crash

PHONE, EMAIL, CPF = ("phone", "+5511987650001"), ("email", "canary@example.com"), ("cpf", CPFS[0])
NAME, REASON = "Canarinha", "canary told me"
#: As they might stand in any item: in clear.
CANARIES = (PHONE[1], EMAIL[1], CPF[1], NAME, REASON)
DOUBLE, BESIDE = ("phone", "+5521912345678"), ("email", "beside@example.com")
STRANGER = ("email", "ana@example.com")
STRANGERS = (key_of(STRANGER), key_of(("user_id", "ana")))
FENCE = "2026-11-22T12:00:00.000Z"

Item = dict[str, Any]


class World:
    """Helena, her double, somebody who knows her CPF, a stranger."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.tables = Tables(client)
        self.store = self.tables.store()
        self.name = make_table(client)
        self.told = Told()
        candidates = CandidateTable(client, self.name)
        self.scene = Scene(store=self.store, candidates=candidates)
        self.identity = IdentityPlace(
            self.store,
            default_rules(),
            tell=self.told,
            now=lambda: FENCE,
            sleep=lambda seconds: None,
        )
        self.candidates = CandidatePlace(self.scene.finder, self.store, candidates)
        self.places: tuple[Place, ...] = (self.identity, self.candidates)
        says = self.scene.says
        says(STRANGER, ("user_id", "ana"), traits={"name": "Ana"})
        says(DOUBLE, traits=HELENA)
        says(PHONE, (*EMAIL, "proven"), CPF, traits={**HELENA, "nickname": NAME})
        says(BESIDE, CPF, traits={"name": "Beatriz", "birth_date": "1999-01-02"})
        conciliator(self.store).decide(
            "different", Identifier(*PHONE), Identifier(*DOUBLE), operator="op", reason=REASON
        )
        named = (PHONE, EMAIL, CPF)
        self.subject = Subject(
            "r-1", FENCE, tuple(SubjectIdentifier(key_of(one), *one) for one in named)
        )
        raise_fence(self.store, self.subject.keys, FENCE)

    def items(self) -> dict[str, list[Item]]:
        """Every item of every table, and of the index."""
        found = {}
        for name in (self.store._identity, self.name):
            found[name] = self.client.scan(TableName=name)["Items"]
        found["index"] = self.client.scan(TableName=self.name, IndexName=INDEX)["Items"]
        return {name: sorted(items, key=repr) for name, items in found.items()}

    def erase(self) -> None:
        for place in self.places:
            assert place.erase(self.subject, lambda: True)


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World(make_client())


def test_case_1_no_table_and_no_index_holds_anything_and_a_strangers_items_are_the_same_bytes(
    world: World,
) -> None:
    before = world.items()
    text = json.dumps(before, ensure_ascii=False)
    assert all(canary in text for canary in CANARIES)
    counted = [place.census(world.subject) for place in world.places]
    assert all(census.found > census.retained for census in counted)
    world.erase()
    after = world.items()
    text = json.dumps(after, ensure_ascii=False)
    assert [canary for canary in CANARIES if canary in text] == []
    for name, items in after.items():
        for item in items:
            pk = item["pk"]["S"]
            if pk in world.subject.keys:
                assert item == {"pk": {"S": pk}, "erased_before": {"S": FENCE}}
                continue
            # The log of decisions, which stays, names both addresses by their pseudonyms.
            if not pk.startswith("decision#"):
                assert not any(key in json.dumps(item) for key in world.subject.keys), name
    for name in before:
        theirs = [item for item in before[name] if any(key in repr(item) for key in STRANGERS)]
        assert theirs or name != world.store._identity
        assert [item for item in theirs if item not in after[name]] == []
    # Whom a tie, a likeness or a decision brought near, keeps all of their own.
    own = ("birth", "first_seen", "kind", "raw", "traits", "value")
    for one in (DOUBLE, BESIDE):
        was, now = (
            next(item for item in state[world.store._identity] if item["pk"] == {"S": key_of(one)})
            for state in (before, after)
        )
        assert {n: was.get(n) for n in own} == {n: now.get(n) for n in own}
    for place in world.places:
        census = place.census(world.subject)
        assert census.found == census.retained


def test_a_crash_after_any_call_to_dynamodb_ends_alike(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Kept()
    world.erase()
    end, told = world.items(), sorted(map(repr, world.told))
    make, left = botocore.client.BaseClient._make_api_call, [0]

    def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        left[0] -= 1
        answer = make(client, operation, parameters)
        if left[0] == 0:
            raise Crash
        return answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    for at in range(1, 200):
        start.put_back()
        world.told.clear()
        left[0] = at
        try:
            world.erase()
        except Crash:
            world.erase()
        else:
            assert at > 20, "hardly a call was made"
            break
        left[0] = 0
        assert world.items() == end
        assert sorted(set(map(repr, world.told))) == sorted(set(told))
    else:
        raise AssertionError("it never came through")
