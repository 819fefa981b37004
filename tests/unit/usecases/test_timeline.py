"""A customer's timeline: merged, filtered, and paged while the world goes on."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.api import customer_models
from enlace.domain.interaction import Identifier, Interaction
from enlace.errors import EnlaceError, InvalidPayload
from enlace.usecases.timeline import MAX_SCANNED, TimelineQuery
from tests.stores.builders import conciliator, interaction
from tests.unit.api.world import World

POINTS = [("phone", "+5511987654321"), ("email", "joao@example.com"), ("messenger:page", "psid-1")]
times = st.integers(1, 6).map(lambda day: f"2026-11-{day:02d}T12:00:00.000Z")


def contacts(prefix: str, min_size: int = 0) -> st.SearchStrategy[list[Interaction]]:
    parts = st.tuples(st.sampled_from(POINTS), times, st.sampled_from(["sms", "whatsapp"]))
    return st.lists(parts, min_size=min_size, max_size=12).map(
        lambda drawn: [
            interaction(f"{prefix}{n}", point, at=at, channel=channel)
            for n, (point, at, channel) in enumerate(drawn)
        ]
    )


def joined() -> list[Interaction]:
    return [interaction("join1", POINTS[0], POINTS[1]), interaction("join2", POINTS[1], POINTS[2])]


def pages(world: World, query: dict[str, Any], then: list[Interaction] | None = None) -> list[str]:
    """Ids over all pages; ``then`` arrives one by one after each page."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = world.timeline.page(
            world.customer(*POINTS[0]), TimelineQuery(**query, cursor=cursor)
        )
        customer_models.TimelinePage.model_validate(page)
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return ids
        if then:
            world.record(then.pop())


@settings(max_examples=60, deadline=None)
@given(contacts("a"), st.integers(1, 5), st.sampled_from([None, "sms"]))
def test_pages_together_are_the_whole_newest_first(
    made: list[Interaction], limit: int, channel: str | None
) -> None:
    world = World()
    world.record(*made, *joined())
    expected = sorted(
        (f"{i.occurred_at}#{i.id}" for i in [*made, *joined()] if channel in (None, i.channel)),
        reverse=True,
    )
    ids = pages(world, {"limit": limit, "channel": channel})
    assert ids == [sk.partition("#")[2] for sk in expected]


@settings(max_examples=60, deadline=None)
@given(contacts("a", 3), contacts("b", 1), st.integers(1, 4))
def test_what_arrives_meanwhile_neither_repeats_nor_hides_anything(
    made: list[Interaction], meanwhile: list[Interaction], limit: int
) -> None:
    world = World()
    world.record(*made, *joined())
    ids = pages(world, {"limit": limit}, then=meanwhile)
    assert len(ids) == len(set(ids))
    assert {i.id for i in [*made, *joined()]} <= set(ids)


Deed = tuple[str, int]


def deeds() -> st.SearchStrategy[list[Deed]]:
    """What others do between pages: write, join two customers, divide them, take it back."""
    return st.lists(
        st.tuples(st.sampled_from(["write", "same", "different", "withdraw"]), st.integers(0, 5)),
        max_size=8,
    )


@settings(max_examples=80, deadline=None)
@given(contacts("a", 4), st.booleans(), deeds(), st.integers(1, 3))
def test_paging_through_writes_merges_and_splits_neither_skips_nor_repeats(
    made: list[Interaction], begins_joined: bool, between: list[Deed], limit: int
) -> None:
    """What was there from the start and is the customer's throughout comes exactly once.

    The first contact point is the one that is asked by; what came through it is the
    customer's whatever happens to the others. What came through the others is the
    customer's throughout if no deed ever parted them.
    """
    world = World()
    others = [interaction(f"o{n}", point) for n, point in enumerate(POINTS)]
    world.record(*made, *others, *(joined() if begins_joined else []))
    operators = conciliator(world.store)
    pairs = [(POINTS[0], POINTS[1]), (POINTS[1], POINTS[2]), (POINTS[0], POINTS[2])]
    decided: list[str] = []
    start = {key: set(items) for key, items in world.store.timelines.items()}
    throughout = set(world.customer(*POINTS[0]).members)
    ids: list[str] = []
    cursor: str | None = None
    left = list(between)
    while True:
        customer = world.customer(*POINTS[0])
        throughout &= set(customer.members)
        page = world.timeline.page(customer, TimelineQuery(limit=limit, cursor=cursor))
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        if not left:
            continue
        deed, n = left.pop()
        a, b = (Identifier(*point) for point in pairs[n % 3])
        if deed == "write":
            at = f"2026-11-{1 + n:02d}T12:00:00.000Z"
            world.record(interaction(f"w{len(left)}", POINTS[n % 3], at=at))
        elif deed == "withdraw":
            if decided:
                operators.withdraw(decided.pop(), operator="7")
        else:
            with suppress(EnlaceError):
                made_now = operators.decide(deed, a, b, operator="7", reason="r")
                decided.append(made_now.id)
    expected = {sk.partition("#")[2] for key in throughout for sk in start.get(key, ())}
    assert len(ids) == len(set(ids))
    assert expected <= set(ids)


