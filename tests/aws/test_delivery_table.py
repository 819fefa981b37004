"""Deliveries and CRM mappings on DynamoDB as moto has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.crm_mappings import CrmMappings
from enlace.aws.delivery_table import DeliveryTable
from enlace.domain.delivery import State
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.crm_ports import Mapping
from tests.stores.delivery_suite import MESSAGE, NOW, DeliverySuite, outcome


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
        for name, keys in (("delivery", ["pk"]),):
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
    def table(self, dynamodb: Any) -> DeliveryTable:
        return DeliveryTable(dynamodb, "delivery")


def test_a_record_is_not_read_past_its_time_whether_it_is_deleted_or_not(dynamodb: Any) -> None:
    """Case 21."""
    now = datetime.fromisoformat(NOW).timestamp()
    table = DeliveryTable(dynamodb, "delivery", clock=lambda: now)
    assert table.accept(MESSAGE)
    table.settle(replace(outcome(State.SENT), message_id="m-2"))
    now += 400 * 86_400 - 1
    assert table.get("m-1") and table.get("m-2") and not table.accept(MESSAGE)
    # It was asked for without a record, so it is kept from its end, an hour later.
    now += 1
    assert table.get("m-1") is None and table.get("m-2")
    now += 3600
    assert table.get("m-2") is None
    assert table.accept(MESSAGE)


def test_a_service_that_fails_is_a_temporary_failure(dynamodb: Any) -> None:
    table = DeliveryTable(dynamodb, "no such table")
    with pytest.raises(TemporaryFailure, match=r"dynamodb\.put_item"):
        table.accept(MESSAGE)


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


def test_a_mapping_keeps_who_settles_it_until_they_let_go(dynamodb: Any) -> None:
    table = CrmMappings(dynamodb, "delivery", "hubspot")
    table.save(Mapping("c-1", holder="h", held_until=1763726400.5))
    assert table.get("c-1") == Mapping("c-1", version=1, holder="h", held_until=1763726400.5)
    table.save(Mapping("c-1", version=1))
    assert table.get("c-1") == Mapping("c-1", version=2)


def test_progress_is_kept_per_event(dynamodb: Any) -> None:
    table = CrmMappings(dynamodb, "delivery", "hubspot")
    assert table.progress("e") == ""
    table.save_progress("e", "x")
    assert (table.progress("e"), table.progress("f")) == ("x", "")
