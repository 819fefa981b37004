"""POST /v1/interactions."""

from typing import Any

import pytest

from enlace.domain.interaction import interaction_id
from tests.unit.api.world import World


def item(source_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "channel": "shop",
        "type": "message.received",
        "contact_point": {"kind": "phone", "value": "+5511987654321", "level": "proven"},
        **fields,
    }


def test_one_interaction_is_queued() -> None:
    world = World()
    answer = world.ask("POST", "/v1/interactions", item("1"), 202)
    id_ = interaction_id("shop", "", "1")
    assert answer == {"accepted": 1, "ids": [id_], "rejected": []}
    ((queued,),) = world.queue.sent
    assert queued["id"] == id_
    assert queued["received_at"] == "2026-11-22T12:00:00.000Z"


def test_the_valid_ones_of_a_list_are_queued_together_and_the_others_named() -> None:
    world = World()
    items = [item("1"), item("2", type="message"), "nonsense", item("3"), item("4", data="x")]
    answer = world.ask("POST", "/v1/interactions", items, 202)
    assert answer["accepted"] == 2
    assert [len(call) for call in world.queue.sent] == [2]
    assert [rejected["index"] for rejected in answer["rejected"]] == [1, 2, 4]
    assert answer["rejected"][0]["reason"] == "type: not a type of the contract"


def test_a_list_without_a_valid_one_is_a_problem_that_says_why() -> None:
    world = World()
    answer = world.ask("POST", "/v1/interactions", [item("1", type="x"), 7], 400)
    assert [rejected["index"] for rejected in answer["rejected"]] == [0, 1]
    assert world.queue.sent == []


@pytest.mark.parametrize("body", [[], [item("1")] * 501])
def test_a_list_has_one_to_five_hundred(body: list[Any]) -> None:
    World().ask("POST", "/v1/interactions", body, 400)


def test_five_hundred_go_in_one_call() -> None:
    world = World()
    world.ask("POST", "/v1/interactions", [item(str(n)) for n in range(500)], 202)
    assert [len(call) for call in world.queue.sent] == [500]


@pytest.mark.parametrize("text", ["\ud83d", "x\udc00y"])
def test_half_a_character_is_rejected_before_it_poisons_the_queue(text: str) -> None:
    World().ask("POST", "/v1/interactions", item("1", data={"text": text}), 400)


def test_a_whole_character_outside_the_basic_plane_is_fine() -> None:
    World().ask("POST", "/v1/interactions", item("1", data={"text": "\U0001f600"}), 202)


def test_a_queue_that_does_not_answer_is_asked_for_again() -> None:
    world = World()
    world.queue.down = True
    answer = world.ask("POST", "/v1/interactions", item("1"), 503)
    assert answer["detail"] == "try again later"
