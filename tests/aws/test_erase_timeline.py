"""Erasing timelines: every page, at any crash, and nobody else's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from enlace.aws.erase_timeline import TimelinePlace
from enlace.aws.partitions import Partitions
from enlace.aws.store import DynamoStore
from enlace.domain.erasure import HOLD_GROUND
from enlace.domain.interaction import Interaction
from enlace.errors import TemporaryFailure
from tests.aws.erasing import (
    always,
    cut_anywhere,
    dynamodb,
    erased,
    identifier,
    items,
    make_tables,
    subject_of,
)
from tests.stores.builders import interaction, order, resolver

__all__ = ["dynamodb"]

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "joao@example.com")
NEIGHBOUR = ("phone", "+5511912345678")
BEFORE, AFTER = "2026-11-21T09:00:00.000Z", "2026-11-22T11:00:00.000Z"


def old(made: Interaction) -> Interaction:
    return replace(made, received_at=made.occurred_at or BEFORE)


def cart(source_id: str, point: tuple[str, str], at: str) -> Interaction:
    data = {"cart_id": f"cart-{source_id}", "items": [{"sku": "1", "name": "Mesa"}]}
    return interaction(source_id, point, at=at, type_="cart.updated", data=data)


class Scene:
    def __init__(self, client: Any) -> None:
        make_tables(client)
        self.client = client
        self.store = DynamoStore(client, "identity", "timeline")
        self.resolver = resolver(self.store)
        self.threads: dict[str, list[str]] = {}
        self.place = TimelinePlace(
            Partitions(client, "timeline"), lambda protocol: self.threads.get(protocol, [])
        )

    def record(self, *made: Interaction) -> None:
        for one in made:
            self.resolver.resolve(one)

    def live(self, count: int = 3, text: str = "bom dia") -> None:
        """Somebody and a neighbour, the same of each; the neighbour's is remembered."""
        for point in (PHONE, EMAIL, NEIGHBOUR):
            for n in range(count):
                said = interaction(f"{point}-{n}", point, at=BEFORE, data={"text": text})
                self.record(old(said))
            self.record(
                old(order(f"{point}-o1", point, 1000, at=BEFORE)),
                old(order(f"{point}-o2", point, 500, at=BEFORE)),
                old(cart(f"{point}-c", point, BEFORE)),
            )
        self.others = self.of(NEIGHBOUR)

    def of(self, point: tuple[str, str]) -> list[dict[str, Any]]:
        key = identifier(*point).key
        return [item for item in items(self.client, "timeline") if item["pk"]["S"] == key]

    def sorts(self, point: tuple[str, str]) -> set[str]:
        return {item["sk"]["S"] for item in self.of(point)}


@pytest.fixture
def scene(dynamodb: Any) -> Scene:
    return Scene(dynamodb)


def test_more_than_a_page_goes_and_the_neighbours_stays_to_the_byte(scene: Scene) -> None:
    scene.live(count=25, text="x" * 60_000)
    subject = subject_of(PHONE, EMAIL)
    census = scene.place.census(subject)
    assert census.found == 2 * (25 + 3 + 4) and not census.kept
    erased(scene.place, subject)
    assert items(scene.client, "timeline") == scene.others


