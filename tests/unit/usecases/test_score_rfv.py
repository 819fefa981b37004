"""Quintiles: where the fifths end, and the job that finds out in bounded runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enlace.domain.interaction import Identifier
from enlace.domain.rfv import MAX_FIGURES, CutPoints, Distribution, Quintiles, truncated
from enlace.usecases.score_rfv import CUT_POINTS, JOB, CachedQuintiles, Scored, ScoreRfv
from local.memory_store import MemoryStore
from tests.stores.builders import TODAY, conciliator, interaction, order
from tests.unit.api.world import World


class MemoryBuyers:
    """The index of buyers over a memory store, in small pages."""

    def __init__(self, store: MemoryStore, page: int = 2):
        self._store = store
        self._page = page
        self.pages = 0

    def buyers(self, after: str | None, limit: int) -> tuple[list[str], str | None]:
        self.pages += 1
        keys = sorted(pk for pk, sk in self._store.documents if sk == "totals")
        keys = [key for key in keys if after is None or key > after][: min(limit, self._page)]
        return keys, keys[-1] if len(keys) == self._page else None

    def totals(self, pks: Any) -> dict[str, dict[str, Any]]:
        found = {pk: self._store.documents.get((pk, "totals")) for pk in pks}
        return {pk: document.body for pk, document in found.items() if document}


def job(world: World, *, pages: int = 100, today: str = TODAY) -> ScoreRfv:
    left: Iterator[bool] = iter([True] * (pages - 1) + [False] * 1000)
    return ScoreRfv(
        world.store, MemoryBuyers(world.store), today=lambda: today, goes_on=lambda: next(left)
    )


def phone(number: int) -> tuple[str, str]:
    return "phone", f"+55119{number:08d}"


def buyers(count: int) -> World:
    """Customer n bought n times, for n reais each, the last time on day n."""
    world = World()
    for n in range(1, count + 1):
        world.record(
            *(
                order(f"{n}-{k}", phone(87650000 + n), 100, at=f"2026-11-{n:02d}T12:00:00.000Z")
                for k in range(n)
            )
        )
    return world


def scores(world: World, point: tuple[str, str]) -> dict[str, Any] | None:
    body = world.store.get_entry(CUT_POINTS)
    world.quintiles = Quintiles.from_json(body) if body else None
    found: dict[str, Any] | None = world.views.view(world.asked(*point))["purchases"]["rfv"]
    return found


def test_ten_customers_are_two_in_each_fifth() -> None:
    world = buyers(10)
    assert job(world).run() == Scored(TODAY, 10, 10, complete=True)
    found = [scores(world, phone(87650000 + n)) for n in range(1, 11)]
    for measure in ("recency", "frequency", "value"):
        assert [s[measure] for s in found if s] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert found[0] and (found[0]["currency"], found[0]["as_of"]) == ("BRL", TODAY)


def test_fewer_than_five_customers_have_no_scores() -> None:
    world = buyers(4)
    job(world).run()
    found = scores(world, phone(87650001))
    assert found is not None
    assert [found[m] for m in ("recency", "frequency", "value")] == [None] * 3


def test_before_the_first_run_and_for_who_bought_nothing_there_are_none() -> None:
    world = buyers(5)
    world.record(interaction("1", phone(1)))
    assert scores(world, phone(87650001)) is None
    job(world).run()
    assert scores(world, phone(1)) is None


def test_a_new_purchase_shows_at_once() -> None:
    world = buyers(10)
    job(world).run()
    before = scores(world, phone(87650001))
    world.record(order("new", phone(87650001), 100_000, at="2026-11-25T12:00:00.000Z"))
    after = scores(world, phone(87650001))
    assert before and (before["recency"], before["value"]) == (1, 1)
    assert after and (after["recency"], after["value"]) == (5, 5)


def test_a_customer_of_several_contact_points_counts_once() -> None:
    world = buyers(6)
    operators = conciliator(world.store)
    a, b = Identifier(*phone(87650001)), Identifier(*phone(87650006))
    operators.decide("same", a, b, operator="7", reason="id", verified=True)
    done = job(world).run()
    assert (done.contact_points, done.customers) == (6, 5)
    found = scores(world, phone(87650001))
    assert found and found["frequency"] == 5
    assert found == scores(world, phone(87650006))


def test_refunds_lower_the_value_and_cancelled_buyers_are_left_out() -> None:
    world = buyers(6)
    world.record(
        order("c", phone(87650001), 0, type_="order.cancelled", order_id="1-0"),
        order("r", phone(87650006), 600, type_="order.refunded", order_id="6-0"),
    )
    assert job(world).run().customers == 5
    found = scores(world, phone(87650006))
    assert scores(world, phone(87650001)) is None
    assert found and (found["frequency"], found["value"]) == (5, 1)


def test_each_currency_has_cut_points_of_its_own() -> None:
    world = buyers(10)
    for n in range(1, 6):
        data = {"order_id": f"e{n}", "value": {"amount": n, "currency": "EUR"}}
        world.record(interaction(f"e{n}", phone(n), type_="order.placed", data=data))
    job(world).run()
    found = [scores(world, phone(n)) for n in range(1, 6)]
    assert [s and (s["currency"], s["value"]) for s in found] == [("EUR", n) for n in range(1, 6)]


def test_a_run_that_ends_early_goes_on_where_it_stopped() -> None:
    whole, parts = buyers(10), buyers(10)
    job(whole).run()
    runs = [job(parts, pages=1).run() for _ in range(3)]
    assert [run.complete for run in runs] == [False] * 3
    assert parts.store.get_entry(CUT_POINTS) is None
    while not (last := job(parts, pages=2).run()).complete:
        pass
    assert last.customers == 10
    assert parts.store.get_entry(CUT_POINTS) == whole.store.get_entry(CUT_POINTS)
    assert parts.store.get_entry(JOB) is None


def test_the_same_day_is_done_once_and_the_next_day_anew() -> None:
    world = buyers(5)
    first = job(world)
    first.run()
    again = job(world)
    assert again.run() == Scored(TODAY, 0, 5, complete=True)
    assert job(world, today="2026-11-23").run().contact_points == 5
    entry = world.store.get_entry(CUT_POINTS)
    assert entry and entry["day"] == "2026-11-23"


def test_two_runs_at_once_do_no_harm() -> None:
    world = buyers(6)
    inner = job(world)

    class Racing(MemoryBuyers):
        def buyers(self, after: str | None, limit: int) -> tuple[list[str], str | None]:
            if self.pages == 0:
                inner.run()
            return super().buyers(after, limit)

    racing = ScoreRfv(world.store, Racing(world.store), today=lambda: TODAY, goes_on=lambda: True)
    assert racing.run().complete is False
    entry = world.store.get_entry(CUT_POINTS)
    assert entry and entry["customers"] == 6


def test_the_cut_points_are_read_again_after_some_minutes() -> None:
    world, clock = buyers(5), [0.0]
    known = CachedQuintiles(world.store.get_entry, clock=lambda: clock[0])
    assert known() is None
    job(world).run()
    assert known() is None
    clock[0] += CachedQuintiles.SECONDS
    found = known()
    assert found is not None and found.customers == 5


figures = st.lists(st.integers(-(10**12), 10**12), min_size=5, max_size=60)


@given(figures)
def test_scores_follow_the_order_and_equal_figures_score_alike(values: list[int]) -> None:
    distribution = Distribution()
    for value in values:
        distribution.add(value)
    cuts = distribution.cut_points()
    assert cuts is not None
    scored = [cuts.score(value) for value in sorted(values)]
    assert scored == sorted(scored)
    assert scored[0] == 1
    # No more than k fifths lie strictly below the k-th cut point.
    for k, cut in enumerate(cuts.cuts, start=1):
        assert sum(value < cut for value in values) < k * len(values) / 5 or k * len(values) < 5
        assert sum(value <= cut for value in values) >= k * len(values) / 5


def test_many_different_figures_stay_bounded_and_their_order_does_not_matter() -> None:
    random = Random(7)
    values = [random.randrange(-(10**9), 10**9) for _ in range(3 * MAX_FIGURES)]
    first, second = Distribution(), Distribution()
    for value in values:
        first.add(value)
    for value in sorted(values):
        second.add(value)
    assert len(first.counts) <= MAX_FIGURES
    assert first == second == Distribution.from_json(first.to_json())
    cuts = first.cut_points()
    assert cuts is not None
    # Whoever has exactly the figure of a cut point is inside the fifth that it ends.
    shares = Counter(cuts.score(value) for value in values)
    assert all(abs(share / len(values) - 0.2) < 0.02 for share in shares.values())


@pytest.mark.parametrize(
    ("figure", "digits", "expected"),
    [(12345, 2, 12000), (-12345, 2, -12000), (99, 2, 99), (0, 1, 0), (7, None, 7)],
)
def test_digits_are_dropped_towards_zero(figure: int, digits: int | None, expected: int) -> None:
    assert truncated(figure, digits) == expected


def test_cut_points_survive_the_store() -> None:
    made = Quintiles(
        "2026-11-22", 9, CutPoints((1, 2, 3, 4)), None, {"BRL": CutPoints((1,) * 4, 3)}
    )
    assert Quintiles.from_json(made.to_json()) == made
