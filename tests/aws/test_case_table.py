"""Cases on DynamoDB as moto has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from enlace.aws.case_table import CaseTable
from enlace.aws.case_threads import CaseThreads
from enlace.aws.history import DynamoHistory
from enlace.domain.case import Change
from enlace.domain.protocol import make_protocol
from enlace.errors import TemporaryFailure
from tests.aws.test_delivery_table import make_client
from tests.stores.case_suite import LATER, OPENING, CaseSuite, contact


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        client = make_client()
        client.create_table(
            TableName="case",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in ("pk", "sk")],
        )
        yield client


class TestCaseTable(CaseSuite):
    @pytest.fixture
    def cases(self, dynamodb: Any) -> CaseTable:
        return CaseTable(dynamodb, "case")

    @pytest.fixture
    def threads(self, dynamodb: Any) -> CaseThreads:
        return CaseThreads(dynamodb, "case")


def test_the_views_list_open_cases_with_what_opened_them(dynamodb: Any) -> None:
    cases, history = CaseTable(dynamodb, "case"), DynamoHistory(dynamodb, "timeline", "case")
    case = cases.open(**OPENING)
    (listed,) = history.open_cases("phone#1")
    assert (listed.protocol, listed.nature) == (case.protocol, "complaint")
    assert (listed.opened_at, listed.interaction_id) == (case.opened_at, "i-1")
    cases.change(case, Change("d-1", "closed", LATER, by="a"))
    assert history.open_cases("phone#1") == []


def test_keys_hold_nothing_that_anybody_wrote(dynamodb: Any) -> None:
    cases = CaseTable(dynamodb, "case")
    case = cases.open(**OPENING)
    cases.join(contact(case))
    cases.change(case, Change("d-1", "closed", LATER, by="a", reason="the reason"))
    cases.told(case.protocol, "phone#1", "m-1")
    items = dynamodb.scan(TableName="case")["Items"]
    keys = json.dumps([[item["pk"], item["sk"]] for item in items])
    assert "reason" not in keys
    assert {pk.split("#")[0] for item in items for pk in (item["pk"]["S"],)} == {
        "protocol", "phone", "interaction", "message",
    }  # fmt: skip


def test_a_service_that_fails_is_a_temporary_failure(dynamodb: Any) -> None:
    cases = CaseTable(dynamodb, "no such table")
    for call in (lambda: cases.find("1"), lambda: cases.open_of(["phone#1"])):
        with pytest.raises(TemporaryFailure, match=r"dynamodb\."):
            call()
    with pytest.raises(TemporaryFailure):
        cases.look_up("i", ["r"])


def test_it_gives_up_when_every_number_is_taken(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = make_protocol("x", OPENING["opened_at"])
    monkeypatch.setattr("enlace.aws.case_table.make_protocol", lambda id_, at, attempt: number)
    cases = CaseTable(dynamodb, "case")
    cases.open(**OPENING)
    with pytest.raises(TemporaryFailure):
        cases.open(**{**OPENING, "interaction_id": "i-2"})
