"""The file format: what is taken, what is refused, and what the reason does not repeat."""

from __future__ import annotations

import pytest

from enlace.domain.template_source import LANGUAGES, language_for, parse_source
from enlace.domain.template_version import from_dict, version_from
from enlace.errors import InvalidPayload

FILE = """
# a remark
purposes: transactional
order_id: text = PED-1
count: integer = 3
total: money = 123456 BRL
link: url = https://example.com/a?b=1&c=2
lines: list = 2x Café | 1x Filtro
coupon?: text = CAFE10
[subject]
A {{ order_id }}
[text]
b
[whatsapp]
name: order
"""


def test_a_file_has_a_header_and_parts() -> None:
    source = parse_source("\ufeff" + FILE.replace("\n", "\r\n"))

    assert source.purposes == ("transactional",)
    assert dict(source.parts) == {
        "subject": "A {{ order_id }}",
        "text": "b",
        "whatsapp": "name: order",
    }
    assert {n: (v.type, v.optional) for n, v in source.variables.items()} == {
        "order_id": ("text", False),
        "count": ("integer", False),
        "total": ("money", False),
        "link": ("url", False),
        "lines": ("list", False),
        "coupon": ("text", True),
    }
    assert source.example_data == {
        "order_id": "PED-1",
        "count": 3,
        "amount_minor": 123456,
        "currency": "BRL",
        "link": "https://example.com/a?b=1&c=2",
        "lines": ["2x Café", "1x Filtro"],
        "coupon": "CAFE10",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "text"),
        ("[subject]\na", "text"),
        ("[text]\n \n", "text"),
        ("[text]\na\n[text]\nb", "twice"),
        ("surprise\n[text]\na", "line 1"),
        ("a: text =\n[text]\na", "line 1"),
        ("a: number = 7\n[text]\na", "types are"),
        ("a: integer = seven\n[text]\na", "types are"),
        ("a: url = javascript:alert(1)\n[text]\na", "types are"),
        ("price: money = 100 BRL\n[text]\na", "types are"),
        ("total: money = 1,00 BRL\n[text]\na", "types are"),
        ("a: text = 1\na: text = 2\n[text]\na", "twice"),
        ("unsubscribe_url: url = https://example.com\n[text]\na", "always given"),
        ("amount_minor: integer = 1\n[text]\na", "always given"),
        ("purposes: Marketing!\n[text]\na", "purposes"),
        ("".join(f"v{n}: text = x\n" for n in range(41)) + "[text]\na", "variables"),
        ("[text]\na\x00b", "control"),
        ("[text]\na\u202eb", "control"),
        ("[text]\na\u2028b", "control"),
        ("[text]\n" + "é" * 40_000, "KB"),
    ],
)
def test_a_malformed_file_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidPayload, match=reason):
        parse_source(text)


@pytest.mark.parametrize(
    ("asked", "there", "taken"),
    [
        ("es", ("pt-BR", "es", "en"), "es"),
        ("es-MX", ("pt-BR", "es"), "es"),
        ("pt", ("en", "pt-BR"), "pt-BR"),
        ("PT_br", ("en", "pt-BR"), "pt-BR"),
        ("de", ("en", "pt-BR"), "pt-BR"),
        ("pt-BR", ("es", "en"), "en"),
        ("", ("es",), "es"),
        ("../../x", ("es",), "es"),
    ],
)
def test_a_missing_language_falls_back(asked: str, there: tuple[str, ...], taken: str) -> None:
    assert language_for(asked, dict.fromkeys(there)) == taken


def test_a_version_has_the_same_variables_and_purposes_in_every_language() -> None:
    known = version_from("order", "v1", dict.fromkeys(LANGUAGES, FILE))

    assert known.purposes == ("transactional",)
    assert known.languages["en"] == ("subject", "text", "whatsapp")
    assert from_dict(known.to_dict()) == known
    for other in (
        FILE.replace("count: integer = 3\n", ""),
        FILE.replace("count: integer", "count: text"),
        FILE.replace("coupon?", "coupon"),
        FILE.replace("transactional", "security"),
    ):
        with pytest.raises(InvalidPayload):
            version_from("order", "v1", {"en": FILE, "es": other})


@pytest.mark.parametrize(
    ("name", "texts", "purposes"),
    [
        ("order", {}, ("marketing",)),
        ("order", {"fr": "[text]\na"}, ("marketing",)),
        ("order", {"en": "[text]\na"}, ()),
        ("order", {"en": "[text]\na"}, ("marketing", "transactional")),
        ("order", {"en": "purposes: transactional\n[text]\na"}, ("marketing",)),
        ("../order", {"en": "[text]\na"}, ("marketing",)),
        ("Order", {"en": "[text]\na"}, ("marketing",)),
    ],
)
def test_what_cannot_be_a_version(
    name: str, texts: dict[str, str], purposes: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidPayload):
        version_from(name, "v1", texts, purposes)