def test_whatever_call_it_is_cut_off_at_all_goes_in_the_end(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = old(interaction("held", PHONE, at=BEFORE))
    ahead = old(interaction("ahead", EMAIL, at="2026-11-22T10:03:00.000Z"))
    ahead = replace(ahead, received_at=BEFORE)
    subject = subject_of(PHONE, EMAIL, holds={("timeline", made.id): "hold-1"})

    def prepare() -> Scene:
        scene = Scene(dynamodb)
        scene.live(count=2)
        scene.record(made, ahead, late(order("new", PHONE, 700, at=AFTER)))
        return scene

    for scene in cut_anywhere(
        monkeypatch, prepare, lambda s: s.place.erase(subject, always), again=False
    ):
        erased(scene.place, subject)
        kept = {item["pk"]["S"].split("#")[0]: item for item in items(dynamodb, "timeline")}
        assert "held" in kept and scene.of(NEIGHBOUR) == scene.others
        assert scene.sorts(EMAIL) == {f"pin#{ahead.id}"}
        assert totals(scene) == {"orders": 1, "amount_minor": 700}


def late(made: Interaction) -> Interaction:
    return replace(made, received_at=made.occurred_at or AFTER)


def totals(scene: Scene) -> dict[str, int]:
    [body] = [item["body"]["S"] for item in scene.of(PHONE) if item["sk"]["S"] == "totals"]
    found: dict[str, int] = json.loads(body)["BRL"]
    return found


def test_a_newcomer_at_the_address_keeps_what_is_theirs(scene: Scene) -> None:
    scene.live()
    new = late(order("new", PHONE, 700, at=AFTER)), late(cart("cart", PHONE, AFTER))
    scene.record(*new)
    assert totals(scene) == {"orders": 3, "amount_minor": 2200}
    erased(scene.place, subject_of(PHONE))
    assert scene.sorts(PHONE) == {
        *(f"{AFTER}#{one.id}" for one in new),
        *("order#new", "totals", "carts"),
    }
    assert totals(scene) == {"orders": 1, "amount_minor": 700}
    # As if the one before had never been: what was made again can be added to.
    scene.record(late(order("more", PHONE, 1, at=AFTER)))
    assert totals(scene) == {"orders": 2, "amount_minor": 701}
    assert next(i for i in scene.of(PHONE) if i["sk"]["S"] == "totals")["buyer"]


def test_nothing_of_a_newcomer_is_lost_who_buys_at_that_moment(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.live()
    delete = Partitions.delete

    def meanwhile(table: Partitions, keys: Any) -> None:
        delete(table, keys)
        scene.record(late(order("new", PHONE, 700, at=AFTER)))

    monkeypatch.setattr(Partitions, "delete", meanwhile)
    erased(scene.place, subject_of(PHONE))
    assert totals(scene) == {"orders": 1, "amount_minor": 700}


def test_it_gives_up_for_now_where_somebody_never_stops_buying(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.live()
    delete, count = Partitions.delete, iter(range(100))

    def meanwhile(table: Partitions, keys: Any) -> None:
        delete(table, keys)
        scene.record(late(order(f"new-{next(count)}", PHONE, 700, at=AFTER)))

    monkeypatch.setattr(Partitions, "delete", meanwhile)
    with pytest.raises(TemporaryFailure):
        scene.place.erase(subject_of(PHONE), always)


def test_a_clock_that_ran_ahead_leaves_an_id_that_keeps_the_redelivery_out(scene: Scene) -> None:
    ahead = interaction("ahead", PHONE, at="2026-11-22T10:03:00.000Z")
    ahead = replace(ahead, received_at="2026-11-22T09:59:00.000Z")
    scene.record(ahead)
    subject = subject_of(PHONE)
    census = scene.place.census(subject)
    assert (census.found, census.retained) == (2, 1)
    erased(scene.place, subject)
    assert scene.sorts(PHONE) == {f"pin#{ahead.id}"}
    assert scene.store.is_pinned(subject.keys[0], ahead.id)


def test_pins_of_interactions_without_a_time_stay_and_are_told(scene: Scene) -> None:
    timeless = replace(interaction("t", PHONE), occurred_at=None, received_at=BEFORE)
    scene.record(timeless)
    scene.record(replace(timeless, id="0" * 8 + timeless.id[8:], received_at=AFTER))
    erased(scene.place, subject_of(PHONE))
    census = scene.place.census(subject_of(PHONE))
    assert (census.found, census.retained) == (1, 1)
    assert len(scene.of(PHONE)) == 3


def test_a_hold_keeps_one_interaction_where_nobody_comes_upon_it(scene: Scene) -> None:
    scene.live()
    made = old(interaction("held", PHONE, at=BEFORE, data={"text": "me devolva"}))
    scene.record(made)
    subject = subject_of(PHONE, holds={("timeline", made.id): "hold-1"})
    census = scene.place.census(subject)
    [kept] = census.kept
    assert (kept.count, kept.ground) == (1, f"{HOLD_GROUND}hold-1")
    erased(scene.place, subject)
    assert not scene.of(PHONE)
    [shown] = scene.place.held(subject)
    assert shown["id"] == made.id and shown["data"] == {"text": "me devolva"}
    # Another erasure of the same address neither counts nor touches it.
    other = replace(subject, request_id="request-2")
    assert scene.place.census(other).found == 0
    erased(scene.place, other)
    assert len(list(scene.place.held(subject))) == 1
    # Released, it goes.
    released = replace(subject, holds={})
    assert scene.place.census(released).found == 1
    erased(scene.place, released)
    assert not list(scene.place.held(subject))


def test_a_hold_on_a_case_keeps_what_was_said_in_it(scene: Scene) -> None:
    scene.live()
    made = old(interaction("said", PHONE, at=BEFORE))
    scene.record(made)
    scene.threads["20261121"] = [made.id]
    subject = subject_of(PHONE, holds={("cases", "20261121"): "hold-1"})
    erased(scene.place, subject)
    assert [one["id"] for one in scene.place.held(subject)] == [made.id]


def test_without_time_it_says_so_and_goes_on_later(scene: Scene) -> None:
    scene.live()
    subject = subject_of(PHONE)
    assert not scene.place.erase(subject, lambda: False)
    erased(scene.place, subject)


def test_what_other_places_need_is_located(scene: Scene) -> None:
    data = {
        "text": "x",
        "message_id": "m-1",
        "stored": {"bucket": "b", "key": "mail/ses-1"},
        "provider_message_id": "ses-1",
    }
    named = {"conversation": {"message_id": "<a@b>"}, "channel": "email"}
    made = old(interaction("ses-1", EMAIL, at=BEFORE, data=data, **named))
    # Somebody who states where another's mail lies.
    claimed = old(interaction("made-up", EMAIL, at=BEFORE, data={"stored": data["stored"]}))
    scene.record(made, claimed)
    located = scene.place.census(subject_of(EMAIL)).located
    assert set(located["interactions"]) == {made.id, claimed.id}
    assert (located["messages"], located["mails"]) == (("m-1",), ("mail/ses-1",))
    assert len(located["references"]) == 3


def test_an_access_request_shows_all_and_of_others_the_kind_alone(scene: Scene) -> None:
    scene.record(
        old(order("o", PHONE, 1000, at=BEFORE)),
        old(interaction("i", PHONE, EMAIL, NEIGHBOUR, at=BEFORE, data={"text": "oi"})),
        old(cart("c", PHONE, BEFORE)),
    )
    shown = list(scene.place.collect(subject_of(PHONE, EMAIL, erased_before="")))
    assert [one["record"] for one in shown].count("interaction") == 3
    assert {"order", "purchase_totals", "cart"} <= {one["record"] for one in shown}
    [said] = [one for one in shown if one.get("data") == {"text": "oi"}]
    assert said["contact_point"]["value"] == PHONE[1]
    assert {"kind": "email", "value": EMAIL[1], "level": "stated"} in said["identifiers"]
    assert NEIGHBOUR[1] not in json.dumps(shown)
