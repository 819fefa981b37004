"""The laws of identity, on DynamoDB as moto has it."""

from collections.abc import Iterator

import botocore.session
import pytest
from moto import mock_aws

from tests.stores.tables import TableLaws, Tables


class TestLawsOnMoto(TableLaws):
    EXAMPLES = 10

    @pytest.fixture
    def tables(self) -> Iterator[Tables]:
        with mock_aws():
            yield Tables(
                botocore.session.get_session().create_client(
                    "dynamodb",
                    region_name="us-east-1",
                    aws_access_key_id="test",
                    aws_secret_access_key="test",
                )
            )
