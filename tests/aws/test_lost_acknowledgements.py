"""Every write is carried out, its acknowledgement is lost, and the SDK makes it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.delivery_table import DeliveryTable
from enlace.aws.store import DynamoStore
from enlace.domain.delivery import State
from enlace.domain.message_policy import MessagePolicy
from enlace.errors import TemporaryFailure
from enlace.usecases.send_command import read_command
from enlace.usecases.send_gate import SendGate
from local.memory_store import MemoryStore
from tests.stores.builders import interaction, resolver
from tests.stores.delivery_suite import CAPS, MESSAGE, SMS, outcome
from tests.unit.usecases.fakes import Clock
from tests.unit.usecases.test_deliver import command


class Twice:
    """A client that makes every write twice, as it does when the first answer is lost."""

    def __init__(self, client: Any):
        self._client = client

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if "get" in name or name == "query":
            return call

        def twice(**arguments: Any) -> Any:
            call(**arguments)
            return call(**arguments)

        return twice


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        made = botocore.session.get_session().create_client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for name, keys in (
            ("identity", ["pk"]),
            ("delivery", ["pk"]),
            ("timeline", ["pk", "sk"]),
            ("consent", ["pk", "sk"]),
        ):
            made.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            )
        yield made


def test_what_was_written_is_ours_though_nobody_told_us(dynamodb: Any) -> None:
    table = DeliveryTable(Twice(dynamodb), "delivery")
    table.accept(MESSAGE)

    assert table.decide("m-1", SMS, []) == SMS
    assert table.reserve("c-1", "m-1", SMS, caps=CAPS, counted=(), now=0) == SMS
    assert table.settle(outcome(State.SENT, provider_message_id="p")).state == State.SENT


def test_a_claim_is_ours_though_nobody_told_us(dynamodb: Any) -> None:
    gate = SendGate(ConsentTable(Twice(dynamodb), "consent"), policy=MessagePolicy(), now=Clock())
    asked = read_command(command())

    passage = gate.enter(asked)

    assert passage.claim and passage.claim.calls == 1
    with pytest.raises(TemporaryFailure):
        gate.enter(asked)
    gate.leave(asked.key, passage.claim)
    again = gate.enter(asked)
    assert again.claim and again.claim.calls == 1


def test_events_name_the_customer_that_there_is_after_a_merge(dynamodb: Any) -> None:
    phone, email = ("phone", "+5511987650001"), ("email", "ana@example.com")
    events = [
        interaction("1", phone, at="2026-11-20T10:00:00.000Z"),
        interaction("2", email, at="2026-11-20T09:00:00.000Z"),
        interaction("3", phone, email, at="2026-11-20T11:00:00.000Z"),
        interaction("4", phone, at="2026-11-20T12:00:00.000Z"),
    ]
    unsure = resolver(DynamoStore(Twice(dynamodb), "identity", "timeline"))
    sure = resolver(MemoryStore())

    for found, expected in zip(
        unsure.resolve_batch(events), sure.resolve_batch(events), strict=True
    ):
        assert not isinstance(found, Exception) and not isinstance(expected, Exception)
        assert [e["effect"] for e in found.effects] == [e["effect"] for e in expected.effects]
        assert found.timeline_key == expected.timeline_key
    first, _, third, fourth = unsure.resolve_batch(events)
    owners = {result.customer_id for result in (first, third, fourth)}  # type: ignore[union-attr]
    assert len(owners) == 1


def test_what_a_merging_event_says_at_once_is_what_it_says_when_redelivered(dynamodb: Any) -> None:
    phone, email = ("phone", "+5511987650001"), ("email", "ana@example.com")
    use_case = resolver(DynamoStore(Twice(dynamodb), "identity", "timeline"))
    use_case.resolve(interaction("1", phone, at="2026-11-20T10:00:00.000Z"))
    use_case.resolve(interaction("2", email, at="2026-11-20T09:00:00.000Z"))
    merging = interaction("3", phone, email, at="2026-11-20T11:00:00.000Z")

    assert use_case.resolve(merging).customer_id == use_case.resolve(merging).customer_id


def test_a_throttled_table_is_asked_eight_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ):
        monkeypatch.setenv(name, value)
    waits: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", waits.append)
    body = b'{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
    calls = 0

    class Raw:
        def stream(self) -> Iterator[bytes]:
            yield body

    def throttled(**_: Any) -> AWSResponse:
        nonlocal calls
        calls += 1
        return AWSResponse("http://127.0.0.1", 400, {}, Raw())

    dynamodb = client("dynamodb")
    dynamodb.meta.events.register_first("before-send.dynamodb", throttled)
    with pytest.raises(dynamodb.exceptions.ProvisionedThroughputExceededException):
        dynamodb.get_item(TableName="any", Key={"pk": {"S": "any"}})

    assert calls == 8
    # All of it fits well into a function's time.
    assert len(waits) == 7 and sum(waits) < 8
