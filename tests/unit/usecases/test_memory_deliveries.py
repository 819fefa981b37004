"""The memory passes the suite of the table."""

import pytest

from local.memory_deliveries import MemoryDeliveries
from tests.stores.delivery_suite import DeliverySuite


class TestMemoryDeliveries(DeliverySuite):
    @pytest.fixture
    def table(self) -> MemoryDeliveries:
        return MemoryDeliveries()
