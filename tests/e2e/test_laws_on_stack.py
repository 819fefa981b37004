"""The suite of all stores and the laws of identity, on the stack's own DynamoDB.

In tables of their own, as the suite's people are the same in every test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from enlace.aws.store import DynamoStore
from local import stack as local_stack
from tests.stores.forgetting_suite import ForgettingSuite
from tests.stores.suite import StoreSuite
from tests.stores.tables import TableLaws, Tables


@pytest.fixture
def tables(stack: dict[str, Any]) -> Iterator[Tables]:
    made = Tables(local_stack.client("dynamodb", endpoint_url=stack["endpoint_url"]))
    yield made
    made.drop()


class TestStoreOnStack(StoreSuite, ForgettingSuite):
    @pytest.fixture
    def store(self, tables: Tables) -> DynamoStore:
        return tables.store()


class TestLawsOnStack(TableLaws):
    EXAMPLES = 4

    @pytest.fixture
    def tables(self, tables: Tables) -> Tables:
        return tables
