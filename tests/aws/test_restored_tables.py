"""Requests of data subjects while tables are held after a restore, by the real functions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from enlace.aws.clients import session as clients_session
from enlace.aws.restore_marks import MARK, marks_of
from enlace.usecases.restore_hold import RestoredTables
from tests.aws.test_api_functions import event
from tests.aws.test_erasure_crashes import MAIL, PHONE, TEXT, Context, Stack, load
from tests.unit.test_bus_consumer import Context as Left

REQUESTS, ONE = "/v1/privacy/requests", "/v1/privacy/requests/{id}"
WORD = {"operator_reason": "saw a document"}


class Restored(Stack):
    """As after a restore: the journal knows of one erasure more than the tables."""

    def restore(self) -> None:
        head = {"number": 1, "hash": "00"}
        entry = {"request_id": "r0", "keys": [], "erased_before": "2026-11-01T00:00:00.000Z"}
        for sk, body in (("head", head), ("000000001", entry)):
            item = {"pk": "journal", "sk": sk, "body": json.dumps(body)}
            row: Any = {name: {"S": value} for name, value in item.items()}
            row["version"] = {"N": "1"}
            self.dynamodb.put_item(TableName="PrivacyTable", Item=row)

    def asked(self, type_: str) -> str:
        body = {
            "type": type_,
            "identifier": {"kind": "phone", "value": PHONE},
            "regulation": "lgpd",
        }
        return str(self.call("POST", REQUESTS, body)["request_id"])

    def answer(self, method: str, path: str, id_: str) -> dict[str, Any]:
        asked = event(method, path, id=id_)
        asked["headers"]["x-api-key"] = "k" * 43
        return dict(self.api.handler(asked, Context()))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Restored]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients_session.cache_clear()
    with mock_aws():
        yield Restored(monkeypatch)
    clients_session.cache_clear()


def test_requests_are_taken_and_answered_once_the_erasures_are_done_again(
    stack: Restored,
) -> None:
    """Auditor's case 17."""
    stack.live()
    stack.restore()
    access, objection = stack.asked("access"), stack.asked("objection")
    states = [
        stack.call("POST", f"{ONE}/verify", WORD, id=id_)["status"] for id_ in (access, objection)
    ]
    assert states == ["running", "verified"]
    for path in (ONE, f"{ONE}/export"):
        answer = stack.answer("GET", path, access)
        assert answer["statusCode"] == 503, path
        assert all(value not in answer["body"] for value in (PHONE, MAIL, TEXT))
    # What rests on no table that was restored is answered.
    assert stack.answer("GET", REQUESTS, "")["statusCode"] == 200
    clock = load("privacy_deadlines")
    assert clock.handler({}, Left(60_000))["result"] == "failed"
    assert stack.status(objection) == "verified"

    assert stack.eraser.handler({}, Left(200_000))["result"] == "done"
    assert TEXT in stack.answer("GET", f"{ONE}/export", access)["body"]
    assert clock.handler({}, Left(60_000))["result"] == "done"
    assert stack.status(objection) == "completed"


def test_no_other_erasure_opens_restored_tables(stack: Restored) -> None:
    id_ = stack.live()
    stack.restore()
    body = json.dumps({"request_id": id_})
    batch = {"Records": [{"messageId": "1", "body": body}]}
    assert stack.eraser.handler(batch, Left(200_000)) == {"batchItemFailures": []}
    assert stack.status(id_) == "verified"
    assert TEXT in json.dumps(stack.left())

    assert stack.eraser.handler({}, Left(200_000))["result"] == "done"
    stack.run(id_)
    path = f"{ONE}/certificate"
    assert stack.call("GET", path, id=id_)["number"] == 2

    # Nor does the mark of one that was under way when a table was restored.
    marks = marks_of(os.environ, stack.dynamodb)
    key: Any = {"pk": {"S": MARK}, "sk": {"S": MARK}}
    stack.dynamodb.delete_item(TableName="TimelineTable", Key=key)
    with pytest.raises(RestoredTables):
        marks.mark(3)
    assert marks.behind()[0] == 0
    for number in (1, 2, 3, 3):
        marks.mark(number)
    assert marks.behind()[0] == 3
