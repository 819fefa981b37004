"""Rows with versions, the fence and the keys of privacy requests, on moto."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.consent_table import ConsentTable
from enlace.aws.erasure_fence import ErasureFence
from enlace.aws.kms_keys import Sealer, Signer
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.certificate import certificate, hash_of, place_entry
from enlace.domain.erasure import Census, Kept
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.rows import Row, Rows
from local.cli import main
from local.memory_rows import MemoryRows

AT, LATER = "2026-11-23T10:00:00.000Z", "2026-11-23T11:00:00.000Z"


@pytest.fixture
def session() -> Iterator[Any]:
    with mock_aws():
        made = botocore.session.get_session()
        made.set_credentials("test", "test")
        yield lambda service: made.create_client(service, region_name="us-east-1")


def table(client: Any, name: str, *keys: str, index: bool = False) -> None:
    named = (*keys, "open", "next_at") if index else keys
    schema = [
        {"AttributeName": key, "KeyType": kind}
        for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
    ]
    due = {
        "IndexName": "due",
        "KeySchema": [
            {"AttributeName": "open", "KeyType": "HASH"},
            {"AttributeName": "next_at", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "ALL"},
    }
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in named],
        **({"GlobalSecondaryIndexes": [due]} if index else {}),
    )


@pytest.fixture(params=["memory", "dynamodb"])
def rows(request: pytest.FixtureRequest, session: Any) -> Rows:
    if request.param == "memory":
        return MemoryRows()
    client = session("dynamodb")
    table(client, "privacy", "pk", "sk", index=True)
    return VersionedRows(client, "privacy")


class TestRows:
    def test_a_row_comes_back_as_it_was_put(self, rows: Rows) -> None:
        row = Row("request#1", "saga", {"phase": "find", "n": 1, "é": [True, None]}, expires_at=9)
        [written] = rows.put([row])
        assert written.version == 1 and rows.get("request#1", "saga") == written
        assert rows.get("request#1", "other") is None

    def test_only_what_was_read_is_written(self, rows: Rows) -> None:
        [first] = rows.put([Row("a", "b", {"n": 1})])
        rows.put([first.with_body(n=2)])
        for stale in (first.with_body(n=3), Row("a", "b", {"n": 4})):
            with pytest.raises(Conflict):
                rows.put([stale])
        assert rows.get("a", "b").body == {"n": 2}  # type: ignore[union-attr]

    def test_all_or_none(self, rows: Rows) -> None:
        rows.put([Row("a", "1")])
        with pytest.raises(Conflict):
            rows.put([Row("a", "0"), Row("a", "1")])
        assert (
            [row.sk for row in rows.under("a", "")] == ["1"]
            if rows.under("a", "0") == []
            else False
        )

    def test_rows_below_a_prefix_come_in_order(self, rows: Rows) -> None:
        for sk in ("step#b", "step#a", "other"):
            rows.put([Row("a", sk)])
        assert [row.sk for row in rows.under("a", "step#")] == ["step#a", "step#b"]

    def test_what_is_due_comes_the_longest_due_first(self, rows: Rows) -> None:
        [late] = rows.put([Row("a", "1", queue="q", next_at=LATER)])
        rows.put([Row("b", "1", queue="q", next_at=AT)])
        rows.put([Row("c", "1", queue="other", next_at=AT)])
        assert [row.pk for row in rows.due("q", AT, 10)] == ["b"]
        assert [row.pk for row in rows.due("q", LATER, 10)] == ["b", "a"]
        assert [row.pk for row in rows.due("q", LATER, 1)] == ["b"]
        rows.put([Row(late.pk, late.sk, version=late.version)])
        assert [row.pk for row in rows.due("q", LATER, 10)] == ["b"]

    def test_deleted_twice_is_deleted(self, rows: Rows) -> None:
        rows.put([Row("a", "b")])
        rows.delete("a", "b")
        rows.delete("a", "b")
        assert rows.get("a", "b") is None


class TestFence:
    @pytest.fixture
    def client(self, session: Any) -> Any:
        client = session("dynamodb")
        table(client, "identity", "pk")
        table(client, "consent", "pk", "sk")
        return client

    def item(self, client: Any, key: str) -> dict[str, Any]:
        return client.get_item(TableName="identity", Key={"pk": {"S": key}}).get("Item", {})  # type: ignore[no-any-return]

    def test_resolver_and_senders_are_told_at_once(self, client: Any) -> None:
        client.put_item(TableName="identity", Item={"pk": {"S": "email#a"}, "birth": {"S": "c1"}})
        keys = ["email#a", *(f"phone#{n}" for n in range(100))]
        ErasureFence(client, "identity", "consent").raise_at(keys, AT, "r1")
        assert self.item(client, "email#a")["erased_before"] == {"S": AT}
        assert self.item(client, "email#a")["birth"] == {"S": "c1"}
        consents = ConsentTable(client, "consent")
        for key in keys:
            consent = consents.get(key).consent
            assert consent.erasing and consent.suppressions["marketing"].reason == "erasure"

    def test_it_moves_forward_and_never_back(self, client: Any) -> None:
        fence = ErasureFence(client, "identity", "consent")
        for at in (AT, LATER, AT):
            fence.raise_at(["email#a"], at, "r1")
        assert self.item(client, "email#a")["erased_before"] == {"S": LATER}

    def test_when_it_is_over_the_suppression_stays(self, client: Any) -> None:
        fence = ErasureFence(client, "identity", "consent")
        fence.raise_at(["email#a"], AT, "r1")
        fence.lower(["email#a", "email#unknown"])
        fence.lower(["email#a"])
        consent = ConsentTable(client, "consent").get("email#a").consent
        assert not consent.erasing and consent.suppressions["marketing"].reason == "erasure"

    def test_items_that_keep_changing_are_given_up_in_the_end(self, client: Any) -> None:
        class Busy:
            def __getattr__(self, name: str) -> Any:
                return getattr(client, name)

            def transact_write_items(self, **arguments: Any) -> None:
                # Somebody else records a consent between every read and write.
                client.put_item(
                    TableName="consent",
                    Item={
                        "pk": {"S": "email#a"},
                        "sk": {"S": "state"},
                        "etag": {"S": repr(id(arguments))},
                        "last_hash": {"S": ""},
                        "body": {"S": "{}"},
                    },
                )
                client.transact_write_items(**arguments)

        fence = ErasureFence(Busy(), "identity", "consent", sleep=lambda seconds: None)
        with pytest.raises(TemporaryFailure):
            fence.raise_at(["email#a"], AT, "r1")
        assert not self.item(client, "email#a")


class TestKeys:
    def test_what_is_sealed_opens_for_its_purpose_alone(self, session: Any) -> None:
        kms = session("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        text = json.dumps([hashlib.sha256(bytes([n])).hexdigest() for n in range(250)])
        sealed = Sealer(kms, key).seal(text, "r1")
        assert len(sealed.split()) > 1 and text[:40] not in sealed
        assert Sealer(kms, key).open(sealed, "r1") == text
        with pytest.raises(TemporaryFailure):
            Sealer(kms, key).open(sealed, "r2")


class TestCertificates:
    @pytest.fixture
    def chain(self, session: Any, tmp_path: Path) -> list[Path]:
        kms = session("kms")
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"][
            "KeyId"
        ]
        signer, previous, files = Signer(kms, key), "0" * 64, []
        (tmp_path / "key.der").write_bytes(kms.get_public_key(KeyId=key)["PublicKey"])
        for number in (1, 2):
            body = certificate(
                certificate_id=f"r{number}-1",
                request={"request_id": f"r{number}"},
                number=number,
                keys=["email#aa"],
                places=[
                    place_entry("timeline", "delete", Census(3, (Kept("a", 1, "hold"),)), True)
                ],
                completed_at=AT,
                erased_before=AT,
                backup_expires_at=LATER,
                versions={},
                previous=previous,
            )
            previous = hash_of(body)
            signature = signer.sign(bytes.fromhex(previous))
            files.append(tmp_path / f"{number}.json")
            files[-1].write_text(json.dumps({**body, "signature": signature}, indent=2))
        return files

    def test_verify_says_that_they_hold(
        self, chain: list[Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        key = ["--public-key", str(chain[0].with_name("key.der"))]
        assert main(["certificate", "verify", *map(str, reversed(chain)), *key]) == 0
        out = capsys.readouterr().out
        assert "r1-1: signature and chain hold; number 1, 3 found, 2 deleted, 1 retained" in out
        assert "--public-key" not in out

    def test_without_a_key_it_says_what_that_means(
        self, chain: list[Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["certificate", "verify", str(chain[0])]) == 0
        assert "give --public-key" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"deleted": 3}, "not as it was signed"),
            ({"signature": {}}, "no signature"),
            ({"previous_hash": "1" * 64}, "not as it was signed"),
        ],
    )
    def test_altered_it_does_not_hold(
        self,
        chain: list[Path],
        change: dict[str, Any],
        says: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        body = json.loads(chain[1].read_text())
        chain[1].write_text(json.dumps({**body, **change}))
        assert main(["certificate", "verify", *map(str, chain)]) == 1
        assert says in capsys.readouterr().err

    def test_signed_by_somebody_else_it_does_not_hold(
        self, chain: list[Path], session: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        kms = session("kms")
        other = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        body = json.loads(chain[0].read_text())
        del body["signature"]
        forged = Signer(kms, other["KeyId"]).sign(bytes.fromhex(hash_of(body)))
        chain[0].write_text(json.dumps({**body, "signature": forged}))
        key = ["--public-key", str(chain[0].with_name("key.der"))]
        assert main(["certificate", "verify", str(chain[0]), *key]) == 1
        assert "by another key" in capsys.readouterr().err
        assert base64.b64decode(forged["value"])

    def test_it_needs_no_network_and_no_credentials(self, chain: list[Path]) -> None:
        code = (
            "import socket, sys\n"
            "def closed(*a, **k): raise AssertionError('network')\n"
            "socket.socket.connect = closed\n"
            "from local.cli import main\n"
            "sys.exit(main(['certificate', 'verify', *sys.argv[1:]]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, chain)],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
            env={"PYTHONPATH": "layers/enlace/python:."},
        )
        assert done.returncode == 0, done.stderr
