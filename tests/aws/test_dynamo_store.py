"""The suite of all stores, on DynamoDB as moto has it."""

from collections.abc import Iterator

import botocore.session
import pytest
from moto import mock_aws

from enlace.aws.store import DynamoStore
from tests.stores.forgetting_suite import ForgettingSuite
from tests.stores.suite import StoreSuite


def create_tables(client: object) -> None:
    """The two tables as the template declares them."""
    for name, keys in (("identity", ["pk"]), ("timeline", ["pk", "sk"])):
        client.create_table(  # type: ignore[attr-defined]
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        )


class TestDynamoStore(StoreSuite, ForgettingSuite):
    @pytest.fixture
    def store(self) -> Iterator[DynamoStore]:
        with mock_aws():
            client = botocore.session.get_session().create_client(
                "dynamodb",
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            create_tables(client)
            yield DynamoStore(client, "identity", "timeline")
