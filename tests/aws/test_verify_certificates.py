"""verify_certificates on moto: every way in which a certificate can be none, at any crash."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.kms_keys import Signer
from enlace.aws.restore_marks import RestoreMarks
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.certificate import hash_of
from enlace.domain.erasure import Census
from enlace.usecases.certify_erasure import Certifier
from enlace.usecases.job_rows import LEASE_SECONDS
from enlace.usecases.rows import Row
from enlace.usecases.verify_certificates import (
    ALTERED,
    CHAIN,
    MISSING,
    NO_ENTRY,
    SIGNATURE,
    TRUNCATED,
)
from tests.aws.erasing import CALL_STRIDE, cut_anywhere
from tests.unit.test_bus_consumer import Context

ROOT = Path(__file__).parents[2]
COUNT = 4


class World:
    """Some certificates, and the function that checks them."""

    def __init__(self, patch: pytest.MonkeyPatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        session = botocore.session.get_session()
        self.dynamodb, self.kms = session.create_client("dynamodb"), session.create_client("kms")
        for name in ("privacy", "candidate"):
            self.dynamodb.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")
                ],
            )
            patch.setenv(f"{name.upper()}_TABLE", name)
        key, self.other = (self._key() for _ in range(2))
        patch.setenv("CERTIFICATE_KEY_ID", key)
        self.rows = VersionedRows(self.dynamodb, "privacy")
        self.marks = RestoreMarks(self.dynamodb, "privacy", {"candidate": True})
        certify = Certifier(
            self.rows,
            Signer(self.kms, key),
            request=lambda id_: {"request_id": id_, "regulation": "lgpd"},
            mark=self.marks.mark,
            versions={},
            now=lambda: "2026-11-23T12:00:00.000Z",
        )
        for number in range(1, COUNT + 1):
            certify(
                f"r{number}",
                round_=1,
                keys=[f"email#{number}"],
                places=[("timeline", "delete", Census(3))],
                erased_before="2026-11-23T11:00:00.000Z",
                backup_expires_at="2026-12-28T12:00:00.000Z",
            )
        spec = importlib.util.spec_from_file_location(
            "app_verify", ROOT / "functions" / "verify_certificates" / "app.py"
        )
        assert spec and spec.loader
        self.app: ModuleType = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.app)

    def _key(self) -> str:
        made = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        return str(made["KeyMetadata"]["Arn"])

    def change(self, number: int, make: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        pk, sk = f"request#r{number}", "certificate#01"
        row = self.rows.get(pk, sk)
        assert row is not None
        self.rows.put([Row(pk, sk, make(dict(row.body)), row.version)])

    def enter(self, number: int, **changes: Any) -> None:
        row = self.rows.get("journal", f"{number:09d}")
        assert row is not None
        self.rows.put([row.with_body(**changes)])

    def run(self, milliseconds: int = 300_000) -> str:
        event = json.loads((ROOT / "events/functions/verify_certificates.json").read_text("utf-8"))
        return str(self.app.handler(event, Context(milliseconds))["result"])

    def row(self) -> dict[str, Any]:
        row = self.rows.get("job#verify_certificates", "all")
        return dict(row.body) if row else {}

    def broken(self) -> list[tuple[int, str]]:
        self.rows.delete("job#verify_certificates", "all")
        assert self.run() == "done"
        assert self.row()["checked"] == COUNT
        return [(number, reason) for number, reason in self.row()["broken"]]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with mock_aws():
        yield World(monkeypatch)


def metrics(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in lines if "_aws" in line]


def test_what_holds_rings_for_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.broken() == []
    (line,) = metrics(capsys)
    assert line["checked"] == COUNT and "certificates_broken" not in line


def test_every_way_to_be_broken_is_told_and_none_makes_the_next_look_so(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.change(2, lambda body: {**body, "deleted": 99})
    assert world.broken() == [(2, ALTERED)]
    (line, _) = metrics(capsys)
    assert line["certificates_broken"] == 1

    # Whoever alters the journal as well has no key to sign with.
    altered = world.rows.get("request#r2", "certificate#01")
    assert altered is not None
    world.enter(2, hash=hash_of(altered.body))
    assert world.broken() == [(2, SIGNATURE), (3, CHAIN)]


def test_a_signature_by_another_key_is_none(world: World) -> None:
    signer = Signer(world.kms, world.other)

    def sign(body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "signature": signer.sign(bytes.fromhex(hash_of(body)))}

    world.change(3, sign)
    assert world.broken() == [(3, SIGNATURE)]


@pytest.mark.parametrize("signature", [None, {}, {"value": "?"}, {"value": ""}, {"value": "AAAA"}])
def test_one_without_a_signature_is_none(world: World, signature: Any) -> None:
    world.change(1, lambda body: {**body, "signature": signature})
    assert world.broken() == [(1, SIGNATURE)]


def test_one_that_is_gone_is_missed(world: World) -> None:
    world.rows.delete("request#r3", "certificate#01")
    assert world.broken() == [(3, MISSING)]
    world.rows.delete("journal", "000000003")
    assert world.broken() == [(3, NO_ENTRY)]


def test_so_is_the_journals_end(world: World) -> None:
    world.rows.delete("journal", f"{COUNT:09d}")
    assert world.broken() == [(COUNT, NO_ENTRY), (COUNT, TRUNCATED)]


def test_a_journal_that_forgot_its_end_is_known_by_the_tables(world: World) -> None:
    """Of an erasure that was not certified yet the tables are told first: that is no breach."""
    world.marks.mark(COUNT + 1)
    assert world.broken() == []
    world.marks.mark(COUNT + 2)
    assert world.broken() == [(COUNT, TRUNCATED)]


def test_without_certificates_there_is_nothing_to_check(world: World) -> None:
    for number in range(1, COUNT + 1):
        world.rows.delete("journal", f"{number:09d}")
    world.rows.delete("journal", "head")
    world.dynamodb.delete_item(
        TableName="candidate", Key={"pk": {"S": "erasures#done"}, "sk": {"S": "erasures#done"}}
    )
    assert world.run() == "done"
    assert (world.row()["checked"], world.row()["broken"]) == (0, [])


def test_the_next_round_is_tomorrows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.run() == "done"
    before = world.row()
    assert world.run() == "done" and world.row() == before
    tomorrow = time.time() + 86_400
    monkeypatch.setattr(world.app.time, "time", lambda: tomorrow)
    assert world.run() == "done" and world.row()["began_at"] > before["began_at"]


def test_without_time_it_goes_on_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("enlace.usecases.verify_certificates._BATCH", 1)
    world.change(1, lambda body: {**body, "deleted": 99})
    seconds = iter([300_000] * 2 + [1] * 10)

    class Ending(Context):
        def get_remaining_time_in_millis(self) -> int:
            return next(seconds)

    assert world.app.handler({}, Ending(0))["result"] == "goes on"
    assert world.row()["checked"] == 2
    assert world.run() == "done"
    assert (world.row()["checked"], world.row()["broken"]) == (COUNT, [[1, ALTERED]])


def test_cut_off_at_any_call_it_goes_on_and_finds_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enlace.usecases.verify_certificates._BATCH", 2)
    world.change(2, lambda body: {**body, "deleted": 99})
    clock = [time.time()]
    monkeypatch.setattr(world.app.time, "time", lambda: clock[0])

    def forget() -> None:
        world.rows.delete("job#verify_certificates", "all")

    runs = 0
    for _ in cut_anywhere(monkeypatch, forget, lambda _: world.run(), stride=CALL_STRIDE):
        clock[0] += LEASE_SECONDS + 1
        assert world.run() == "done"
        assert (world.row()["checked"], world.row()["broken"]) == (COUNT, [[2, ALTERED]])
        runs += 1
    assert runs > 30 // CALL_STRIDE
