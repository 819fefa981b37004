"""Consents that end, and requests that nobody confirmed (case 39), on moto, at any crash."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from enlace.aws.consent_ends import ConsentEnds
from enlace.aws.consent_table import ConsentTable
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.consent import ConsentPolicy, ConsentRecord
from enlace.domain.interaction import epoch_text
from enlace.usecases.consents import Consents
from enlace.usecases.expire_consents import ExpireConsents
from enlace.usecases.purge import LEASE_SECONDS, Purge, Task
from tests.aws.erasing import always, cut_anywhere, dynamodb, items

__all__ = ["dynamodb"]

KEY, OTHER = "email#1#a", "email#1#b"
START = datetime.fromisoformat("2026-11-01T12:00:00.000Z").timestamp()
DAY = 86_400
SECRET = "198.51.100.7 on the form of the lottery"


def tables(client: Any) -> None:
    for name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)
    for name, index in (("privacy", ()), ("consent", ("ends", "ends_at"))):
        schema = zip(("HASH", "RANGE"), index, strict=False)
        found = [{"KeyType": kind, "AttributeName": key} for kind, key in schema]
        ends = {
            "IndexName": "ends",
            "KeySchema": found,
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", *index)
            ],
            **({"GlobalSecondaryIndexes": [ends]} if index else {}),
        )


class Scene:
    def __init__(self, client: Any) -> None:
        tables(client)
        self.client, self.at = client, START
        self.table = ConsentTable(client, "consent")
        self.ends = ConsentEnds(client, "consent")
        self.consents = Consents(
            self.table,
            policy=ConsentPolicy(double_opt_in=frozenset(("email",))),
            now=self.now,
            sleep=lambda seconds: None,
        )

    def now(self) -> str:
        return epoch_text(self.at)

    def say(self, id_: str, *, key: str = KEY, proven: bool = True, until: str = "") -> Any:
        at = self.now()
        record = ConsentRecord(
            id_, "marketing", "email", "granted", "subject", at, at, True, valid_until=until
        )
        return self.consents.record(key, record, {"evidence": SECRET}, proven=proven)

    def purge(self) -> Purge:
        store = ExpireConsents(self.table, self.ends, now=self.now, sleep=lambda seconds: None)
        purge = Purge(
            VersionedRows(self.client, "privacy"),
            job="purge_consent_expiry",
            policy="",
            clock=lambda: self.at,
            every_seconds=0,
        )
        assert purge.run([Task(store, self.now(), 100)], always)
        self.at += LEASE_SECONDS + 1
        return purge

    def ledger(self, key: str = KEY) -> dict[str, dict[str, Any]]:
        return {
            item["sk"]["S"].partition("#")[2]: json.loads(item["body"]["S"])
            for item in items(self.client, "consent")
            if item["pk"]["S"] == key and item["sk"]["S"] != "state"
        }

    def indexed(self) -> list[str]:
        return [item["pk"]["S"] for item in items(self.client, "consent") if "ends" in item]

    def allowed(self, key: str = KEY) -> bool:
        (answer,) = self.consents.look_up(key, (("marketing", "email"),))
        return bool(answer.ruling.allowed)


@pytest.fixture
def scene(dynamodb: Any) -> Scene:
    return Scene(dynamodb)


def test_case_39_a_request_nobody_confirms_asks_once_and_is_purged(scene: Scene) -> None:
    assert scene.say("r1", proven=False).asks
    assert not scene.say("r2", proven=False).asks
    scene.purge()
    assert SECRET in json.dumps(scene.ledger()), "it can be confirmed for seven days"
    scene.at += 7 * DAY
    assert scene.purge().counts["consents_deleted"]
    for _ in range(2):
        scene.at += DAY
        scene.purge()
    assert not scene.indexed()
    assert scene.table.get(KEY).consent.purposes == {}
    assert SECRET not in json.dumps(scene.ledger())
    assert not scene.allowed()
    # Nobody said no: a new sign-up is asked again.
    assert scene.say("r3", proven=False).asks


def test_a_grant_ends_when_it_said_and_a_newer_one_stands(scene: Scene) -> None:
    scene.say("g1", until=epoch_text(START + DAY))
    scene.say("g2", key=OTHER)
    assert scene.indexed() == [KEY], "what does not end is not in the index"
    assert scene.purge().counts["consents_deleted"] == 0 and scene.allowed()
    scene.at += 2 * DAY
    assert not scene.allowed(), "read as ended, whether the job has run or not"
    assert scene.purge().counts["consents_deleted"] == 1
    entry = scene.ledger()["expired-g1"]
    assert (entry["state"], entry["ends"], entry["actor"]) == ("expired", "g1", "system")
    assert not scene.indexed() and not scene.allowed() and scene.allowed(OTHER)
    scene.say("g3")
    assert scene.allowed()


def test_what_was_confirmed_stays_as_proof(scene: Scene) -> None:
    scene.say("r1", proven=False)
    scene.at += 60
    scene.consents.confirm(KEY, "email", "click")
    scene.at += 30 * DAY
    assert scene.purge().counts["consents_deleted"] == 0
    assert scene.allowed() and SECRET in json.dumps(scene.ledger()["r1"])


def test_a_wrong_word_in_the_index_is_corrected(scene: Scene) -> None:
    scene.say("g1")
    scene.client.update_item(
        TableName="consent",
        Key={"pk": {"S": KEY}, "sk": {"S": "state"}},
        UpdateExpression="SET ends = :e, ends_at = :at",
        ExpressionAttributeValues={":e": {"S": "ends"}, ":at": {"S": epoch_text(START - DAY)}},
    )
    scene.purge()
    assert not scene.indexed() and scene.allowed()


def test_cut_off_at_any_call_each_end_is_entered_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare() -> Scene:
        prepared = Scene(scene.client)
        prepared.say("r1", proven=False)
        prepared.say("g1", key=OTHER, until=epoch_text(START + DAY))
        prepared.at += 8 * DAY
        return prepared

    runs = 0
    for cut in cut_anywhere(monkeypatch, prepare, lambda prepared: prepared.purge()):
        cut.at += LEASE_SECONDS + 1
        cut.purge()
        assert not cut.indexed()
        assert cut.ledger().keys() == {"r1", "expired-r1"}
        assert cut.ledger(OTHER).keys() == {"g1", "expired-g1"}
        assert SECRET not in json.dumps(cut.ledger())
        assert not cut.allowed(OTHER)
        runs += 1
    assert runs > 15
