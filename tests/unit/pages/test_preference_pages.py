"""The preference page and double opt-in on the memory store: what is recorded, and what is not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.consent import ConsentRecord
from enlace.errors import TemporaryFailure
from enlace.pages.texts import TEXTS
from tests.unit.pages.page_world import (
    KEY,
    LINK,
    MARKETING,
    ONE_CLICK,
    TOKENS,
    World,
    fields_of,
)


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_switched_on_and_off_is_recorded_and_nothing_else(world: World) -> None:
    world.say("granted", "research")
    form = world.form(MARKETING)

    answer = world.send(form)

    assert TEXTS["pt-BR"]["saved"] in answer.body
    assert world.on() and not world.on(("research", "email"))
    said = [(e["purpose"], e["state"], e["actor"]) for e in world.ledger[1:]]
    assert sorted(said) == [
        ("marketing", "granted", "subject"),
        ("research", "withdrawn", "subject"),
    ]
    assert all(entry["notice"]["language"] == "pt-BR" for entry in world.ledger[1:])
    assert all(entry["notice_version"] for entry in world.ledger[1:])
    # Sent twice, it says nothing new.
    again = world.send(form)
    assert TEXTS["pt-BR"]["saved"] in again.body
    assert len(world.ledger) == 3
    assert len({entry.event_id for entry in world.told}) == 2


def test_nothing_is_recorded_where_nothing_was_changed(world: World) -> None:
    world.send(world.form())

    assert not world.ledger


def test_an_old_page_undoes_no_later_no(world: World) -> None:
    world.say("granted")
    old = world.form(MARKETING)
    world.unsubscribe(ONE_CLICK)

    answer = world.send(old)

    assert not world.on()
    assert TEXTS["pt-BR"]["stale"] in answer.body


def test_a_no_on_an_old_page_counts(world: World) -> None:
    old = world.form()
    world.say("granted")

    world.send(old)

    assert not world.on()


def test_stop_everything_is_an_objection_that_a_later_choice_lifts(world: World) -> None:
    world.say("granted")
    world.say("granted", "research")

    answer = world.send({"do": "stop_all"})
    world.send({"do": "stop_all"})

    assert TEXTS["pt-BR"]["stopped"] in answer.body
    assert not world.on() and not world.on(("research", "email"))
    assert world.store.get(KEY).consent.suppressions["marketing"].reason == "objection"
    assert [e["state"] for e in world.ledger[2:]] == ["objected", "objected"]

    world.send(world.form(MARKETING))

    assert world.on() and not world.on(("research", "email"))


def test_a_yes_that_a_dead_address_bars_is_said_to_be_barred(world: World) -> None:
    at = world.now()
    record = ConsentRecord("e", "erasure", "email", "withdrawn", "system", at, at)
    world.consents.record(KEY, record, stops={"all": "erasure"})

    answer = world.send(world.form(MARKETING))

    assert TEXTS["pt-BR"]["barred"] in answer.body
    assert not world.on()


def test_a_choice_that_the_page_did_not_offer_is_not_taken(world: World) -> None:
    form = world.form(("transactional", "email"), ("marketing", "sms"), ("a", "b"))

    world.send(form)

    assert not world.ledger


def test_lost_news_of_a_form_are_told_when_it_is_sent_again(world: World) -> None:
    form = world.form(MARKETING)
    world.bus_down = True
    assert world.send(form).status == 503
    world.bus_down = False

    assert world.send(form).status == 200
    assert [json.loads(e.detail)["data"]["said"] for e in world.told] == ["granted"]
    assert len(world.ledger) == 1


def test_a_store_that_does_not_answer_gets_a_page_that_asks_to_come_again(world: World) -> None:
    def down(key: str) -> Any:
        raise TemporaryFailure("DynamoDB: timeout")

    world.store.get = down  # type: ignore[method-assign]

    assert world.open().status == 503
    assert world.unsubscribe(ONE_CLICK).status == 503


def test_a_choice_ends_a_pause_that_waits_for_a_reader(world: World) -> None:
    world.say("granted")
    world.say("paused")
    assert not world.on()

    answer = world.send(world.form(MARKETING))

    assert answer.status == 200 and "checked" in answer.body
    assert world.on()
    (told,) = (json.loads(entry.detail)["data"] for entry in world.told)
    assert (told["said"], told["allowed"]) == ("granted", True)
    world.say("paused")
    world.unsubscribe(ONE_CLICK)
    world.say("resumed", actor="agent")
    assert not world.on()


def test_a_double_opt_in_is_confirmed_by_the_button_and_by_nothing_else(world: World) -> None:
    link = replace(LINK, action="confirm")
    world.say("requested")
    token = TOKENS.mint(link)

    asked = world.ask("GET", "preferences", token)
    assert not world.on()
    assert world.ask("POST", "preferences", token, {"do": "save"}).status == 400
    assert not world.on()
    done = [world.ask("POST", "preferences", token, fields_of(asked)) for _ in range(2)]

    assert [answer.status for answer in done] == [200, 200]
    assert world.on()
    (grant,) = [entry for entry in world.ledger if entry["state"] == "granted"]
    assert (grant["actor"], grant["method"]) == ("subject", "double_opt_in")
    assert len({entry.event_id for entry in world.told}) == 1


def test_what_waits_no_more_cannot_be_confirmed(world: World) -> None:
    token = TOKENS.mint(replace(LINK, action="confirm"))
    world.say("requested")
    world.say("withdrawn")

    answer = world.ask("POST", "preferences", token, {"do": "confirm"})

    assert answer.status == 410
    assert not world.on()
