"""The functions of retention, as the schedule calls them, on moto."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.aws.test_purge_consent_expiry import tables
from tests.unit.test_bus_consumer import Context

ROOT = Path(__file__).parents[2]
NAMES = ("identity", "timeline", "case", "candidate", "delivery")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in (*NAMES, "privacy", "consent"):
        monkeypatch.setenv(f"{name.upper()}_TABLE", name)
    monkeypatch.setenv("BUS_NAME", "default")
    monkeypatch.setenv("ATTACHMENTS_BUCKET", "attachments")
    monkeypatch.setenv("MAIL_BUCKET", "mail")
    with mock_aws():
        client = boto3.client("dynamodb")
        tables(client)
        for name in NAMES:
            keys = ["pk"] if name in ("identity", "delivery") else ["pk", "sk"]
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            )
        for bucket in ("attachments", "mail"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        key = {"version": "1", "keys": {"1": "YSBzZWNyZXQgb2YgdGhpcnR5LXR3byBieXRlcy4uLi4="}}
        secret = boto3.client("secretsmanager").create_secret(
            Name="key", SecretString=json.dumps(key)
        )
        monkeypatch.setenv("ADDRESS_KEY_SECRET_ID", secret["ARN"])
        yield client


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        f"app_{name}", ROOT / "functions" / name / "app.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def message(client: Any, id_: str, at: str) -> None:
    item = {"pk": {"S": f"message#{id_}"}, "accepted_at": {"S": at}}
    client.put_item(TableName="delivery", Item=item)


def test_a_day_of_retention(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    message(client, "old", "2020-01-01T00:00:00.000Z")
    message(client, "new", "2999-01-01T00:00:00.000Z")
    assert load("purge_retention").handler({}, Context(300_000)) == {"result": "done"}
    left = client.scan(TableName="delivery")["Items"]
    assert [item["pk"]["S"] for item in left] == ["message#new"]
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    metrics = json.loads(line)
    assert (metrics["function"], metrics["messages_deleted"]) == ("purge_retention", 1)


def test_a_dry_run_deletes_nothing(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    message(client, "old", "2020-01-01T00:00:00.000Z")
    monkeypatch.setenv("DRY_RUN", "true")
    assert load("purge_retention").handler({}, Context(300_000)) == {"result": "done"}
    assert client.scan(TableName="delivery")["Count"] == 1


def test_an_hour_of_consents(client: Any) -> None:
    assert load("purge_consent_expiry").handler({}, Context(300_000)) == {"result": "done"}
