"""The consent table, on DynamoDB as moto has it."""

from __future__ import annotations

from collections.abc import Iterator

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.consent_table import ConsentTable
from tests.stores.consent_suite import ConsentSuite


class TestConsentTable(ConsentSuite):
    @pytest.fixture
    def store(self) -> Iterator[ConsentTable]:
        with mock_aws():
            client = botocore.session.get_session().create_client(
                "dynamodb",
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            client.create_table(
                TableName="consent",
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
                ],
            )
            yield ConsentTable(client, "consent")
