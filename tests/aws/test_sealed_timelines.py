"""Timelines under data keys of their subjects: sealed, read, retired, shredded, counted."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from enlace.aws.erase_subject_keys import SubjectKeyPlace
from enlace.aws.erase_timeline import TimelinePlace, held_of
from enlace.aws.history import DynamoHistory
from enlace.aws.partitions import Partitions
from enlace.aws.sealed_timelines import SealedTimelines, sealed
from enlace.aws.store import DynamoStore
from enlace.aws.subject_keys import SubjectKeys
from enlace.domain.interaction import Interaction
from enlace.errors import AlreadyRecorded, TemporaryFailure
from tests.aws import test_purge_retention as retention
from tests.aws.erasing import always, cut_anywhere, dynamodb, erased, identifier, items, subject_of
from tests.stores.builders import interaction, order, resolver

__all__ = ["dynamodb"]

PHONE, NEIGHBOUR = ("phone", "+5511987654321"), ("phone", "+5511912345678")
SECRET = "Tenho asma e moro na Rua das Flores"
BEFORE, AFTER = "2026-11-21T09:00:00.000Z", "2026-11-22T11:00:00.000Z"


class Kms:
    """Counts what it is asked; wraps by turning bytes around."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.disabled = False

    def generate_data_key_without_plaintext(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append("generate")
        assert arguments["KeySpec"] == "AES_256" and arguments["EncryptionContext"]
        return {"CiphertextBlob": bytes(range(32))[::-1]}

    def decrypt(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append("decrypt")
        if self.disabled:
            from botocore.exceptions import ClientError

            raise ClientError({"Error": {"Code": "DisabledException"}}, "Decrypt")
        assert arguments["EncryptionContext"]
        return {"Plaintext": bytes(arguments["CiphertextBlob"])[::-1]}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Scene:
    """A company whose timelines are sealed."""

    def __init__(self, client: Any) -> None:
        names = client.list_tables()["TableNames"]
        if "keys" in names:
            client.delete_table(TableName="keys")
        client.create_table(
            TableName="keys",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        for name in ("timeline", "identity"):
            for item in items(client, name):
                keys = {part: item[part] for part in ("pk", "sk") if part in item}
                client.delete_item(TableName=name, Key=keys)
        self.raw, self.kms, self.clock = client, Kms(), Clock()
        self.client = self.instance()
        self.store = DynamoStore(self.client, "identity", "timeline")
        self.resolver = resolver(self.store)
        self.history = DynamoHistory(self.client, "timeline", "case")
        # The eraser is another function.
        self.eraser = self.instance(shows_unreadable=True)
        timelines = Partitions(self.eraser, "timeline")
        self.timeline = TimelinePlace(timelines, lambda protocol: [])
        self.keys = self.key_instance()
        self.shredder = SubjectKeyPlace(self.keys, timelines, held_of)

    def key_instance(self) -> SubjectKeys:
        return SubjectKeys(
            self.raw,
            "keys",
            lambda: self.kms,
            "key-1",
            clock=self.clock,
            now=lambda: 1_780_000_000 + self.clock.now,
        )

    def instance(self, *, shows_unreadable: bool = False) -> SealedTimelines:
        keys = self.key_instance()
        return SealedTimelines(self.raw, "timeline", keys, shows_unreadable=shows_unreadable)

    def record(self, *made: Interaction) -> None:
        for one in made:
            self.resolver.resolve(one)

    def says(self, source_id: str, point: tuple[str, str] = PHONE, at: str = BEFORE) -> None:
        self.record(interaction(source_id, point, at=at, data={"text": SECRET}, received_at=at))

    def texts(self, point: tuple[str, str] = PHONE) -> list[str]:
        page = self.history.newest(identifier(*point).key, 50).items
        return [item.body["data"]["text"] for item in page if "text" in item.body["data"]]

    def erase(self) -> None:
        """As the saga does it, with its wait."""
        subject = subject_of(PHONE)
        self.keys.retire(subject.keys)
        self.clock.now += 61
        erased(self.timeline, subject)
        erased(self.shredder, subject)


@pytest.fixture
def scene(dynamodb: Any) -> Iterator[Scene]:
    yield Scene(dynamodb)


def test_what_people_say_is_stored_sealed_and_read_as_it_was(scene: Scene) -> None:
    scene.says("1")
    scene.says("2", NEIGHBOUR)
    scene.record(order("o", PHONE, 900, at=BEFORE))
    stored = items(scene.raw, "timeline")
    assert SECRET not in str(stored) and SECRET.encode() not in str(stored).encode()
    said = [item for item in stored if item["sk"]["S"][0].isdigit()]
    assert said and all(set(item["body"]) == {"B"} for item in said)
    assert scene.texts() == scene.texts(NEIGHBOUR) == [SECRET]
    # What is added up is read with conditions, and says nothing of what anybody said.
    assert scene.history.aggregates([identifier(*PHONE).key])


def test_a_redelivery_is_known_by_its_key_and_gets_the_effects(scene: Scene) -> None:
    scene.says("1")
    before = items(scene.raw, "timeline")
    scene.says("1")
    assert items(scene.raw, "timeline") == before
    with pytest.raises(AlreadyRecorded):
        one = scene.store.page(identifier(*PHONE).key, before=None, since=None, limit=1)[0]
        from enlace.usecases.ports import PutInteraction

        scene.store.commit([PutInteraction(one)])


def test_keys_are_told_apart_by_subject_and_bound_to_the_item(scene: Scene) -> None:
    scene.says("1")
    scene.says("2", NEIGHBOUR)
    mine, theirs = (
        next(
            item
            for item in items(scene.raw, "timeline")
            if item["pk"]["S"] == identifier(*point).key
        )
        for point in (PHONE, NEIGHBOUR)
    )
    # Whoever may write to the table cannot show one person's text as another's.
    scene.raw.put_item(TableName="timeline", Item={**theirs, "body": mine["body"]})
    moved = {**mine, "sk": {"S": f"{AFTER}#x"}}
    scene.raw.put_item(TableName="timeline", Item=moved)
    assert scene.texts() == [SECRET] and scene.texts(NEIGHBOUR) == []


def test_kms_is_asked_once_a_minute_and_the_table_once_for_each_subject(scene: Scene) -> None:
    counted: list[str] = []
    hook = "before-call.dynamodb"
    scene.raw.meta.events.register(hook, lambda model, **_: counted.append(model.name))
    scene.says("0")
    assert scene.kms.calls == ["generate", "decrypt"]
    del counted[:]
    scene.says("1")
    # As without keys: the identity, and the interaction.
    assert counted == ["GetItem", "PutItem"] and scene.kms.calls == ["generate", "decrypt"]
    # Sixty seconds later: one read for the subject, one and one call to KMS for the instance.
    scene.clock.now += 61
    del counted[:]
    scene.says("2")
    assert sorted(counted) == ["GetItem"] * 3 + ["PutItem"]
    assert scene.kms.calls[2:] == ["decrypt"]
    # A new subject costs a read and a write.
    del counted[:]
    scene.says("3", NEIGHBOUR)
    assert counted.count("UpdateItem") == 1 and counted.count("GetItem") == 2
    assert scene.kms.calls[2:] == ["decrypt"]


def test_a_key_of_kms_that_is_disabled_stops_reads_within_a_minute(scene: Scene) -> None:
    scene.says("1")
    scene.kms.disabled = True
    assert scene.texts() == [SECRET]
    scene.clock.now += 61
    with pytest.raises(TemporaryFailure):
        scene.texts()


def test_shredded_nothing_opens_what_a_backup_brings_back(scene: Scene) -> None:
    scene.says("1")
    scene.says("2", NEIGHBOUR)
    backup = items(scene.raw, "timeline")
    scene.erase()
    assert [item["pk"]["S"] for item in items(scene.raw, "keys")] == sorted(
        ["master", identifier(*NEIGHBOUR).key]
    )
    for item in backup:
        scene.raw.put_item(TableName="timeline", Item=item)
    scene.clock.now += 61
    assert scene.texts() == [] and scene.texts(NEIGHBOUR) == [SECRET]
    key = identifier(*PHONE).key
    assert scene.store.page(key, before=None, since=None, limit=9) == []
    # Done again after the restore, it goes without being read.
    assert scene.timeline.census(subject_of(PHONE)).found == 1
    erased(scene.timeline, subject_of(PHONE))
    assert {item["pk"]["S"] for item in items(scene.raw, "timeline")} == {
        identifier(*NEIGHBOUR).key
    }


def test_who_comes_anew_writes_under_a_new_key_though_the_old_one_is_remembered(
    scene: Scene,
) -> None:
    scene.says("1")
    subject = subject_of(PHONE)
    scene.keys.retire(subject.keys)
    # The resolver still remembers the key: what it writes now is erased as well.
    scene.says("2")
    scene.clock.now += 61
    scene.says("3", at=AFTER)
    erased(scene.timeline, subject)
    erased(scene.shredder, subject)
    scene.clock.now += 61
    assert scene.texts() == [SECRET]
    [left] = [item for item in items(scene.raw, "timeline") if item["sk"]["S"][0].isdigit()]
    assert left["sk"]["S"].startswith(AFTER)


def test_what_a_hold_keeps_is_under_a_key_of_its_own_until_it_is_released(scene: Scene) -> None:
    scene.says("1")
    scene.says("2")
    page = scene.store.page(identifier(*PHONE).key, before=None, since=None, limit=9)
    id_ = page[0].sk.partition("#")[2]
    held = subject_of(PHONE, holds={("timeline", id_): "hold-1"})
    scene.keys.retire(held.keys)
    scene.clock.now += 61
    erased(scene.timeline, held)
    erased(scene.shredder, held)
    [shown] = scene.timeline.held(held)
    assert shown["data"]["text"] == SECRET
    names = {item["pk"]["S"] for item in items(scene.raw, "keys")}
    assert names == {"master", held_of(identifier(*PHONE).key)}
    # Released.
    erased(scene.timeline, subject_of(PHONE))
    assert scene.shredder.census(subject_of(PHONE)).found == 1
    erased(scene.shredder, subject_of(PHONE))
    assert [item["pk"]["S"] for item in items(scene.raw, "keys")] == ["master"]


def test_cut_off_at_any_call_it_is_done_by_whoever_goes_on(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare() -> Scene:
        scene = Scene(dynamodb)
        scene.says("1")
        scene.says("2", NEIGHBOUR)
        return scene

    for scene in cut_anywhere(monkeypatch, prepare, Scene.erase):
        scene.erase()
        scene.says("3", at=AFTER)
        scene.clock.now += 61
        assert scene.texts() == [SECRET] and scene.texts(NEIGHBOUR) == [SECRET]
        retired = [scene.keys.count(identifier(*point).key) for point in (PHONE, NEIGHBOUR)]
        assert retired == [(1, 0), (1, 0)]


def test_what_has_run_out_is_shredded_once_nobody_remembers_its_key(dynamodb: Any) -> None:
    old, scene = retention.Scene(dynamodb), Scene(dynamodb)
    old.client, old.keys = scene.instance(shows_unreadable=True), scene.keys
    old.store = DynamoStore(old.client, "identity", "timeline")
    old.resolver = resolver(old.store)
    old.live()
    keys = {identifier(*point).key for point in (retention.GONE, retention.STAYS)}
    # The first round retires the key, and deletes nothing: an instance may still write under it.
    old.purge()
    before = old.newest(retention.GONE)
    # Nor does one that goes on a moment later.
    old.purge()
    assert old.newest(retention.GONE) == before
    scene.clock.now += 3600
    # Who writes meanwhile, under a new key, stays.
    old.record("g5", retention.GONE, at=retention.LATELY)
    assert old.purge().counts["timeline_due"] == 0
    scene.raw.delete_item(TableName="timeline", Key=old.newest(retention.GONE))
    old.purge()
    assert old.newest(retention.GONE) == before
    scene.clock.now += 3600
    assert old.purge().counts["timeline_deleted"] == 1
    assert not old.of(retention.GONE)
    gone = identifier(*retention.GONE).key
    left = {item["pk"]["S"] for item in items(scene.raw, "keys")}
    assert left == {"master", *keys} - {gone}
    assert old.of(retention.STAYS, retention.OTHER_CPF) == old.others


def test_the_functions_client_seals_where_the_environment_says_so(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from enlace.aws.clients import client

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert not isinstance(client("dynamodb"), SealedTimelines)
    monkeypatch.setenv("SUBJECT_KEY_TABLE", "keys")
    monkeypatch.setenv("SUBJECT_KEY_ID", "key-1")
    monkeypatch.setenv("TIMELINE_TABLE", "timeline")
    assert isinstance(client("dynamodb"), SealedTimelines)


def test_with_the_kms_that_moto_has(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from enlace.aws.clients import session

    scene = Scene(dynamodb)
    kms = session().create_client(
        "kms",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    environment = {"TIMELINE_TABLE": "timeline", "SUBJECT_KEY_TABLE": "keys"}
    environment["SUBJECT_KEY_ID"] = key_id
    one, other = (sealed(dynamodb, environment, lambda: kms) for _ in range(2))
    scene.store = DynamoStore(one, "identity", "timeline")
    scene.resolver = resolver(scene.store)
    scene.says("1")
    page = DynamoHistory(other, "timeline", "case").newest(identifier(*PHONE).key, 5)
    assert page.items[0].body["data"]["text"] == SECRET
    [master] = [item for item in items(dynamodb, "keys") if item["pk"]["S"] == "master"]
    assert len(base64.b64encode(master["key"]["B"])) > 60
    assert always()
