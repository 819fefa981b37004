"""The queue adapter against moto's SQS, and against an SQS that half fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from enlace.aws.interactions_queue import (
    MAX_BATCH_BYTES,
    MAX_MESSAGE_BYTES,
    InteractionsQueue,
    pack,
)
from enlace.errors import TemporaryFailure


class Sqs:
    """Two queues of moto's, and what went over the wire to them."""

    def __init__(self) -> None:
        self.client = botocore.session.get_session().create_client(
            "sqs", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        self.queue_url = self.client.create_queue(QueueName="interactions")["QueueUrl"]
        self.dlq_url = self.client.create_queue(QueueName="dlq")["QueueUrl"]
        self.calls: list[dict[str, Any]] = []
        self.client.meta.events.register(
            "provide-client-params.sqs.SendMessageBatch",
            lambda params, **_: self.calls.append(params),
        )
        self.queue = InteractionsQueue(self.client, self.queue_url, self.dlq_url)

    def messages(self, url: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            answer = self.client.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            if not answer.get("Messages"):
                return found
            found += answer["Messages"]


@pytest.fixture
def sqs() -> Iterator[Sqs]:
    with mock_aws():
        yield Sqs()


def body(n: int, size: int = 40) -> str:
    return json.dumps({"n": n, "fill": "x" * (size - 24)}, separators=(",", ":"))


def unpacked(messages: list[str]) -> list[Any]:
    found: list[Any] = []
    for message in messages:
        value = json.loads(message)
        found += value if isinstance(value, list) else [value]
    return found


@pytest.mark.parametrize("count", [1, 2, 10, 11, 25, 100, 997])
def test_one_call_carries_them_all(sqs: Sqs, count: int) -> None:
    sqs.queue.send([body(n) for n in range(count)])
    assert len(sqs.calls) == 1
    received = [m["Body"] for m in sqs.messages(sqs.queue_url)]
    assert len(received) == count if count <= 10 else len(received) <= 10
    assert sorted(i["n"] for i in unpacked(received)) == list(range(count))


def test_nothing_is_sent_for_nothing(sqs: Sqs) -> None:
    sqs.queue.send([])
    sqs.queue.send_rejected([], "x")
    assert sqs.calls == []


def test_a_single_interaction_is_an_object_and_no_list(sqs: Sqs) -> None:
    sqs.queue.send([body(1)])
    [message] = sqs.messages(sqs.queue_url)
    assert json.loads(message["Body"])["n"] == 1


def test_large_interactions_take_as_many_calls_as_sqs_wants(sqs: Sqs) -> None:
    sqs.queue.send([body(n, 240_000) for n in range(12)])
    for call in sqs.calls:
        sizes = [len(e["MessageBody"]) for e in call["Entries"]]
        assert sum(sizes) <= MAX_BATCH_BYTES
    assert len(sqs.calls) == 3
    assert len(unpacked([m["Body"] for m in sqs.messages(sqs.queue_url)])) == 12


def test_rejected_items_say_why(sqs: Sqs) -> None:
    sqs.queue.send_rejected([("timestamp: must be a Unix time", '{"a":1}')], "whatsapp")
    [message] = sqs.messages(sqs.dlq_url)
    assert message["Body"] == '{"a":1}'
    attributes = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert attributes == {"reason": "timestamp: must be a Unix time", "channel": "whatsapp"}


@given(sizes=st.lists(st.integers(30, 200_000), max_size=60))
def test_packing_keeps_order_limits_and_everything(sizes: list[int]) -> None:
    messages = pack([body(n, size) for n, size in enumerate(sizes)])
    assert [i["n"] for i in unpacked(messages)] == list(range(len(sizes)))
    assert all(len(m) <= MAX_MESSAGE_BYTES for m in messages)
    if sum(sizes) < MAX_BATCH_BYTES // 10:
        assert len(messages) <= 10


class FlakyClient:
    """Fails the entries that ``plan`` says, call by call; an exception fails the call."""

    def __init__(self, *plan: set[str] | Exception):
        self.plan = list(plan)
        self.sent: list[list[str]] = []

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        step = self.plan.pop(0) if self.plan else set()
        if isinstance(step, Exception):
            raise step
        self.sent.append([e["Id"] for e in Entries])
        failed = [{"Id": e["Id"], "Code": "InternalError"} for e in Entries if e["Id"] in step]
        return {"Successful": [], "Failed": failed} if failed else {"Successful": []}


def test_only_the_failed_entries_are_sent_again() -> None:
    client, waits = FlakyClient({"1", "3"}, {"3"}), []
    InteractionsQueue(client, "q", "d", sleep=waits.append).send([body(n) for n in range(4)])
    assert client.sent == [["0", "1", "2", "3"], ["1", "3"], ["3"]]
    assert len(waits) == 2 and all(0 <= w < 1 for w in waits)


def test_entries_that_keep_failing_are_not_acknowledged() -> None:
    client = FlakyClient({"0"}, {"0"}, {"0"})
    with pytest.raises(TemporaryFailure):
        InteractionsQueue(client, "q", "d", sleep=lambda _: None).send([body(0)])


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessageBatch"),
        EndpointConnectionError(endpoint_url="https://sqs.invalid"),
    ],
)
def test_a_failing_call_is_a_temporary_failure(error: Exception) -> None:
    with pytest.raises(TemporaryFailure):
        InteractionsQueue(FlakyClient(error), "q", "d").send([body(0)])


def test_a_queue_that_is_gone(sqs: Sqs) -> None:
    sqs.client.delete_queue(QueueUrl=sqs.queue_url)
    with pytest.raises(TemporaryFailure, match="NonExistentQueue"):
        sqs.queue.send([body(0)])
