"""The meter on real botocore and boto3 clients, with moto as the in-process service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from bench.capacity import Meter, event_entry_bytes
from bench.dynamo import ClientStore

TABLE = {
    "TableName": "T",
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "email")
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_email",
            "KeySchema": [{"AttributeName": "email", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture
def meter() -> Iterator[Meter]:
    with mock_aws():
        plain = botocore.session.get_session().create_client("dynamodb")
        plain.create_table(**TABLE)
        yield Meter(ClientStore(plain))


@pytest.fixture
def table(meter: Meter) -> Any:
    with meter.installed():
        return boto3.resource("dynamodb").Table("T")


def test_the_resource_layer_is_measured_on_the_wire(meter: Meter, table: Any) -> None:
    with meter.measure() as usage:
        table.put_item(Item={"pk": "a", "sk": "1", "n": 7, "text": "x" * 1500})
        table.get_item(Key={"pk": "a", "sk": "1"}, ProjectionExpression="n")
    assert (usage.write_units, usage.read_units) == (2, 0.5)
    assert dict(usage.requests) == {"dynamodb:PutItem": 1, "dynamodb:GetItem": 1}


def test_agrees_with_motos_consumed_capacity_where_moto_reports_it(
    meter: Meter, table: Any
) -> None:
    with meter.measure() as put:
        put_answer = table.put_item(Item={"pk": "a", "sk": "1"}, ReturnConsumedCapacity="TOTAL")
    with meter.measure() as transaction:
        read = table.meta.client.transact_get_items(
            TransactItems=[{"Get": {"TableName": "T", "Key": {"pk": "a", "sk": "1"}}}],
            ReturnConsumedCapacity="TOTAL",
        )
    assert put.write_units == put_answer["ConsumedCapacity"]["CapacityUnits"]
    assert transaction.read_units == read["ConsumedCapacity"][0]["CapacityUnits"]


def test_a_failed_condition_is_charged(meter: Meter, table: Any) -> None:
    item = {"pk": "a", "sk": "1", "text": "x" * 2000}
    table.put_item(Item=item)
    with meter.measure() as usage, pytest.raises(ClientError):
        table.put_item(Item={"pk": "a", "sk": "1"}, ConditionExpression="attribute_not_exists(pk)")
    assert usage.write_units == 2


def test_a_filter_or_projection_does_not_make_a_query_cheaper(meter: Meter, table: Any) -> None:
    for n in range(10):
        table.put_item(Item={"pk": "a", "sk": str(n), "email": "e", "text": "x" * 1000})
    with meter.measure() as usage:
        answer = table.query(
            KeyConditionExpression="#p = :p",
            FilterExpression="#s > :s",
            ProjectionExpression="#s",
            ExpressionAttributeNames={"#p": "pk", "#s": "sk"},
            ExpressionAttributeValues={":p": "a", ":s": "8"},
        )
    assert answer["Count"] == 1
    assert usage.read_units == 1.5  # 10 items of about 1,030 bytes
    with meter.measure() as by_index:
        table.query(
            IndexName="by_email",
            KeyConditionExpression="email = :e",
            ExpressionAttributeValues={":e": "e"},
        )
    assert by_index.read_units == 1.5


def test_an_update_is_charged_by_the_item_and_in_the_index(meter: Meter, table: Any) -> None:
    table.put_item(Item={"pk": "a", "sk": "1", "email": "e", "text": "x" * 1500})
    with meter.measure() as usage:
        table.update_item(
            Key={"pk": "a", "sk": "1"},
            UpdateExpression="SET seen = :s",
            ExpressionAttributeValues={":s": "today"},
        )
    assert usage.write_units == 2 + 2


def test_measured_blocks_nest(meter: Meter, table: Any) -> None:
    with meter.measure() as outer:
        table.put_item(Item={"pk": "a", "sk": "1"})
        with meter.measure() as inner:
            table.put_item(Item={"pk": "a", "sk": "2"})
    assert (inner.write_units, outer.write_units, outer.request_count) == (1, 2, 2)


def test_queues_and_buses_are_billed_in_chunks(meter: Meter) -> None:
    with meter.installed():
        session = botocore.session.get_session()
        sqs, events = session.create_client("sqs"), session.create_client("events")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    with meter.measure() as usage:
        sqs.send_message_batch(
            QueueUrl=url,
            Entries=[{"Id": str(n), "MessageBody": "x" * 40_000} for n in range(3)],
        )
        events.put_events(
            Entries=[
                {"Source": "s", "DetailType": "d", "Detail": '{"a":"' + "x" * n + '"}'}
                for n in (10, 70_000)
            ]
        )
    assert usage.sqs_requests == 2  # 120,000 bytes in one call
    assert usage.events == 1 + 2
    assert usage.count("sqs") == 1
    assert usage.count("events") == 1


def test_event_entries_are_measured_as_documented() -> None:
    entry = {"Source": "ab", "DetailType": "c", "Detail": "{}", "Time": 0, "Resources": ["é"]}
    assert event_entry_bytes(entry) == 14 + 2 + 1 + 2 + 2
