"""Erasing consents: what proves that the company kept to them stays, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from enlace.aws.consent_table import ConsentTable
from enlace.aws.erase_consents import ConsentPlace
from enlace.aws.erasure_fence import ErasureFence
from enlace.aws.partitions import Partitions
from enlace.domain.consent import ConsentPolicy, ConsentRecord
from enlace.domain.erasure import Subject
from enlace.domain.send_claims import SendClaim
from enlace.usecases.consents import Consents
from tests.aws import erasing
from tests.aws.erasing import always, cut_anywhere, dynamodb, erased, identifier, items, subject_of

__all__ = ["dynamodb"]

EMAIL, PHONE = ("email", "maria@example.com"), ("phone", "+5511987654321")
NEIGHBOUR = ("email", "joao@example.com")
BEFORE, AFTER = "2026-11-21T09:00:00.000Z", "2026-11-22T11:00:00.000Z"
SECRETS = ("maria@", "segredo", "Maria", "203.0.113")
DETAILS = {
    "evidence": {"text": "segredo da Maria", "ip": "203.0.113.9"},
    "recorded_by": "maria@example.com",
    "notice": {"id": "privacy", "version": "2026-2"},
}


@pytest.fixture(autouse=True)
def _tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(erasing.TABLES, "consent", ["pk", "sk"])
    yield


class Scene:
    def __init__(self, client: Any) -> None:
        erasing.make_tables(client)
        self.client, self.table = client, ConsentTable(client, "consent")
        self.consents = Consents(
            self.table,
            policy=ConsentPolicy(),
            now=lambda: AFTER,
            sleep=lambda seconds: None,
        )
        self.place = ConsentPlace(Partitions(client, "consent"))
        for point in (EMAIL, NEIGHBOUR):
            for state in ("granted", "withdrawn", "requested"):
                self.say(point, state, BEFORE)
            key = identifier(*point).key
            claim = SendClaim("m-1/1", 1_795_176_000, 1_795_176_090, 1, True, "0a1b2c3d")
            self.table.put_claims(key, self.table.get(key), [claim])
        self.others = self.of(NEIGHBOUR)

    def say(self, point: tuple[str, str], state: str, at: str) -> None:
        record = ConsentRecord(
            f"{state}-{at}", "marketing", "email", state, "subject", at, at, has_evidence=True
        )
        self.consents.record(identifier(*point).key, record, DETAILS)

    def fence(self, subject: Subject) -> ErasureFence:
        fence = ErasureFence(self.client, "identity", "consent")
        fence.raise_at(subject.keys, subject.erased_before, subject.request_id)
        return fence

    def of(self, point: tuple[str, str]) -> list[dict[str, Any]]:
        key = identifier(*point).key
        return [item for item in items(self.client, "consent") if item["pk"]["S"] == key]


@pytest.fixture
def scene(dynamodb: Any) -> Scene:
    return Scene(dynamodb)


def test_what_was_said_stays_and_how_it_was_said_goes(scene: Scene) -> None:
    subject = subject_of(EMAIL, PHONE)
    fence = scene.fence(subject)
    census = scene.place.census(subject)
    # The phone has its fence's state alone, which is as small as it gets.
    assert census.found == 2 * 3 + 2 + 1
    assert [(kept.count, kept.until[:4]) for kept in census.kept] == [(3, "2031"), (2, "")]
    assert any(word in json.dumps(scene.of(EMAIL)) for word in SECRETS)

    erased(scene.place, subject)

    text = json.dumps(items(scene.client, "consent"), ensure_ascii=False)
    own = json.dumps(scene.of(EMAIL), ensure_ascii=False)
    assert not any(word in own for word in SECRETS) and "claims" not in own
    assert "segredo" in text and scene.of(NEIGHBOUR) == scene.others
    stayed = {json.loads(i["body"]["S"]).get("state") for i in scene.of(EMAIL)}
    assert {"granted", "withdrawn", "requested"} <= stayed
    fence.lower(subject.keys)
    consent = scene.table.get(identifier(*EMAIL).key).consent
    assert not consent.erasing and consent.suppressions["marketing"].reason == "erasure"
    # The no stays; the yes and the request went with whoever had said them.
    (state,) = consent.purposes.values()
    assert state.denial and not state.grant and not state.request
    again = items(scene.client, "consent")
    erased(scene.place, subject)
    assert items(scene.client, "consent") == again


def test_whatever_call_it_is_cut_off_at_the_end_is_the_same(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subject_of(EMAIL)

    def prepare() -> Scene:
        scene = Scene(dynamodb)
        scene.fence(subject)
        return scene

    ended = []
    for scene in cut_anywhere(monkeypatch, prepare, lambda s: s.place.erase(subject, always)):
        erased(scene.place, subject)
        assert scene.of(NEIGHBOUR) == scene.others
        ended.append(scene.of(EMAIL))
    assert len(ended) > 6 and all(one == ended[0] for one in ended)
    assert not any(word in json.dumps(ended[0]) for word in SECRETS)


def test_what_a_newcomer_has_said_is_theirs(scene: Scene) -> None:
    subject = subject_of(EMAIL)
    scene.fence(subject)
    scene.say(EMAIL, "granted", AFTER)
    erased(scene.place, subject)
    entries = [json.loads(item["body"]["S"]) for item in scene.of(EMAIL)]
    assert [e for e in entries if "evidence" in e] and not all("evidence" in e for e in entries)
    consent = scene.table.get(identifier(*EMAIL).key).consent
    assert consent.has_returned("email")


def test_an_interrupted_one_says_so(scene: Scene) -> None:
    subject = subject_of(EMAIL)
    scene.fence(subject)
    assert not scene.place.erase(subject, lambda: False)
    assert scene.place.census(subject).found > scene.place.census(subject).retained


def test_a_copy_has_every_record_and_stop_with_its_address(scene: Scene) -> None:
    subject = subject_of(EMAIL, NEIGHBOUR)
    scene.fence(subject_of(EMAIL))
    found = list(scene.place.collect(subject_of(EMAIL)))
    assert [one["record"] for one in found] == ["consent"] * 3 + ["suppression"]
    assert {one["address"]["value"] for one in found} == {"maria@example.com"}
    assert found[0]["evidence"] == DETAILS["evidence"]
    assert len(list(scene.place.collect(subject))) == 7
    assert "hash" not in found[0] and "address_key" not in found[0]
