"""Which version a message is made of, while stores fail, versions go and deployments come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from enlace.domain.outgoing import Links
from enlace.domain.template_version import version_from
from enlace.errors import InvalidPayload, TemporaryFailure
from enlace.usecases.message_templates import TTL_SECONDS, MessageTemplates
from enlace.usecases.shipped_templates import ShippedTemplates
from tests.stores.memory_templates import MemoryTemplates

SHIPPED = "purposes: transactional\nprotocol: text = 1\n[text]\nshipped {{ protocol }}"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stored() -> MemoryTemplates:
    return MemoryTemplates()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def templates(stored: MemoryTemplates, clock: Clock) -> MessageTemplates:
    return MessageTemplates(stored, clock=clock)


def put(stored: MemoryTemplates, version: str, name: str = "protocol_opened", **texts: str) -> None:
    files = {
        code.replace("_", "-"): f"purposes: transactional\nprotocol: text = 1\n[text]\n{text}"
        for code, text in texts.items()
    }
    stored.save(version_from(name, version, files), files)
    stored.activate(name, version, stored.read_active(name)[1])


def test_the_company_s_own_goes_before_what_ships(
    templates: MessageTemplates, stored: MemoryTemplates, clock: Clock
) -> None:
    assert templates.current("protocol_opened").startswith("shipped-")
    put(stored, "v-1", pt_BR="own {{ protocol }}")
    clock.now += TTL_SECONDS
    assert templates.current("protocol_opened") == "v-1"
    content = templates.render("protocol_opened", "pt-BR", {"protocol": "7"})
    assert content.parts == {"text": "own 7"}


def test_a_message_keeps_the_version_that_it_was_accepted_with(
    templates: MessageTemplates, stored: MemoryTemplates, clock: Clock
) -> None:
    put(stored, "v-1", en="one {{ protocol }}")
    accepted = templates.current("protocol_opened")
    put(stored, "v-2", en="two {{ protocol }}")
    clock.now += TTL_SECONDS

    assert templates.current("protocol_opened") == "v-2"
    content = templates.render("protocol_opened", "en", {"protocol": "7"}, version=accepted)
    assert content.text == "one 7"


def test_a_version_is_read_once_and_what_is_in_force_once_a_minute(
    templates: MessageTemplates, stored: MemoryTemplates, clock: Clock
) -> None:
    put(stored, "v-1", en="one {{ protocol }}")
    stored.asked = 0
    for _ in range(5):
        templates.render("protocol_opened", "en", {"protocol": "7"})
    assert stored.asked == 3  # what is in force, its description, its file
    clock.now += TTL_SECONDS
    templates.render("protocol_opened", "en", {"protocol": "7"})
    assert stored.asked == 4


def test_while_the_store_is_away_nothing_is_made_up(
    templates: MessageTemplates, stored: MemoryTemplates
) -> None:
    stored.down = True
    for ask in (
        lambda: templates.current("protocol_opened"),
        lambda: templates.check("protocol_opened", "en", {"protocol": "7"}),
        lambda: templates.render("protocol_opened", "en", {"protocol": "7"}),
        lambda: templates.render("protocol_opened", "en", {"protocol": "7"}, version="v-1"),
    ):
        # What ships may be what the company replaced.
        with pytest.raises(TemporaryFailure):
            ask()


def test_a_pinned_version_that_ships_needs_no_store(
    templates: MessageTemplates, stored: MemoryTemplates
) -> None:
    pinned = templates.current("protocol_opened")
    stored.down = True
    assert templates.render("protocol_opened", "en", {"protocol": "7"}, version=pinned).sms


def test_what_was_in_force_a_minute_ago_does_while_the_store_is_away(
    templates: MessageTemplates, stored: MemoryTemplates, clock: Clock
) -> None:
    put(stored, "v-1", en="one {{ protocol }}")
    templates.render("protocol_opened", "en", {"protocol": "7"})
    stored.down = True
    clock.now += 10 * TTL_SECONDS
    assert templates.render("protocol_opened", "en", {"protocol": "7"}).text == "one 7"


def test_a_version_that_somebody_deleted_makes_no_other_message(
    templates: MessageTemplates, stored: MemoryTemplates
) -> None:
    put(stored, "v-1", en="one {{ protocol }}")
    stored.kept.clear()
    for version in ("", "v-1"):
        with pytest.raises(InvalidPayload, match="not there"):
            templates.render("protocol_opened", "en", {"protocol": "7"}, version=version)


def test_a_file_of_a_version_that_somebody_deleted(
    templates: MessageTemplates, stored: MemoryTemplates
) -> None:
    put(stored, "v-1", en="one {{ protocol }}")
    stored.kept["protocol_opened", "v-1"][1].clear()
    with pytest.raises(InvalidPayload, match="not there"):
        templates.render("protocol_opened", "en", {"protocol": "7"})


def test_a_deployment_between_request_and_sending_sends_what_ships_now(tmp_path: Path) -> None:
    (tmp_path / "hello").mkdir()
    file = tmp_path / "hello" / "en.txt"
    file.write_text(SHIPPED)
    pinned = MessageTemplates(shipped=ShippedTemplates(tmp_path)).current("hello")
    file.write_text(SHIPPED.replace("shipped", "better"))
    deployed = MessageTemplates(shipped=ShippedTemplates(tmp_path))

    assert deployed.current("hello") != pinned
    assert deployed.render("hello", "en", {"protocol": "7"}, version=pinned).text == "better 7"


@pytest.mark.parametrize(
    ("asked", "used"), [("es", "es"), ("es-MX", "es"), ("en", "es"), ("", "es"), ("pt", "es")]
)
def test_a_missing_language_falls_back(
    asked: str, used: str, templates: MessageTemplates, stored: MemoryTemplates
) -> None:
    put(stored, "v-1", es="hola {{ protocol }}")
    assert templates.language("protocol_opened", asked) == used
    assert templates.render("protocol_opened", asked, {"protocol": "7"}).text == "hola 7"


@pytest.mark.parametrize(
    "data",
    [{"protocol": "1", "x": "y"}, {"protocol": None}, {"protocol": ["a"]}, {"protocol": True}],
)
def test_a_bad_request_is_told_at_once(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        MessageTemplates().check("protocol_opened", "en", data)


@pytest.mark.parametrize("name", ["../../errors", "nothing", "", "a" * 65, "a/b", "Ä"])
@pytest.mark.parametrize("version", ["", "v-1", "shipped-000000000000", "../x"])
def test_what_is_not_there(name: str, version: str, templates: MessageTemplates) -> None:
    with pytest.raises(InvalidPayload):
        templates.render(name, "en", {}, version=version)


def test_links_of_the_message_go_before_what_the_request_says() -> None:
    data = {"headline": "a", "text": "b", "unsubscribe_url": "https://elsewhere.example.com/u"}
    links = Links("https://example.com/u/t", "https://example.com/p/t")

    own = MessageTemplates().render("newsletter", "en", data, links=links)
    assert "https://example.com/u/t" in own.text and "elsewhere" not in own.text + own.html
    assert 'href="https://example.com/p/t"' in own.html
    without = MessageTemplates().render("newsletter", "en", {"headline": "a", "text": "b"})
    assert "https" not in without.text + without.html
    for url in ("javascript:alert(1)", 'https://example.com/"onclick="x', 7, ["https://a.example"]):
        with pytest.raises(InvalidPayload):
            MessageTemplates().render("newsletter", "en", data | {"unsubscribe_url": url})


def test_a_link_to_confirm_comes_with_the_message() -> None:
    content = MessageTemplates().render(
        "confirm_opt_in", "es", {}, extra={"confirm_url": "https://example.com/c/t"}
    )
    assert "https://example.com/c/t" in content.text and "https://example.com/c/t" in content.html
