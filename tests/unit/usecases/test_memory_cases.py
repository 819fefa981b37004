"""The cases in memory pass the suite of the table."""

import pytest

from tests.stores.case_suite import CaseSuite
from tests.stores.memory_cases import MemoryCases


class TestMemoryCases(CaseSuite):
    @pytest.fixture
    def cases(self) -> MemoryCases:
        return MemoryCases()

    @pytest.fixture
    def threads(self, cases: MemoryCases) -> MemoryCases:
        return cases
