"""scrub_dead_letters on moto: what a fence keeps out leaves the dead-letter queues."""

from __future__ import annotations

import base64
import importlib.util
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.queue_walk import QueueWalk
from enlace.domain.address_key import AddressKeys
from enlace.domain.interaction import Identifier, epoch_text
from enlace.rules import default_rules
from enlace.usecases.observe import sight

ROOT = Path(__file__).resolve().parents[2]
SECRET = b"k" * 32
EMAIL, PHONE, CPF = "luzia.aurora@example.com", "+5511987650101", "39053344705"
ERASED = {"email": EMAIL, "phone": PHONE, "cpf": CPF}


class Context:
    aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def key(kind: str, value: str) -> str:
    return sight(Identifier(kind, value), AddressKeys(SECRET), default_rules())[0].key


class Stack:
    """Two dead-letter queues, an identity table with fences, and the function."""

    def __init__(self, patch: pytest.MonkeyPatch):
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

        def client(service: str) -> Any:
            return botocore.session.get_session().create_client(service)

        self.sqs, self.dynamodb = client("sqs"), client("dynamodb")
        self.urls = [self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("a", "b")]
        self.dynamodb.create_table(
            TableName="identity",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        secret = {"version": "1", "keys": {"1": base64.b64encode(SECRET).decode()}}
        client("secretsmanager").create_secret(Name="keys", SecretString=json.dumps(secret))
        patch.setenv("ADDRESS_KEY_SECRET_ID", "keys")
        patch.setenv("IDENTITY_TABLE", "identity")
        patch.setenv("DLQ_URLS", " ".join(self.urls))
        path = ROOT / "functions" / "scrub_dead_letters" / "app.py"
        spec = importlib.util.spec_from_file_location("scrub_dead_letters_app", path)
        assert spec is not None
        assert spec.loader is not None
        self.app = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.app)
        # moto asks itself; long polling would be a second for each queue.
        patch.setattr(self.app, "QueueWalk", partial(QueueWalk, wait_seconds=0))

    def fence(self, at: float) -> None:
        for kind, value in ERASED.items():
            item = {"pk": {"S": key(kind, value)}, "erased_before": {"S": epoch_text(at)}}
            self.dynamodb.put_item(TableName="identity", Item=item)

    def put(self, *bodies: Any) -> None:
        for number, body in enumerate(bodies):
            text = body if isinstance(body, str) else json.dumps(body)
            self.sqs.send_message(QueueUrl=self.urls[number % 2], MessageBody=text)

    def run(self) -> dict[str, int]:
        event = json.loads((ROOT / "events/functions/scrub_dead_letters.json").read_text("utf-8"))
        done: dict[str, int] = self.app.handler(event, Context())
        return done

    def bodies(self) -> list[str]:
        found = []
        for url in self.urls:
            while True:
                answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
                if not answer.get("Messages"):
                    break
                found += [message["Body"] for message in answer["Messages"]]
        return sorted(found)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    with mock_aws():
        yield Stack(monkeypatch)


def interaction(kind: str, value: str, **more: Any) -> dict[str, Any]:
    return {"contact_point": {"kind": kind, "value": value}, **more}


def fact(*keys: str) -> dict[str, Any]:
    return {"detail": {"data": {"identifiers": list(keys)}}}


def mine() -> list[Any]:
    return [
        interaction("email", "Luzia.Aurora@EXAMPLE.com"),
        interaction("phone", "551187650101"),
        {"from": "5511987650101", "text": "oi"},
        {"note": "meu CPF é 390.533.447-05"},
        json.dumps({"Message": json.dumps({"source": EMAIL})}),
        fact(key("email", EMAIL)),
    ]


def test_what_a_fence_keeps_out_goes_and_everything_else_stays(stack: Stack) -> None:
    others = [
        interaction("email", "ana@example.com"),
        {"from": "5511987650102"},
        fact(key("email", "ana@example.com"), key("email", EMAIL)),
        "no JSON",
    ]
    stack.put(*mine(), *others)
    stack.fence(time.time() + 60)

    assert stack.run() == {"scrubbed": len(mine()), "failed": 0, "left_over": 0}
    expected = [one if isinstance(one, str) else json.dumps(one) for one in others]
    assert stack.bodies() == sorted(expected)


def test_without_a_fence_nothing_goes(stack: Stack) -> None:
    stack.put(*mine())

    assert stack.run()["scrubbed"] == 0
    assert len(stack.bodies()) == len(mine())


def test_what_came_after_the_erasure_is_a_newcomers(stack: Stack) -> None:
    late = interaction("email", EMAIL, received_at=epoch_text(time.time() - 3600), n=1)
    stack.put(interaction("email", EMAIL), late)
    stack.fence(time.time() - 60)

    assert stack.run()["scrubbed"] == 1
    assert stack.bodies() == [json.dumps(interaction("email", EMAIL))]


def test_of_a_list_the_others_stay(stack: Stack) -> None:
    named = interaction("email", "ana@example.com", identifiers=[{"kind": "cpf", "value": CPF}])
    stack.put([interaction("email", EMAIL), named])
    stack.fence(time.time() + 60)

    assert stack.run()["scrubbed"] == 2
    (left,) = stack.bodies()
    assert json.loads(left) == [{**named, "identifiers": []}]


def test_a_queue_that_somebody_reads_is_the_next_runs(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("enlace.aws.queue_walk._ATTEMPTS", 1)
    stack.put(interaction("email", EMAIL), interaction("email", EMAIL))
    stack.fence(time.time() + 60)
    stack.sqs.receive_message(QueueUrl=stack.urls[0], VisibilityTimeout=30)

    assert stack.run() == {"scrubbed": 1, "failed": 1, "left_over": 0}


def test_it_tells_no_address(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 19."""
    stack.put(*mine())
    stack.fence(time.time() + 60)
    stack.run()

    told = capsys.readouterr().out
    assert '"scrubbed": 6' in told
    assert not [value for value in (EMAIL, PHONE, PHONE[1:], CPF) if value in told]
