"""Carts and bookings: kept in any order, ended by orders, told only to whom they belong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.carts import MAX_CARTS
from enlace.domain.interaction import Interaction
from tests.stores.builders import interaction
from tests.unit.api.world import World

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "joao@example.com")
DEVICE = ("messenger:page", "psid-1")
TIMES = [f"2026-11-{day:02d}T12:00:00.000Z" for day in range(1, 10)]


def cart(source_id: str, point: tuple[str, ...], cart_id: str, at: str, **data: Any) -> Interaction:
    channel = data.pop("channel", "webchat")
    type_ = data.pop("type_", "cart.updated")
    return interaction(
        source_id, point, at=at, type_=type_, channel=channel, data={"cart_id": cart_id, **data}
    )


def seen(world: World, point: tuple[str, str], audience: str = "agent") -> list[dict[str, Any]]:
    carts: list[dict[str, Any]] = world.context.of(world.asked(*point), audience)["carts"]
    return carts


def test_a_cart_begun_on_one_channel_is_resumable_on_another() -> None:
    world = World()
    world.record(
        interaction("1", PHONE, (*EMAIL, "proven")),
        cart(
            "2",
            EMAIL,
            "c-1",
            TIMES[3],
            value={"amount": 1990, "currency": "BRL"},
            items=[{"name": "Café", "quantity": 2}, {"name": "Coador"}],
            resume_url="https://shop.example.com/cart/c-1",
        ),
    )
    expected = {
        "cart_id": "c-1",
        "kind": "cart",
        "updated_at": TIMES[3],
        "channel": "webchat",
        "abandoned": False,
        "value": {"amount": 1990, "currency": "BRL"},
        "items": 2,
        "names": ["Café", "Coador"],
        "resume_url": "https://shop.example.com/cart/c-1",
    }
    assert seen(world, PHONE) == seen(world, PHONE, "customer") == [expected]
    assert world.views.view(world.asked(*PHONE))["carts"] == [expected]


def test_an_abandoned_booking_says_so() -> None:
    world = World()
    world.record(cart("1", PHONE, "b-1", TIMES[1], kind="booking"))
    world.record(cart("2", PHONE, "b-1", TIMES[2], kind="booking", type_="cart.abandoned"))
    (booking,) = seen(world, PHONE)
    assert (booking["kind"], booking["abandoned"]) == ("booking", True)


def test_an_order_through_another_contact_point_ends_the_cart() -> None:
    world = World()
    world.record(interaction("1", DEVICE, (*EMAIL, "proven")), cart("2", DEVICE, "c-1", TIMES[1]))
    assert len(seen(world, EMAIL)) == 1
    data = {"order_id": "o", "cart_id": "c-1", "value": {"amount": 5, "currency": "BRL"}}
    world.record(interaction("3", EMAIL, type_="order.placed", at=TIMES[2], data=data))
    assert seen(world, EMAIL) == seen(world, EMAIL, "customer") == []
    assert world.views.view(world.asked(*DEVICE))["purchases"]["orders"] == 1


def test_an_empty_cart_is_none() -> None:
    world = World()
    world.record(cart("1", PHONE, "c-1", TIMES[1]), cart("2", PHONE, "c-1", TIMES[2], items=[]))
    assert seen(world, PHONE) == []


def test_what_was_only_stated_is_told_to_nobody_and_changes_nothing_proven() -> None:
    world = World()
    stated = (*PHONE, "stated")
    world.record(cart("1", PHONE, "mine", TIMES[1], resume_url="https://shop.example.com/mine"))
    world.record(cart("2", stated, "mine", TIMES[2], items=[]))
    world.record(
        *(
            cart(f"x{n}", stated, f"x{n}", TIMES[3], resume_url="https://phishing.example.com")
            for n in range(MAX_CARTS + 2)
        )
    )
    (mine,) = seen(world, PHONE, "customer")
    assert mine["resume_url"] == "https://shop.example.com/mine"
    assert "phishing" not in json.dumps(world.context.of(world.asked(*PHONE), "customer"))


def test_a_strangers_claim_gets_them_no_cart() -> None:
    world = World()
    stranger = ("messenger:page", "psid-9")
    world.record(cart("1", PHONE, "mine", TIMES[1]), interaction("2", stranger, PHONE))
    assert len(seen(world, stranger)) == 1
    assert seen(world, stranger, "customer") == []


def test_odd_fields_are_left_out_and_never_refused() -> None:
    world = World()
    odd: dict[str, Any] = {
        "kind": 7,
        "value": {"amount": 1.5, "currency": "BRL"},
        "items": "many",
        "resume_url": "javascript:alert(1)",
    }
    world.record(cart("1", PHONE, "c", TIMES[1], **odd), cart("2", PHONE, "", TIMES[1]))
    (kept,) = seen(world, PHONE)
    assert set(kept) == {"cart_id", "kind", "updated_at", "channel", "abandoned"}


def carts() -> st.SearchStrategy[list[Interaction]]:
    parts = st.tuples(
        st.integers(0, 8).map(lambda n: f"c{n}"),
        st.sampled_from(TIMES),
        st.sampled_from(["cart.updated", "cart.abandoned", "order.placed", "empty"]),
        st.sampled_from(["proven", "stated"]),
    )

    def made(drawn: list[tuple[str, str, str, str]]) -> list[Interaction]:
        found = []
        for n, (cart_id, at, type_, level) in enumerate(drawn):
            data: dict[str, Any] = (
                {"items": []} if type_ == "empty" else {"resume_url": "https://e"}
            )
            if type_ == "order.placed":
                data = {"order_id": f"o{n}", "value": {"amount": n, "currency": "BRL"}}
            type_ = "cart.updated" if type_ == "empty" else type_
            found.append(cart(str(n), (*PHONE, level), cart_id, at, type_=type_, **data))
        return found

    return st.lists(parts, min_size=1, max_size=14).map(made)


@settings(max_examples=60, deadline=None)
@given(carts(), st.data())
def test_any_order_and_repetition_keeps_the_same_carts(
    made: list[Interaction], data: st.DataObject
) -> None:
    def kept(order: Sequence[Interaction]) -> dict[tuple[str, str], Any]:
        world = World()
        world.record(*order)
        return {key: document.body for key, document in world.store.documents.items()}

    shuffled = data.draw(st.permutations(made + made[:3]))
    assert kept(shuffled) == kept(made)


@settings(max_examples=40, deadline=None)
@given(carts())
def test_the_document_is_bounded(made: list[Interaction]) -> None:
    world = World()
    world.record(*made)
    for (_, sk), document in world.store.documents.items():
        if sk == "carts":
            assert all(len(side) <= MAX_CARTS for side in document.body.values())
