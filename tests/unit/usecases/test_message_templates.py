"""The texts: complete in every language, strict about variables, safe in HTML."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.money import format_money
from enlace.domain.send_gate import may_address
from enlace.domain.sms_text import Segments, count_segments
from enlace.errors import InvalidPayload
from enlace.usecases.message_templates import LANGUAGES, MessageTemplates, language_of

VARIABLES: dict[str, dict[str, Any]] = {
    "protocol_opened": {"protocol": "20261120-1234-5678-9"},
    "order_confirmation": {"order_id": "PED-2026-0001", "amount_minor": 123456, "currency": "BRL"},
    "newsletter": {
        "headline": "Novidades",
        "text": "Chegaram os novos planos",
        "unsubscribe_url": "https://example.com/u/1",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", VARIABLES)
def test_every_template_is_there_in_every_language(template: str, language: str) -> None:
    content = MessageTemplates().render(template, language, VARIABLES[template])
    for part in (content.subject, content.text, content.html, content.sms):
        assert part and "$p" not in part and "$o" not in part
    assert "\n" not in content.subject
    assert count_segments(content.sms) == ("GSM-7", 1)


@pytest.mark.parametrize(
    "data",
    [{"protocol": "1", "nome": "x"}, {"protocol": None}, {"protocol": 1.5}, {"protocol": True}],
)
def test_variables_must_be_exactly_those_of_the_template(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        MessageTemplates().render("protocol_opened", "en", data)


@pytest.mark.parametrize("name", ["../../errors", "nothing", "", "Protocol_opened"])
def test_a_name_chooses_no_path(name: str) -> None:
    with pytest.raises(InvalidPayload):
        MessageTemplates().render(name, "en", {"protocol": "1"})


def test_values_start_neither_headers_nor_tags() -> None:
    value = "1\r\nBcc: x@example.com<script>\ud800"
    content = MessageTemplates().render("protocol_opened", "en", {"protocol": value})
    assert "\n" not in content.subject and "\r" not in content.subject
    assert "<script>" not in content.html and "&lt;script&gt;" in content.html
    content.text.encode()


@pytest.mark.parametrize(
    ("traits", "language"),
    [
        ({}, "pt-BR"),
        ({"language": "pt"}, "pt-BR"),
        ({"locale": "en_US"}, "en"),
        ({"language": "ES-ar", "locale": "en"}, "es"),
        ({"language": "de", "locale": "fr"}, "pt-BR"),
        ({"language": 5}, "pt-BR"),
    ],
)
def test_the_language_comes_from_the_traits(traits: dict[str, Any], language: str) -> None:
    assert language_of(traits) == language


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        (123456, "BRL", "pt-BR", "R$ 1.234,56"),
        (5, "BRL", "pt-BR", "R$ 0,05"),
        (123456789, "EUR", "es", "1.234.567,89 €"),
        (123456, "USD", "en", "US$ 1,234.56"),
        (1234, "JPY", "en", "JPY 1,234"),
        (1234567, "KWD", "en", "KWD 1,234.567"),
        (-990, "BRL", "pt-BR", "-R$ 9,90"),
    ],
)
def test_money(amount: int, currency: str, language: str, text: str) -> None:
    assert format_money(amount, currency, language) == text


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, Segments("GSM-7", 1)),
        ("a" * 161, Segments("GSM-7", 2)),
        ("a" * 306, Segments("GSM-7", 2)),
        ("a" * 307, Segments("GSM-7", 3)),
        ("€" * 80, Segments("GSM-7", 1)),
        ("€" * 81, Segments("GSM-7", 2)),
        ("a" * 152 + "€" + "a" * 152, Segments("GSM-7", 3)),
        ("ã" * 70, Segments("UCS-2", 1)),
        ("ã" * 71, Segments("UCS-2", 2)),
        ("😀" * 35, Segments("UCS-2", 1)),
        ("😀" * 67, Segments("UCS-2", 3)),
    ],
)
def test_sms_segments(text: str, segments: Segments) -> None:
    assert count_segments(text) == segments


@pytest.mark.parametrize(
    ("level", "type_", "channel", "allowed"),
    [
        ("proven", "complaint.opened", "whatsapp", True),
        ("stated", "complaint.opened", "generic", False),
        ("imported", "order.placed", "erp", True),
        ("stated", "order.placed", "segment", False),
        ("stated", "orders.placed", "erp", False),
    ],
)
def test_who_may_be_addressed(level: str, type_: str, channel: str, allowed: bool) -> None:
    verdict = may_address(level=level, interaction_type=type_, channel=channel)
    assert verdict.allowed is allowed
