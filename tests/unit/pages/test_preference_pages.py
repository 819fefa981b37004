"""The pages on the memory store: what they show, what they record, and what they do not."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest

from enlace.api.preferences import PreferencePages
from enlace.domain.consent import ConsentPolicy, ConsentRecord
from enlace.domain.envelope import Entry
from enlace.domain.http import Request, Response
from enlace.domain.link_tokens import Link, LinkTokens
from enlace.errors import TemporaryFailure
from enlace.pages.languages import LANGUAGES, language_of
from enlace.pages.texts import TEXTS
from enlace.usecases.consents import Consents
from enlace.usecases.preferences import Preferences
from local.memory_consents import MemoryConsents

KEY = "email#AAAAAAAAAAAAAAAAAAAAAA"
TOKENS = LinkTokens({"1": b"a key of links that is 32 bytes."}, "1")
LINK = Link("unsubscribe", "email", KEY, "marketing", "email", "m-1", "pt-BR")
MARKETING = ("marketing", "email")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class World:
    """The pages with a store, a bus that can fail and a clock."""

    def __init__(self) -> None:
        self.store = MemoryConsents()
        self.told: list[Entry] = []
        self.logs: list[dict[str, Any]] = []
        self.bus_down = False
        self.minute = 0
        policy = ConsentPolicy(double_opt_in=frozenset(("email",)))
        self.consents = Consents(self.store, policy=policy, now=self.now, sleep=lambda s: None)
        self.preferences = Preferences(self.store, self.consents, self, policy=policy, now=self.now)
        self.pages = PreferencePages(self.preferences, TOKENS, self.log, "Loja Exemplo")

    def now(self) -> str:
        self.minute += 1
        return f"2026-11-20T{10 + self.minute // 60:02d}:{self.minute % 60:02d}:00.000Z"

    def log(self, level: str, message: str, **fields: Any) -> None:
        self.logs.append({"level": level, "message": message, **fields})

    def publish_all(self, entries: list[Entry]) -> None:
        if self.bus_down:
            raise TemporaryFailure("the bus is down")
        self.told += entries

    def say(self, state: str, purpose: str = "marketing", actor: str = "subject") -> None:
        at = self.now()
        record = ConsentRecord(
            f"said-{at}", purpose, "email", state, actor, at, at, has_evidence=True
        )
        self.consents.record(KEY, record)

    def on(self, pair: tuple[str, str] = MARKETING) -> bool:
        return {c.pair: c.on for c in self.preferences.show(LINK).choices}[pair]

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return list(self.store.ledgers.get(KEY, {}).values())

    def ask(
        self,
        method: str,
        page: str,
        token: str,
        fields: Any = None,
        *,
        query: str = "",
        **headers: str,
    ) -> Response:
        body = fields if isinstance(fields, bytes) else urlencode(fields or {}, True).encode()
        form = {"content-type": "application/x-www-form-urlencoded"}
        path = f"/{page}/{token}"
        request = Request(
            method, path, query, {**form, **headers}, body, self.now(), {"token": token}
        )
        return self.pages.handle(f"{method} /{page}/{{token}}", request)

    def unsubscribe(self, fields: Any, link: Link = LINK, **headers: str) -> Response:
        return self.ask("POST", "unsubscribe", TOKENS.mint(link), fields, **headers)

    def open(self, link: Link = LINK) -> Response:
        return self.ask("GET", "preferences", TOKENS.mint(replace(link, action="preferences")))

    def send(self, fields: Any, link: Link = LINK) -> Response:
        return self.ask(
            "POST", "preferences", TOKENS.mint(replace(link, action="preferences")), fields
        )

    def form(self, *on: tuple[str, str]) -> dict[str, Any]:
        seen = self.preferences.show(LINK).seen
        return {"do": "save", "seen": seen, "on": ["|".join(pair) for pair in on]}


@pytest.fixture
def world() -> World:
    return World()


# ------------------------------------------------------------------ unsubscribe


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


# ------------------------------------------------------------------ preferences


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


# ------------------------------------------------------------------ confirmation


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


# ------------------------------------------------------------------ every page


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


class Reader(HTMLParser):
    """What is checked of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.fields: dict[str, list[str]] = {}
        self.inputs_without_label = 0

    @classmethod
    def of(cls, answer: Response) -> Reader:
        reader = cls()
        reader.feed(answer.body)
        return reader

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        if tag not in ("meta", "input"):
            self.open.append(tag)
        if tag == "input" and values.get("type") != "hidden" and "label" not in self.open:
            self.inputs_without_label += 1
        name = values.get("name")
        if name and tag in ("input", "button"):
            self.fields.setdefault(name, []).append(values.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def fields_of(answer: Response) -> dict[str, list[str]]:
    return Reader.of(answer).fields
