"""Deliveries, cases and CRM mappings on DynamoDB as moto has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.case_table import CaseTable
from enlace.aws.crm_mappings import CrmMappings
from enlace.aws.delivery_table import DeliveryTable
from enlace.domain.protocol import make_protocol
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.crm_ports import Mapping
from tests.stores.delivery_suite import MESSAGE, DeliverySuite
from tests.unit.usecases.fakes import Clock

AT = "2026-11-20T12:00:00.000Z"


def make_client(service: str = "dynamodb", **options: Any) -> Any:
    return botocore.session.get_session().create_client(
        service,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        **options,
    )


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        client = make_client()
        for name, keys in (("delivery", ["pk"]), ("case", ["pk", "sk"])):
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            )
        yield client


class TestDeliveryTable(DeliverySuite):
    @pytest.fixture
    def table(self, dynamodb: Any, clock: Clock) -> DeliveryTable:
        return DeliveryTable(dynamodb, "delivery", now=clock)


def test_a_service_that_fails_is_a_temporary_failure(dynamodb: Any) -> None:
    table = DeliveryTable(dynamodb, "no such table", now=Clock())
    with pytest.raises(TemporaryFailure, match=r"dynamodb\.update_item"):
        table.claim(MESSAGE)


def opened(table: CaseTable, interaction_id: str, key: str = "phone#1") -> Any:
    return table.open(
        contact_key=key,
        contact_kind="phone",
        interaction_id=interaction_id,
        customer_id="c-1",
        nature="complaint",
        opened_at=AT,
    )


def test_a_case_is_opened_once_and_found_both_ways(dynamodb: Any) -> None:
    table = CaseTable(dynamodb, "case")
    case = opened(table, "i-1")
    assert opened(table, "i-1") == case
    assert table.find(case.protocol) == case
    assert table.find("20261120000000000") is None
    rows = dynamodb.query(
        TableName="case",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "phone#1"}},
    )["Items"]
    assert [row["sk"]["S"] for row in rows] == [f"case#{case.protocol}"]


def test_a_number_that_is_taken_gives_the_next_and_stays_so(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [make_protocol("x", AT, n) for n in range(3)]
    monkeypatch.setattr(
        "enlace.aws.case_table.make_protocol", lambda id_, at, attempt: numbers[attempt]
    )
    table = CaseTable(dynamodb, "case")
    first, second = opened(table, "i-1"), opened(table, "i-2", "phone#2")
    assert [first.protocol, second.protocol] == numbers[:2]
    assert opened(table, "i-2", "phone#2") == second
    assert opened(table, "i-1") == first


def test_it_gives_up_when_every_number_is_taken(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = make_protocol("x", AT)
    monkeypatch.setattr("enlace.aws.case_table.make_protocol", lambda id_, at, attempt: number)
    table = CaseTable(dynamodb, "case")
    opened(table, "i-1")
    with pytest.raises(TemporaryFailure):
        opened(table, "i-2", "phone#2")


def test_mappings_notice_each_other(dynamodb: Any) -> None:
    table = CrmMappings(dynamodb, "delivery", "hubspot")
    assert table.get("c-1") == Mapping("c-1")
    mapping = Mapping("c-1", "101", "", {"phone#1": "proven"}, frozenset({"phone#1"}))
    table.save(mapping)
    with pytest.raises(Conflict):
        table.save(mapping)
    stored = table.get("c-1")
    assert stored == Mapping("c-1", "101", "", {"phone#1": "proven"}, frozenset({"phone#1"}), 1)
    table.save(stored)
    with pytest.raises(Conflict):
        table.save(stored)
    assert CrmMappings(dynamodb, "delivery", "webhook").get("c-1").version == 0


def test_progress_is_kept_per_event(dynamodb: Any) -> None:
    table = CrmMappings(dynamodb, "delivery", "hubspot")
    assert table.progress("e") == ""
    table.save_progress("e", "x")
    assert (table.progress("e"), table.progress("f")) == ("x", "")
