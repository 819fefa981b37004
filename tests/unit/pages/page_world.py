"""The pages with a store, a bus that can fail and a clock; and what a browser reads of them."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from enlace.api.preferences import PreferencePages
from enlace.domain.consent import ConsentPolicy, ConsentRecord
from enlace.domain.envelope import Entry
from enlace.domain.http import Request, Response
from enlace.domain.link_tokens import Link, LinkTokens
from enlace.errors import TemporaryFailure
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