def test_a_merge_between_two_pages_only_adds_what_is_older() -> None:
    world = World()
    world.record(
        *(interaction(f"a{n}", POINTS[0], at=f"2026-11-1{n}T12:00:00.000Z") for n in range(6)),
        *(interaction(f"b{n}", POINTS[1], at=f"2026-11-1{n}T11:00:00.000Z") for n in range(6)),
    )
    first = world.timeline.page(world.customer(*POINTS[0]), TimelineQuery(limit=3))
    conciliator(world.store).decide(
        "same", Identifier(*POINTS[0]), Identifier(*POINTS[1]), operator="7", reason="same"
    )
    rest = world.timeline.page(
        world.customer(*POINTS[0]), TimelineQuery(limit=50, cursor=first["next_cursor"])
    )
    times = [item["occurred_at"] for item in first["items"] + rest["items"]]
    assert times == sorted(times, reverse=True)
    assert len(rest["items"]) == 3 + 4


def test_two_contact_points_may_hold_one_sort_key() -> None:
    world = World()
    same = "0b5f8f0e-4f8e-4d2b-9d0c-6b1a8f3c2d11"
    world.record(*joined())
    world.record(*(interaction("x", point, id=same) for point in POINTS))
    ids = pages(world, {"limit": 1})
    assert ids.count(same) == 3


def test_since_is_inside_and_until_is_not() -> None:
    world = World()
    days = [f"2026-11-0{day}T12:00:00.000Z" for day in range(1, 6)]
    world.record(*(interaction(at, POINTS[0], at=at) for at in days))
    page = world.timeline.page(
        world.customer(*POINTS[0]), TimelineQuery(since=days[1], until=days[3])
    )
    assert [item["occurred_at"] for item in page["items"]] == [days[2], days[1]]


def test_an_item_has_its_own_fields_with_clear_values_again() -> None:
    world = World()
    told = interaction("1", POINTS[0], POINTS[1], ("cpf", "not a cpf"), data={"text": "olá"})
    world.record(told)
    (item,) = world.timeline.page(world.customer(*POINTS[0]), TimelineQuery())["items"]
    assert item["contact_point"] == {"kind": "phone", "value": POINTS[0][1], "level": "proven"}
    assert item["identifiers"] == [
        {"kind": "email", "value": "joao@example.com", "level": "stated"},
        {"kind": "cpf", "value": "not a cpf", "level": "stated"},
    ]
    assert (item["id"], item["data"], item["type"]) == (told.id, {"text": "olá"}, told.type)


def test_a_rare_filter_reads_a_bounded_number_and_goes_on_with_the_cursor() -> None:
    world = World()
    rare = interaction("0", POINTS[0], at="2026-01-01T00:00:00.000Z", channel="viber")
    world.record(rare)
    world.record(*(interaction(str(n), POINTS[0]) for n in range(1, MAX_SCANNED + 10)))
    customer = world.customer(*POINTS[0])
    first = world.timeline.page(customer, TimelineQuery(channel="viber"))
    assert first["items"] == []
    cursor = first["next_cursor"]
    second = world.timeline.page(customer, TimelineQuery(channel="viber", cursor=cursor))
    assert [item["id"] for item in second["items"]] == [rare.id]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["x", "eA", "é", "A" * 500, "====", "MjAyNi0xMS0yMA"])
def test_a_cursor_that_was_not_given_out_is_refused(cursor: str) -> None:
    world = World()
    world.record(interaction("1", POINTS[0]))
    with pytest.raises(InvalidPayload):
        world.timeline.page(world.customer(*POINTS[0]), TimelineQuery(cursor=cursor))


def test_a_cursor_tells_no_address_key() -> None:
    world = World()
    world.record(*(interaction(str(n), POINTS[0]) for n in range(3)))
    page = world.timeline.page(world.customer(*POINTS[0]), TimelineQuery(limit=1))
    key = world.finder.key_of(Identifier(*POINTS[0]))
    text = base64.urlsafe_b64decode(page["next_cursor"] + "===").decode()
    assert key.partition("#")[2] not in text
