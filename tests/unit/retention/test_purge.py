"""The engine of purges on a store in memory: bounds, breaker, leases, crashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from enlace.errors import TemporaryFailure
from enlace.usecases.purge import LEASE_SECONDS, Page, Purge, Purged, Task
from enlace.usecases.rows import Row
from local.memory_rows import MemoryRows

CUTOFF = "2024-11-23T00:00:00.000Z"
OLD, YOUNG = "2024-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"
START = datetime.fromisoformat("2026-11-23T00:00:00.000Z").timestamp()
DAY = 86_400


class Shelf:
    """A store: id to its time."""

    name = "shelf"
    shards = 2

    def __init__(self, old: int, young: int, held: frozenset[str] = frozenset()) -> None:
        self.times = {f"o{n:05d}": OLD for n in range(old)} | {
            f"y{n:05d}": YOUNG for n in range(young)
        }
        self.held = held
        self.calls = 0
        self.fail_at = -1

    def page(self, shard: int, cursor: str, cutoff: str) -> Page:
        self._call()
        mine = sorted(id_ for id_ in self.times if int(id_[1:]) % 2 == shard and id_ > cursor)
        page, rest = mine[:10], mine[10:]
        due = tuple(id_ for id_ in page if self.times[id_] <= cutoff)
        return Page(len(page), due, page[-1] if rest else "")

    def purge(self, due: Sequence[str], cutoff: str) -> Purged:
        self._call()
        going = [id_ for id_ in due if self.times.get(id_, YOUNG) <= cutoff]
        for id_ in set(going) - self.held:
            del self.times[id_]
        self._call()
        return Purged(len(set(going) - self.held), len(set(going) & self.held))

    def _call(self) -> None:
        self.calls += 1
        if self.calls == self.fail_at:
            raise TemporaryFailure("the store is away")


class World:
    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.rows, self.at = shelf, MemoryRows(), START

    def run(
        self,
        *,
        policy: str = "p1",
        percent: int = 100,
        time_left: Callable[[], bool] = lambda: True,
        **fields: int | bool,
    ) -> tuple[bool, Purge]:
        purge = Purge(
            self.rows,
            job="job",
            policy=policy,
            clock=lambda: self.at,
            every_seconds=DAY,
            **fields,  # type: ignore[arg-type]
        )
        return purge.run([Task(self.shelf, CUTOFF, percent)], time_left), purge

    @property
    def body(self) -> Row:
        row = self.rows.get("job#job:shelf", "00")
        assert row is not None
        return row

    @property
    def old(self) -> int:
        return sum(at == OLD for at in self.shelf.times.values())

    @property
    def young(self) -> int:
        return len(self.shelf.times) - self.old


def test_what_has_run_out_goes_and_nothing_else() -> None:
    world = World(Shelf(120, 300))
    done, purge = world.run()
    assert done and (world.old, world.young) == (0, 300)
    assert purge.counts["shelf_deleted"] == 120 == purge.counts["shelf_due"]


def test_a_round_is_not_begun_again_before_its_time() -> None:
    world = World(Shelf(10, 10))
    world.run()
    calls = world.shelf.calls
    world.run()
    assert world.shelf.calls == calls
    world.at += DAY
    world.run()
    assert world.shelf.calls > calls


def test_more_than_the_policy_lets_go_at_once_stays_wholly() -> None:
    world = World(Shelf(200, 300))
    _, purge = world.run(percent=5)
    assert (world.old, world.young) == (200, 300)
    assert purge.counts["tripped"] == 2 and not purge.counts["deleted"]
    # Somebody has looked, and put another policy in force.
    world.run(percent=50, policy="p2")
    assert (world.old, world.young) == (0, 300)


def test_a_dry_run_counts() -> None:
    world = World(Shelf(30, 10))
    _, purge = world.run(dry_run=True)
    assert purge.counts["shelf_due"] == 30 and world.old == 30
    world.run()
    assert world.old == 0


def test_what_is_held_stays_until_it_is_released() -> None:
    world = World(Shelf(30, 10, held=frozenset(("o00003",))))
    _, purge = world.run()
    assert world.old == 1 and purge.counts["shelf_held"] == 1
    world.shelf.held = frozenset()
    world.at += DAY
    world.run()
    assert world.old == 0


def test_one_run_is_bounded_and_the_next_goes_on() -> None:
    world = World(Shelf(100, 0))
    done, _ = world.run(most=20)
    assert not done and 60 <= world.old < 100
    rounds = 1
    while not done:
        done, _ = world.run(most=20)
        rounds += 1
    assert world.old == 0 and rounds <= 7


def test_time_that_runs_out_leaves_what_is_done_done() -> None:
    world = World(Shelf(100, 50))
    left = iter([True] * 12 + [False] * 1000)
    done, _ = world.run(time_left=lambda: next(left))
    assert not done and 0 < world.old < 100
    done, _ = world.run()
    assert done and (world.old, world.young) == (0, 50)


def test_two_runs_at_once_do_it_once() -> None:
    world = World(Shelf(60, 0))
    seen = []

    def meanwhile() -> bool:
        if not seen:
            seen.append(world.run()[1].counts["leased"])
        return True

    world.run(time_left=meanwhile)
    # The other took the second part on, and left the first one alone.
    assert seen == [1] and world.old == 0


@pytest.mark.parametrize("policy", ["p1", "p2"])
def test_cut_off_at_any_call_it_goes_on_where_it_was(policy: str) -> None:
    for at in range(1, 1000):
        world = World(Shelf(60, 40))
        world.shelf.fail_at = at
        try:
            world.run()
        except TemporaryFailure:
            # Nobody takes over what may still be at work.
            assert world.run()[1].counts["leased"] == 1
            world.at += LEASE_SECONDS + 1
            world.run(policy=policy)
            assert (world.old, world.young) == (0, 40)
        else:
            break
    assert at > 20


def test_a_store_that_gives_more_than_was_counted_is_stopped() -> None:
    world = World(Shelf(10, 600))
    counted = world.shelf.page

    def lying(shard: int, cursor: str, cutoff: str) -> Page:
        page = counted(shard, cursor, cutoff)
        body = world.body.body
        return (
            page
            if body["phase"] == "counting"
            else page._replace(
                due=tuple(sorted(id_ for id_ in world.shelf.times if int(id_[1:]) % 2 == shard))
            )
        )

    world.shelf.page = lying  # type: ignore[method-assign]
    world.shelf.purge = lambda due, cutoff: Purged(len(due))  # type: ignore[method-assign]
    _, purge = world.run()
    assert purge.counts["tripped"] == 2
