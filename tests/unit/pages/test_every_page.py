"""What holds for every page: languages, broken links, logs, escaping and sound HTML."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from enlace.pages.languages import LANGUAGES, language_of
from enlace.pages.texts import TEXTS
from tests.unit.pages.page_world import (
    KEY,
    LINK,
    MARKETING,
    ONE_CLICK,
    TOKENS,
    Reader,
    World,
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("token", ["", "x", "1.a.b", TOKENS.mint(LINK)[:-1], "é" * 40])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_broken_link_gets_a_page_in_the_readers_language(
    world: World, method: str, token: str
) -> None:
    for page in ("unsubscribe", "preferences"):
        answer = world.ask(method, page, token, ONE_CLICK, **{"accept-language": "es-MX"})
        assert answer.status == 404
        assert TEXTS["es"]["unknown_title"] in answer.body
    assert not world.ledger


def test_a_link_opens_its_own_page_only(world: World) -> None:
    token = TOKENS.mint(LINK)

    assert world.ask("GET", "preferences", token).status == 404
    preferences = TOKENS.mint(replace(LINK, action="preferences"))
    assert world.ask("POST", "unsubscribe", preferences, ONE_CLICK).status == 404


def test_logs_hold_neither_token_nor_address(world: World) -> None:
    token = TOKENS.mint(LINK)
    world.ask("GET", "unsubscribe", token)
    world.unsubscribe(ONE_CLICK)
    world.ask("GET", "unsubscribe", token + "x")

    logged = json.dumps(world.logs)
    assert token[:20] not in logged and KEY not in logged
    assert {line["route"] for line in world.logs} == {
        "GET /unsubscribe/{token}",
        "POST /unsubscribe/{token}",
    }


def test_words_of_others_are_escaped(world: World) -> None:
    world.say("granted", "<script>alert(1)</script>")

    answer = world.open()

    assert "<script" not in answer.body
    assert "&lt;script&gt;" in answer.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_sound(world: World, language: str) -> None:
    link = replace(LINK, language=language)
    world.say("granted", "research")
    pages = [
        world.ask("GET", "unsubscribe", TOKENS.mint(link)),
        world.unsubscribe(ONE_CLICK, link),
        world.open(link),
        world.send(world.form(MARKETING), link),
        world.send({"do": "stop_all"}, link),
        world.ask("GET", "preferences", TOKENS.mint(replace(link, action="confirm"))),
        world.ask(
            "POST", "preferences", TOKENS.mint(replace(link, action="confirm")), {"do": "confirm"}
        ),
        world.ask("GET", "unsubscribe", "x", query=f"lang={language}"),
    ]

    for answer in pages:
        assert f'<html lang="{language}">' in answer.body
        read = Reader.of(answer)
        assert read.tags.count("h1") == read.tags.count("main") == 1
        assert "script" not in read.tags and "img" not in read.tags
        assert read.inputs_without_label == 0
        assert read.open == []
        assert "{" not in answer.body.split("</style>")[1]


def test_every_language_says_everything() -> None:
    assert len({frozenset(texts) for texts in TEXTS.values()}) == 1
    assert set(TEXTS) == set(LANGUAGES)


@pytest.mark.parametrize(
    "asked, link, accepted, language",
    [
        ("en", "es", "pt", "en"),
        ("", "es-MX", "en", "es"),
        ("xx", "", "fr, en;q=0.4, es;q=0.8", "es"),
        ("", "", "en;q=0, pt-PT", "pt-BR"),
        ("", "", "en;q=x", "pt-BR"),
        ("", "", "", "pt-BR"),
    ],
)
def test_the_language_is_the_askers(asked: str, link: str, accepted: str, language: str) -> None:
    assert language_of(asked, link, accepted) == language
