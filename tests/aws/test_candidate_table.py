"""Candidates on DynamoDB as moto has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.candidate_table import INDEX, CandidateTable
from tests.stores.candidate_suite import CandidateSuite


def make_table(client: Any, name: str = "candidates") -> str:
    """The table as the template declares it."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", "shard", "place")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": INDEX,
                "KeySchema": [
                    {"AttributeName": "shard", "KeyType": "HASH"},
                    {"AttributeName": "place", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return name


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        yield botocore.session.get_session().create_client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


class TestCandidateTable(CandidateSuite):
    @pytest.fixture
    def table(self, dynamodb: Any) -> CandidateTable:
        return CandidateTable(dynamodb, make_table(dynamodb), sleep=lambda seconds: None)
