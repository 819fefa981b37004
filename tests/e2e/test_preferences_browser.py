"""The pages in a real browser, on the stack: by mouse, by keyboard alone, large and small.

Screenshots are kept in ``.enlace/artefacts/preferences``.
"""

from __future__ import annotations

import json
import shutil
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from local import links
from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from local.settings import ROOT

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="browser tests need Chromium: as root, bash local/browser/ci-setup.sh installs it",
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ARTEFACTS = ROOT / ".enlace" / "artefacts" / "preferences"
SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "color_scheme": "dark",
        "has_touch": True,
        "is_mobile": True,
    },
}
TITLES = {
    "pt-BR": "Suas preferências de contato",
    "es": "Tus preferencias de contacto",
    "en": "Your contact preferences",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=sorted(SCREENS))
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a fresh browser; what the browser complains of fails the test."""
    context = browser.new_context(**SCREENS[request.param])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert context.cookies() == []
    context.close()
    assert complaints == []


class Person:
    """Somebody with a phone number of their own, and the links that messages bring them."""

    def __init__(self, stack: dict[str, Any]):
        self.hub = Hub(stack)
        self.base = stack["api_url"]
        self.table = stack["table_names"]["consent"]
        self.phone = f"+55119{uuid.uuid4().int % 10**8:08d}"
        self.key = links.address_key("phone", self.phone)

    def link(self, action: str, language: str = "pt-BR", channel: str = "sms") -> str:
        path = "unsubscribe" if action == "unsubscribe" else "preferences"
        made = links.token(action, "phone", self.phone, channel=channel, language=language)
        return f"{self.base}/{path}/{made}"

    def grant(self, channel: str = "sms", state: str = "granted") -> None:
        body = {
            "identifier": {"kind": "phone", "value": self.phone},
            "purpose": "marketing",
            "channel": channel,
            "state": state,
            "actor": "subject",
            "evidence": {"form": "site"},
        }
        self.hub.api("POST", "/v1/consents", body, expected=201)

    def stands(self, channel: str = "sms") -> dict[str, Any]:
        body = {
            "identifier": {"kind": "phone", "value": self.phone},
            "purpose": "marketing",
            "channel": channel,
        }
        return dict(self.hub.api("POST", "/v1/consents/lookup", body))

    def items(self) -> str:
        """Ledger and state of the address, byte for byte."""
        found = local_stack.client("dynamodb").query(
            TableName=self.table,
            KeyConditionExpression="pk = :key",
            ExpressionAttributeValues={":key": {"S": self.key}},
            ConsistentRead=True,
        )
        return json.dumps(found["Items"], sort_keys=True)


@pytest.fixture
def person(stack: dict[str, Any]) -> Person:
    return Person(stack)


def accessible(page: Page) -> None:
    """No finding of axe at WCAG 2.2 AA, and no sideways scrolling."""
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = Axe().run(page, options=options)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def shot(page: Page, name: str) -> None:
    size = "desktop" if page.viewport_size["width"] > 600 else "phone"  # type: ignore[index]
    page.screenshot(path=ARTEFACTS / f"{name}-{size}.png", full_page=True)


def tab_to(page: Page, reached: Callable[[], bool], most: int = 20) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if reached():
            return
    raise AssertionError("the keyboard does not reach it")


def focused(page: Page, script: str) -> Callable[[], bool]:
    return lambda: bool(page.evaluate(f"(e => {script})(document.activeElement)"))


def test_opening_links_changes_nothing(person: Person, page: Page) -> None:
    person.grant()
    before = person.items()

    for action in ("unsubscribe", "preferences", "confirm"):
        for language in TITLES:
            page.goto(person.link(action, language))
            accessible(page)
            expect(page.locator("html")).to_have_attribute("lang", language)
            shot(page, f"{action}-{language}")

    assert person.items() == before


def test_choices_are_saved_and_everything_is_stopped(person: Person, page: Page) -> None:
    person.grant()
    page.goto(person.link("preferences"))
    group = page.get_by_role("group", name="novidades e ofertas")
    expect(group.get_by_label("SMS")).to_be_checked()
    expect(group.get_by_label("WhatsApp")).not_to_be_checked()

    group.get_by_label("SMS").uncheck()
    group.get_by_label("WhatsApp").check()
    page.get_by_role("button", name="Salvar preferências").click()

    expect(page.get_by_role("status")).to_have_text("Suas preferências foram salvas.")
    accessible(page)
    shot(page, "saved-pt-BR")
    assert (person.stands("sms")["state"], person.stands("whatsapp")["state"]) == (
        "denied",
        "granted",
    )
    record = person.stands("whatsapp")["record"]
    assert (record["actor"], record["method"]) == ("subject", "preference_page")

    page.get_by_role("button", name="Parar tudo").click()

    expect(page.get_by_role("status")).to_contain_text("Pronto")
    assert person.stands("whatsapp")["state"] == "denied"
    for box in page.get_by_role("checkbox").all():
        expect(box).not_to_be_checked()
    # Whoever changes their mind is written to again, where they say so.
    page.get_by_label("SMS").check()
    page.get_by_role("button", name="Salvar preferências").click()
    expect(page.get_by_role("status")).to_contain_text("salvas")
    assert (person.stands("sms")["state"], person.stands("whatsapp")["state"]) == (
        "granted",
        "denied",
    )


def test_the_keyboard_is_enough(person: Person, page: Page) -> None:
    person.grant()
    page.goto(person.link("preferences"))

    tab_to(page, focused(page, "e.textContent === 'English'"))
    # Where the focus is can be seen.
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["en"])
    tab_to(page, focused(page, "e.value === 'marketing|whatsapp'"))
    page.keyboard.press("Space")
    shot(page, "keyboard-en")
    tab_to(page, focused(page, "e.value === 'save'"))
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("Your preferences have been saved.")
    assert person.stands("whatsapp")["state"] == "granted"
    assert person.stands("sms")["state"] == "granted"
    tab_to(page, focused(page, "e.value === 'stop_all'"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Done")
    assert person.stands("sms")["state"] == "denied"


def test_the_unsubscribe_page_stops_one_thing_and_leads_to_the_choices(
    person: Person, page: Page
) -> None:
    person.grant("sms")
    person.grant("whatsapp")
    page.goto(person.link("unsubscribe", "es"))

    page.get_by_role("button", name="Sí, dejar de recibir").click()

    expect(page.get_by_role("status")).to_have_text("Ya no recibirás novedades y ofertas por SMS.")
    accessible(page)
    shot(page, "unsubscribed-es")
    assert (person.stands("sms")["state"], person.stands("whatsapp")["state"]) == (
        "denied",
        "granted",
    )
    page.get_by_role("link", name="Elegir lo que quiero recibir").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["es"])
    expect(page.get_by_label("SMS")).not_to_be_checked()


def test_one_click_needs_neither_login_nor_cookie_and_counts_once(person: Person) -> None:
    person.grant()

    def click() -> int:
        form = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
        request = urllib.request.Request(person.link("unsubscribe"), data=form, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)

    assert click() == 200
    once = person.items()
    assert [click(), click()] == [200, 200]
    assert person.items() == once
    wait_for("the withdrawal", lambda: person.stands()["state"] == "denied")


def test_a_broken_link_is_explained(person: Person, browser: Browser) -> None:
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        answer = page.goto(person.link("preferences", language="en")[:-3])

        assert answer is not None and answer.status == 404
        expect(page.get_by_role("heading", level=1)).to_have_text("Link not found")
        accessible(page)
        shot(page, "unknown-en")
