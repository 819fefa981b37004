"""Unsubscribing: by one click, by the button, and by nothing else."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest

from enlace.pages.languages import LANGUAGES
from tests.unit.pages.page_world import (
    LINK,
    ONE_CLICK,
    TOKENS,
    World,
    fields_of,
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("action", ["unsubscribe", "preferences", "confirm"])
def test_case_32_a_scanner_that_opens_a_link_changes_nothing(world: World, action: str) -> None:
    world.say("granted")
    before = copy.deepcopy((world.store.states_by_key, world.store.ledgers))
    page = "unsubscribe" if action == "unsubscribe" else "preferences"

    for language in LANGUAGES:
        answer = world.ask(
            "GET", page, TOKENS.mint(replace(LINK, action=action)), query=f"lang={language}"
        )
        assert answer.status == 200

    assert (world.store.states_by_key, world.store.ledgers) == before
    assert not world.told


def test_case_33_one_click_replayed_is_one_withdrawal(world: World) -> None:
    world.say("granted")

    answers = [world.unsubscribe(ONE_CLICK) for _ in range(3)]

    assert [answer.status for answer in answers] == [200] * 3
    assert not world.on()
    (record,) = [entry for entry in world.ledger if entry["state"] == "withdrawn"]
    assert (record["actor"], record["method"], record["has_evidence"]) == (
        "subject",
        "one_click",
        True,
    )
    assert record["evidence"]["message_id"] == "m-1"
    # Told again with each replay, as the same event.
    assert len({entry.event_id for entry in world.told}) == 1
    detail = json.loads(world.told[0].detail)
    assert detail["data"]["said"] == "withdrawn"
    assert detail["data"]["allowed"] is False


def test_one_click_may_be_multipart(world: World) -> None:
    world.say("granted")
    body = (
        b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
        b"One-Click\r\n--b--\r\n"
    )

    answer = world.unsubscribe(body, **{"content-type": "multipart/form-data; boundary=b"})

    assert answer.status == 200
    assert not world.on()


def test_the_button_of_the_page_unsubscribes(world: World) -> None:
    world.say("granted")
    asked = world.ask("GET", "unsubscribe", TOKENS.mint(LINK))

    assert fields_of(asked) == {"do": ["unsubscribe"]}
    done = world.unsubscribe(fields_of(asked))

    assert done.status == 200
    assert 'role="status"' in done.body
    assert not world.on()
    assert world.ledger[-1]["method"] == "unsubscribe_page"


@pytest.mark.parametrize(
    "body, content_type",
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"do=other", "application/x-www-form-urlencoded"),
        (b"List-Unsubscribe=One-Click", "text/plain"),
        (b"\xff=\xff", "application/x-www-form-urlencoded"),
        (b"a=1&" * 300, "application/x-www-form-urlencoded"),
        (b"x" * 20_000, "application/x-www-form-urlencoded"),
        (b"no parts", "multipart/form-data; boundary=b"),
        (b"no boundary", "multipart/form-data"),
        (b"{}", "application/json"),
    ],
)
def test_other_posts_change_nothing(world: World, body: bytes, content_type: str) -> None:
    world.say("granted")

    for page, action in (("unsubscribe", "unsubscribe"), ("preferences", "preferences")):
        token = TOKENS.mint(replace(LINK, action=action))
        answer = world.ask("POST", page, token, body, **{"content-type": content_type})
        assert answer.status == 400

    assert world.on()


def test_a_no_after_another_yes_counts_although_the_link_was_used_before(world: World) -> None:
    world.say("granted")
    world.unsubscribe(ONE_CLICK)
    world.say("granted")
    assert world.on()

    world.unsubscribe(ONE_CLICK)

    assert not world.on()


def test_only_the_links_purpose_and_channel_end(world: World) -> None:
    world.say("granted")
    world.say("granted", "research")

    world.unsubscribe(ONE_CLICK)

    assert not world.on()
    assert world.on(("research", "email"))


def test_the_link_of_a_transactional_message_is_about_marketing(world: World) -> None:
    world.say("granted")

    world.unsubscribe(ONE_CLICK, replace(LINK, purpose="transactional"))

    assert world.ledger[-1]["purpose"] == "marketing"
    assert not world.on()


def test_lost_news_are_told_by_the_same_request(world: World) -> None:
    world.say("granted")
    world.bus_down = True
    assert world.unsubscribe(ONE_CLICK).status == 503
    world.bus_down = False

    assert world.unsubscribe(ONE_CLICK).status == 200
    assert len(world.told) == 1
    assert len(world.ledger) == 2
