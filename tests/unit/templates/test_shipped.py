"""What ships, as people get it."""

from __future__ import annotations

import pytest

from enlace.domain.sms_text import count_segments
from enlace.domain.template_source import LANGUAGES
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.shipped_templates import ShippedTemplates
from enlace.usecases.template_checks import check_template
from tests.unit.templates.golden import FOLDER, rendered

SHIPPED = ShippedTemplates()


def test_every_template_says_what_it_said_when_somebody_last_read_it() -> None:
    stale = "read the difference, then run python -m tests.unit.templates.golden"
    kept = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")}

    assert kept == rendered(), stale


@pytest.mark.parametrize("name", SHIPPED.names())
def test_what_ships_passes_what_a_company_s_own_must_pass(name: str) -> None:
    texts = {code: SHIPPED.source(name, "", code) or "" for code in LANGUAGES}

    checked = check_template(name, texts)

    assert checked.warnings == ()
    assert list(checked.version.languages) == list(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["newsletter", "order_confirmation", "protocol_opened"])
def test_a_first_try_without_data_says_something_sensible(name: str, language: str) -> None:
    parts = MessageTemplates().render(name, language, {}).parts

    assert set(parts) == {"subject", "text", "html", "sms", "whatsapp"}
    for text in parts.values():
        # Nothing hangs where a value would stand.
        assert not any(f"{blank}{mark}" in text for blank in " :," for mark in ".:,")
        assert not text.rstrip().endswith((":", ","))
    # WhatsApp takes no empty parameter.
    assert all(line.partition(": ")[2] for line in parts["whatsapp"].split("\n"))
    assert count_segments(parts["sms"]) == ("GSM-7", 1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_protocol_number_goes_out_in_one_segment_however_long(language: str) -> None:
    content = MessageTemplates().render(
        "protocol_opened", language, {"protocol": "20261120-1234-5678-9012-3456-7"}
    )

    assert count_segments(content.sms) == ("GSM-7", 1)


@pytest.mark.parametrize(
    ("name", "purpose"),
    [
        ("newsletter", "marketing"),
        ("order_confirmation", "transactional"),
        ("protocol_opened", "transactional"),
        ("protocol_continued", "transactional"),
        ("opt_out_confirmed", "confirmation"),
    ],
)
def test_a_template_is_for_its_purpose_and_no_other(name: str, purpose: str) -> None:
    assert MessageTemplates().purpose_of(name) == {purpose}
