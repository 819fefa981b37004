"""A customer of 10,000 interactions is as cheap to look at as one of ten."""

from __future__ import annotations

import pytest

from bench.reads import CONTEXT_PAGE, SHORT, VIEW_PAGE, ByLength, count_reads
from enlace.usecases import context, customer_view

LONG = 10_000


@pytest.fixture(scope="module")
def reads() -> dict[str, ByLength]:
    return count_reads(LONG)


@pytest.mark.parametrize("question", ["view", "timeline", "context"])
def test_the_same_requests(reads: dict[str, ByLength], question: str) -> None:
    assert reads[question][LONG].requests == reads[question][SHORT].requests


@pytest.mark.parametrize("question", ["timeline", "context"])
def test_the_same_units(reads: dict[str, ByLength], question: str) -> None:
    assert reads[question][LONG].read_units == reads[question][SHORT].read_units > 0


def test_the_view_costs_the_same_as_soon_as_its_page_is_full(reads: dict[str, ByLength]) -> None:
    assert reads["view"][LONG].read_units == reads["view"][VIEW_PAGE].read_units > 0


@pytest.mark.parametrize("question", ["view", "timeline", "context"])
def test_a_question_writes_nothing(reads: dict[str, ByLength], question: str) -> None:
    assert all(usage.write_units == 0 for usage in reads[question].values())


def test_a_context_of_two_contact_points_is_at_most_twelve_requests(
    reads: dict[str, ByLength],
) -> None:
    assert 0 < reads["context"][LONG].request_count <= 12


def test_the_pages_are_those_of_the_use_cases() -> None:
    assert (customer_view.NEWEST, context.NEWEST) == (VIEW_PAGE, CONTEXT_PAGE)
