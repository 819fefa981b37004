"""The fake passes the suite of the table."""

import pytest

from tests.stores.delivery_suite import DeliverySuite
from tests.unit.usecases.fakes import Clock, MemoryDeliveries


class TestMemoryDeliveries(DeliverySuite):
    @pytest.fixture
    def table(self, clock: Clock) -> MemoryDeliveries:
        return MemoryDeliveries(clock)
