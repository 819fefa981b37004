"""The memory store of candidates passes the suite that the table passes."""

from __future__ import annotations

import pytest

from local.memory_candidates import MemoryCandidates
from tests.stores.candidate_suite import CandidateSuite


class TestMemoryCandidates(CandidateSuite):
    @pytest.fixture
    def table(self) -> MemoryCandidates:
        return MemoryCandidates()
