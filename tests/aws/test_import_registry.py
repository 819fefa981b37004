"""import_registry on moto: files that are dropped, cut off anywhere, and what is told of them."""

from __future__ import annotations

import base64
import importlib.util
import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.address_key import AddressKeys
from enlace.domain.interaction import Identifier
from enlace.rules import default_rules
from enlace.usecases.consents import consent_key
from enlace.usecases.job_rows import LEASE_SECONDS
from local import stack
from local.cli import main
from tests.aws.erasing import CALL_STRIDE, cut_anywhere, items
from tests.unit.test_bus_consumer import Context

ROOT = Path(__file__).parents[2]
SECRET = b"k" * 32
NUMBERS = [f"119876501{n:02d}" for n in range(12)]
NAME = "nao_me_perturbe/2026-11.csv"


def key(number: str) -> str:
    return consent_key(Identifier("phone", number), AddressKeys(SECRET), default_rules())


class Alone:
    """One line at a time: moto's tables are not for several threads."""

    def __init__(self, workers: int):
        self.map = map

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


class World:
    """A bucket, the tables, and the function."""

    def __init__(self, patch: pytest.MonkeyPatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        session = botocore.session.get_session()
        self.clients = {n: session.create_client(n) for n in ("dynamodb", "s3", "secretsmanager")}
        self.s3, self.dynamodb = self.clients["s3"], self.clients["dynamodb"]
        self.tables()
        for name in ("privacy", "consent"):
            patch.setenv(f"{name.upper()}_TABLE", name)
        self.s3.create_bucket(Bucket="registries")
        patch.setenv("REGISTRY_BUCKET", "registries")
        secret = {"version": "1", "keys": {"1": base64.b64encode(SECRET).decode()}}
        self.clients["secretsmanager"].create_secret(Name="k", SecretString=json.dumps(secret))
        patch.setenv("ADDRESS_KEY_SECRET_ID", "k")
        self.rows = VersionedRows(self.dynamodb, "privacy")
        spec = importlib.util.spec_from_file_location(
            "app_import_registry", ROOT / "functions" / "import_registry" / "app.py"
        )
        assert spec and spec.loader
        self.app: ModuleType = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.app)
        patch.setattr(self.app, "ThreadPoolExecutor", Alone)

    def tables(self) -> None:
        for name in self.dynamodb.list_tables()["TableNames"]:
            self.dynamodb.delete_table(TableName=name)
        for name in ("privacy", "consent"):
            self.dynamodb.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": one, "AttributeType": "S"} for one in ("pk", "sk")
                ],
            )

    def drop(self, *lines: str, name: str = NAME, encoding: str = "utf-8") -> None:
        self.s3.put_object(Bucket="registries", Key=name, Body="\n".join(lines).encode(encoding))

    def run(self, milliseconds: int = 300_000) -> str:
        event = json.loads((ROOT / "events/functions/import_registry.json").read_text("utf-8"))
        return str(self.app.handler(event, Context(milliseconds))["result"])

    def row(self) -> dict[str, Any]:
        (row,) = self.rows.under("job#import_registry", "")
        return dict(row.body)

    def left(self) -> list[str]:
        found = self.s3.list_objects_v2(Bucket="registries").get("Contents", [])
        return [one["Key"] for one in found]

    def stopped(self) -> set[str]:
        return {
            item["pk"]["S"]
            for item in items(self.dynamodb, "consent")
            if item["sk"]["S"] == "state" and "marketing@voice" in item["body"]["S"]
        }


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with mock_aws():
        yield World(monkeypatch)


