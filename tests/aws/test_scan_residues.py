"""scan_residues on moto: every place of a stack, at any crash, and nothing told but counts."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.identity_table import IdentityTable
from enlace.aws.queue_walk import QueueWalk
from enlace.aws.residue_places import tables
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.residues import Sought, Values
from enlace.usecases.job_rows import LEASE_SECONDS
from enlace.usecases.rows import Row
from enlace.usecases.scan_residues import ScanResidues, erased_addresses
from tests.aws.erasing import CALL_STRIDE, always, cut_anywhere
from tests.aws.test_erasure_crashes import MAIL, PHONE, TABLES, Stack, aws
from tests.unit.test_bus_consumer import Context

__all__ = ["aws"]

ROOT = Path(__file__).parents[2]
GONE, HERE = "luzia.canario@example.com", "bento.canario@example.com"
KEY = "email#" + "a" * 22
BEFORE = "2026-11-01T00:00:00.000Z"


def table(*keys: str, index: tuple[str, ...] = ()) -> dict[str, Any]:
    def schema(names: tuple[str, ...]) -> list[dict[str, str]]:
        kinds = zip(names, ("HASH", "RANGE"), strict=False)
        return [{"AttributeName": name, "KeyType": kind} for name, kind in kinds]

    indexes = [
        {"IndexName": "index", "KeySchema": schema(index), "Projection": {"ProjectionType": "ALL"}}
    ]
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": schema(keys),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": "S"} for name in (*keys, *index)
            ],
            **({"GlobalSecondaryIndexes": indexes} if index else {}),
        },
    }


STACK = {
    "Parameters": {"Contact": {"Type": "String"}},
    "Resources": {
        "PrivacyTable": table("pk", "sk", index=("open", "next_at")),
        "IdentityTable": table("pk"),
        "TimelineTable": table("pk", "sk", index=("buyer",)),
        "MailBucket": {"Type": "AWS::S3::Bucket"},
        "EmailQueue": {"Type": "AWS::SQS::Queue"},
        "EmailDLQ": {"Type": "AWS::SQS::Queue"},
        "SendEmailLogs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/e"}},
    },
}


class World:
    def __init__(self, patch: pytest.MonkeyPatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        session = botocore.session.get_session()
        names = ("cloudformation", "dynamodb", "logs", "s3", "scheduler", "secretsmanager", "sqs")
        self.clients = {name: session.create_client(name) for name in names}
        canaries = {"erased": [GONE], "living": [HERE]}
        secret = self.clients["secretsmanager"].create_secret(
            Name="canaries", SecretString=json.dumps(canaries)
        )
        made = self.clients["cloudformation"].create_stack(
            StackName="s",
            TemplateBody=json.dumps(STACK),
            Parameters=[{"ParameterKey": "Contact", "ParameterValue": "privacy@example.com"}],
        )
        listed = self.clients["cloudformation"].list_stack_resources(StackName="s")
        self.ids = {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for one in listed["StackResourceSummaries"]
        }
        self.clients["s3"].put_bucket_versioning(
            Bucket=self.ids["MailBucket"], VersioningConfiguration={"Status": "Enabled"}
        )
        # Nothing comes late here.
        patch.setattr("enlace.aws.residue_readers.QueueWalk", partial(QueueWalk, wait_seconds=0))
        patch.setenv("STACK_ID", made["StackId"])
        patch.setenv("CANARY_SECRET_ARN", secret["ARN"])
        for name in ("Privacy", "Identity"):
            patch.setenv(f"{name.upper()}_TABLE", self.ids[f"{name}Table"])
        self.rows = VersionedRows(self.clients["dynamodb"], self.ids["PrivacyTable"])
        spec = importlib.util.spec_from_file_location(
            "app_scan_residues", ROOT / "functions" / "scan_residues" / "app.py"
        )
        assert spec and spec.loader
        self.app: ModuleType = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.app)

    def item(self, name: str, pk: str, sk: str = "", **more: str) -> None:
        fields = {"pk": pk, **({"sk": sk} if sk else {}), **more}
        self.clients["dynamodb"].put_item(
            TableName=self.ids[name], Item={key: {"S": value} for key, value in fields.items()}
        )

    def mail(self, key: str, text: str) -> None:
        self.clients["s3"].put_object(Bucket=self.ids["MailBucket"], Key=key, Body=text.encode())

    def line(self, text: str, seconds_ago: int = 1) -> None:
        logs = self.clients["logs"]
        stream = {"logGroupName": "/e", "logStreamName": "s"}
        if not logs.describe_log_streams(logGroupName="/e")["logStreams"]:
            logs.create_log_stream(**stream)
        at = int((time.time() - seconds_ago) * 1000)
        logs.put_log_events(**stream, logEvents=[{"timestamp": at, "message": text}])

    def letter(self, name: str, text: str) -> None:
        self.clients["sqs"].send_message(QueueUrl=self.ids[name], MessageBody=text)

    def run(self) -> str:
        event = json.loads((ROOT / "events/functions/scan_residues.json").read_text("utf-8"))
        return str(self.app.handler(event, Context(300_000))["result"])

    def hits(self) -> dict[str, dict[str, int]]:
        rows = self.rows.under("job#scan_residues", "")
        return {row.sk: row.body["hits"] for row in rows if row.body["hits"]}

    def forget(self) -> None:
        for row in self.rows.under("job#scan_residues", ""):
            self.rows.delete(row.pk, row.sk)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with mock_aws():
        yield World(monkeypatch)


def everywhere(world: World, text: str) -> None:
    """Put it into every place that can hold it."""
    world.item("IdentityTable", "email#x", value=text)
    body = json.dumps({"data": json.dumps({"text": text})})
    world.item("TimelineTable", "email#x", "2026", body=body, buyer="c1")
    world.item("PrivacyTable", "request#1", "saga", body=json.dumps({"note": text}))
    world.mail("in/1", f"From: {text}")
    world.mail("in/1", "written over")
    world.mail(f"in/{text}", "named")
    world.clients["s3"].delete_object(Bucket=world.ids["MailBucket"], Key=f"in/{text}")
    world.letter("EmailDLQ", json.dumps({"Message": json.dumps({"to": text})}))
    world.letter("EmailQueue", text)
    world.line(f"could not write to {text}")


def test_an_erased_canary_is_found_in_every_place(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    everywhere(world, GONE)

    assert world.run() == "done"

    found = {"erased_canary": 1}
    assert world.hits() == {
        "IdentityTable": found,
        "TimelineTable": found,
        "TimelineTable/index": found,
        "PrivacyTable": found,
        # An old version, one under a name, and the marker that deleted it.
        "MailBucket": {"erased_canary": 3},
        "EmailDLQ": found,
        "SendEmailLogs": {**found, "email": 1},
    }
    out = capsys.readouterr().out
    assert GONE not in out
    metrics = [json.loads(line) for line in out.splitlines() if "_aws" in line]
    assert sum(line.get("residues", 0) for line in metrics) == 10
    assert {"residues_MailBucket", "residues_SendEmailLogs"} <= {k for m in metrics for k in m}


def test_a_living_one_may_be_where_customers_are(world: World) -> None:
    everywhere(world, HERE)

    assert world.run() == "done"

    found = {"living_canary": 1}
    assert world.hits() == {"PrivacyTable": found, "SendEmailLogs": {**found, "email": 1}}


def test_what_stands_under_an_erased_address_is_found(world: World) -> None:
    entry = {"keys": [KEY], "erased_before": BEFORE}
    world.rows.put([Row("journal", "000000001", entry)])
    world.item("IdentityTable", KEY, erased_before=BEFORE)
    world.item("TimelineTable", KEY, "2026-10-01T00:00:00.000Z#i1", body="{}")
    world.item("TimelineTable", KEY, "pin#i2")
    world.item("TimelineTable", f"held#{KEY}", "2026-10-01T00:00:00.000Z#i3")

    assert world.run() == "done"

    assert world.hits() == {"TimelineTable": {"erased_address": 1}}


def test_dead_letters_are_there_afterwards_and_queues_at_work_are_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere(world, GONE)
    world.run()
    asked = {"QueueUrl": world.ids["EmailDLQ"], "AttributeNames": ["ApproximateReceiveCount"]}
    assert len(world.clients["sqs"].receive_message(**asked)["Messages"]) == 1
    (letter,) = world.clients["sqs"].receive_message(
        QueueUrl=world.ids["EmailQueue"], AttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert letter["Attributes"]["ApproximateReceiveCount"] == "1"


def test_the_next_day_reads_the_lines_since_and_no_table(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.line("ana@example.com", seconds_ago=3600)
    world.run()
    scans: list[str] = []
    make = botocore.client.BaseClient._make_api_call

    def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        scans.extend([operation] if operation in ("Scan", "FilterLogEvents") else ())
        return make(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    day = time.time() + 86_400
    monkeypatch.setattr(world.app.time, "time", lambda: day)
    assert world.run() == "done"
    assert scans == ["FilterLogEvents"]
    assert world.hits() == {}, "yesterday's lines were yesterday's"


def test_without_canaries_and_erasures_only_logs_tell(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CANARY_SECRET_ARN")
    everywhere(world, GONE)

    assert world.run() == "done"

    assert world.hits() == {"SendEmailLogs": {"email": 1}}


def test_a_place_that_does_not_answer_is_told_by_its_name(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    everywhere(world, GONE)
    world.clients["logs"].delete_log_group(logGroupName="/e")

    assert world.run() == "goes on"

    assert "SendEmailLogs" in capsys.readouterr().out
    assert "MailBucket" in world.hits()


def test_cut_off_at_any_call_it_goes_on_and_counts_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere(world, GONE)
    # A queue that was held when a run died is told from one that another run holds by time.
    world.clients["sqs"].purge_queue(QueueUrl=world.ids["EmailDLQ"])
    world.run()
    expected, clock = world.hits(), [time.time()]
    monkeypatch.setattr(world.app.time, "time", lambda: clock[0])
    runs = 0
    for _ in cut_anywhere(monkeypatch, world.forget, lambda _: world.run(), stride=CALL_STRIDE):
        clock[0] += LEASE_SECONDS + 1
        assert world.run() == "done"
        assert world.hits() == expected
        runs += 1
    assert runs > 60 // CALL_STRIDE


class Saga:
    """The real erasure of somebody with a neighbour, and a scan of its tables."""

    def __init__(self, patch: pytest.MonkeyPatch):
        self.stack = Stack(patch)
        self.request_id = self.stack.live()
        self.rows = VersionedRows(self.stack.dynamodb, "PrivacyTable")

    def scan(self) -> dict[str, Mapping[str, int]]:
        told: dict[str, Mapping[str, int]] = {}
        canaries, addresses = Values([PHONE, MAIL]), erased_addresses(self.rows)
        scan = ScanResidues(
            self.rows,
            states=IdentityTable(self.stack.dynamodb, "IdentityTable"),
            sought=lambda: Sought(canaries, Values(()), addresses),
            tell=lambda place, hits: told.update({place: dict(hits)}),
            warn=lambda place, error: pytest.fail(f"{place}: {error}"),
            clock=time.time,
        )
        places = [
            one for name in TABLES.values() for one in tables(self.stack.dynamodb, name, name)
        ]
        assert scan.run(places, always)
        return told


def test_what_a_real_erasure_leaves_rings_for_nothing(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock_aws():
        saga = Saga(monkeypatch)
        saga.stack.run(saga.request_id)
        assert erased_addresses(saga.rows), "the journal names whom it was about"
        assert saga.scan() == {}


def test_and_what_one_that_did_nothing_left_does(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock_aws():
        saga = Saga(monkeypatch)
        items = saga.stack.dynamodb.scan(TableName="IdentityTable")["Items"]
        keys = [
            item["pk"]["S"] for item in items if item.get("value", {}).get("S") in (PHONE, MAIL)
        ]
        entry = {"keys": keys, "erased_before": "2026-11-23T12:00:00.000Z"}
        saga.rows.put([Row("journal", "000000001", entry)])
        told = saga.scan()
        assert {"IdentityTable", "TimelineTable", "DeliveryTable/about"} <= set(told)
        assert told["TimelineTable"]["erased_address"] >= 2
