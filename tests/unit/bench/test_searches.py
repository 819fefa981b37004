"""The cost of a search for candidates: what it costs, and that the limits bound it."""

from __future__ import annotations

import pytest

from bench import searches
from bench.capacity import Usage
from enlace.matching.blocking import MAX_KEYS


@pytest.fixture(scope="module")
def counts() -> dict[str, Usage]:
    return searches.count_searches()


def test_every_search_keeps_its_budget(counts: dict[str, Usage]) -> None:
    rows = searches.rows(counts)
    assert len(rows) == 9
    assert all(row.ok for row in rows)


def test_a_crowd_costs_more_and_no_more_than_the_limits_allow(counts: dict[str, Usage]) -> None:
    crowd, nobody = counts["crowd"], counts["nobody"]
    assert nobody.write_units < crowd.write_units <= searches.most_write_units()
    assert nobody.read_units < crowd.read_units <= searches.most_read_units()
    assert nobody.count("dynamodb") < crowd.count("dynamodb") <= searches.most_requests()
    # Not a bound that anything would keep: the crowd is close to what it may read.
    assert crowd.read_units > 0.9 * searches.most_read_units()


def test_a_new_contact_point_enters_each_of_its_blocks_once(counts: dict[str, Usage]) -> None:
    assert counts["nobody"].requests["dynamodb:UpdateItem"] == MAX_KEYS + 1