def test_a_file_that_was_dropped_is_entered_and_deleted(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.drop("Número;Data Cadastro", *(f"{n};03/02/2026" for n in NUMBERS), encoding="latin-1")

    assert world.run() == "done"

    assert world.stopped() == {key(number) for number in NUMBERS}
    body = world.row()
    assert (body["phase"], body["added"], body["known"], body["invalid"]) == ("done", 12, 0, 0)
    assert world.left() == []
    told = capsys.readouterr().out
    assert '"added": 12' in told
    assert not [number for number in NUMBERS if number in told + json.dumps(body)]


def test_the_next_months_file_adds_what_is_new(world: World) -> None:
    world.drop(*NUMBERS[:8])
    world.run()
    before = items(world.dynamodb, "consent")
    world.drop(*NUMBERS[4:], name="nao_me_perturbe/2026-12.csv")

    assert world.run() == "done"

    rows = world.rows.under("job#import_registry", "")
    assert [(row.body["added"], row.body["known"]) for row in rows] == [(8, 0), (4, 4)]
    after = items(world.dynamodb, "consent")
    assert [item for item in after if item in before] == before, "who is not in it stays as it is"


def test_lines_that_are_none_are_told_and_keep_none_waiting(world: World) -> None:
    world.drop("telefone", NUMBERS[0], "911", "", NUMBERS[1])

    assert world.run() == "done"

    body = world.row()
    assert (body["added"], body["invalid"]) == (2, 1)
    assert body["errors"] == [[3, "identifier: the value is not valid for its kind"]]


@pytest.mark.parametrize(
    ("name", "lines", "reason"),
    [
        (NAME, ["cpf;nome", "1;2"], "no column"),
        (NAME, [""], "empty"),
        ("Não!/a.csv", [NUMBERS[0]], "name"),
        (NAME, ["1" * 40_000, NUMBERS[0]], "does not end"),
    ],
)
def test_a_file_that_cannot_be_one_is_refused_once_and_kept(
    world: World, name: str, lines: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.drop(*lines, name=name)

    assert world.run() == "done"
    assert '"ERROR"' in capsys.readouterr().out
    assert world.run() == "done"
    assert '"ERROR"' not in capsys.readouterr().out

    assert (world.row()["phase"], reason in world.row()["reason"]) == ("refused", True)
    assert world.left() == [name]
    assert not items(world.dynamodb, "consent")


def test_without_time_it_goes_on_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, world)
    world.drop("telefone", *NUMBERS)
    seconds = iter([300_000] * 2 + [1] * 10)

    class Ending(Context):
        def get_remaining_time_in_millis(self) -> int:
            return next(seconds)

    assert world.app.handler({}, Ending(0))["result"] == "goes on"
    assert 0 < world.row()["added"] < 12 and world.left()
    assert world.run() == "done"
    assert (world.row()["added"], world.row()["line"]) == (12, 13)
    assert len(world.stopped()) == 12


def small(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Pieces of some lines, one after the other."""
    make = world.app.ImportFiles
    monkeypatch.setattr(
        world.app, "ImportFiles", lambda *given, **named: make(*given, chunk=40, **named)
    )


def test_cut_off_at_any_call_every_number_is_entered_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, world)
    clock = [time.time()]
    monkeypatch.setattr(world.app.time, "time", lambda: clock[0])

    def prepare() -> None:
        world.tables()
        world.drop("telefone", *NUMBERS)

    runs = 0
    for _ in cut_anywhere(monkeypatch, prepare, lambda _: world.run(), stride=CALL_STRIDE):
        clock[0] += LEASE_SECONDS + 1
        assert world.run() == "done"
        assert world.stopped() == {key(number) for number in NUMBERS}
        ledger = [i for i in items(world.dynamodb, "consent") if "ledger" in i["sk"]["S"]]
        assert len(ledger) == 12 and world.left() == []
        body = world.row()
        assert body["added"] + body["known"] == 12
        runs += 1
    assert runs > 80 // CALL_STRIDE


def test_the_command_line_enters_a_file(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = {"address_key_secret": "k", "table_names": {"consent": "consent"}}
    monkeypatch.setattr("local.registry_cli.ThreadPoolExecutor", Alone)
    monkeypatch.setattr(stack, "load", lambda: document)
    monkeypatch.setattr(stack, "client", lambda name: world.clients[name])
    file = tmp_path / "file.csv"
    file.write_text("\ufefftelefone\n" + "\n".join([*NUMBERS, "911"]), "utf-8")

    assert main(["registry", "import", str(file)]) == 0

    told = capsys.readouterr()
    assert told.out == "12 added, 0 known already, 1 not valid\n"
    assert told.err == "enlace: line 14: identifier: the value is not valid for its kind\n"
    assert world.stopped() == {key(number) for number in NUMBERS}
