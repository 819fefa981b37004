"""The suite of all stores, on the memory store."""

import pytest

from local.memory_store import MemoryStore
from tests.stores.forgetting_suite import ForgettingSuite
from tests.stores.suite import StoreSuite


class TestMemoryStore(StoreSuite, ForgettingSuite):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
