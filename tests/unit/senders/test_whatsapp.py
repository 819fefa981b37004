"""What goes to Meta, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pywa.api import GraphAPI

from enlace.domain.interaction import utc_text
from enlace.domain.outgoing import Content, Outgoing
from enlace.errors import (
    ProviderRejected,
)
from enlace.senders.registry import sender_channels
from enlace.senders.whatsapp import CHANNEL, NO_WAY, WhatsApp, read_template
from enlace.usecases.message_templates import LANGUAGES, MessageTemplates
from tests.unit.senders.graph import (
    IN_WINDOW,
    MESSAGE,
    NOW,
    NUMBER_ID,
    Graph,
    provider,
)


def sent(message: Outgoing) -> dict[str, Any]:
    graph = Graph()
    assert provider(graph).send(message) == "wamid.SAMPLE"
    return graph.sent


def refused(message: Outgoing) -> str:
    graph = Graph()
    with pytest.raises(ProviderRejected) as caught:
        provider(graph).send(message)
    assert graph.requests == []
    return caught.value.reason


class Captured(Exception):
    """Ends a call of the oracle once it said what it would send."""


def by_pywa(**arguments: Any) -> dict[str, Any]:
    """What pywa would post to the same endpoint."""
    seen: dict[str, Any] = {}

    class Api(GraphAPI):
        def __init__(self) -> None:
            pass

        def _request(self, method: str, endpoint: str, **options: Any) -> Any:
            seen.update(method=method, endpoint=endpoint, **options)
            raise Captured

    with pytest.raises(Captured):
        Api().send_message(sender=NUMBER_ID, recipient_type="individual", **arguments)
    return seen


def test_the_channel_is_found_and_says_what_it_can() -> None:
    assert sender_channels()["whatsapp"] is CHANNEL
    assert CHANNEL.reaches("phone") and CHANNEL.reaches("whatsapp_bsuid:102290129340398")
    assert not CHANNEL.reaches("email")
    assert CHANNEL.read_receipts and CHANNEL.quiet_hours
    assert WhatsApp.idempotent is False and WhatsApp.wants_last_inbound is True


def test_free_text_goes_out_as_pywa_would_send_it() -> None:
    graph = Graph()
    provider(graph).send(IN_WINDOW)
    ((method, url, body, headers),) = graph.requests
    wanted = by_pywa(
        to="+5511987650001",
        recipient=None,
        typ="text",
        msg={"body": "Recebemos o pedido A-1001.", "preview_url": False},
        biz_opaque_callback_data=MESSAGE.message_id,
    )
    assert body == wanted["json"] == graph.sent
    assert (method, url) == ("POST", f"https://graph.example/v26.0{wanted['endpoint']}")
    assert headers["authorization"] == "Bearer token"


def test_outside_the_window_the_approved_template_goes_out() -> None:
    wanted = by_pywa(
        to="+5511987650001",
        recipient=None,
        typ="template",
        msg={
            "name": "order_confirmation",
            "language": {"code": "pt_BR", "policy": "deterministic"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "A-1001"},
                        {"type": "text", "text": "R$ 10,00"},
                    ],
                }
            ],
        },
        biz_opaque_callback_data=MESSAGE.message_id,
    )
    assert sent(MESSAGE) == wanted["json"]


def test_a_user_id_is_the_recipient_and_no_phone() -> None:
    message = replace(IN_WINDOW, kind="whatsapp_bsuid:1022", address="BR.13491208655302741919")
    body = sent(message)
    wanted = by_pywa(
        to=None,
        recipient="BR.13491208655302741919",
        typ="text",
        msg=body["text"],
        biz_opaque_callback_data=MESSAGE.message_id,
    )
    assert body == wanted["json"]


@pytest.mark.parametrize(
    ("ago", "type_"),
    [
        (timedelta(0), "text"),
        (timedelta(hours=23, minutes=54), "text"),
        # Meta's clock and ours may differ, and the call takes a while.
        (timedelta(hours=23, minutes=56), "template"),
        (timedelta(days=3), "template"),
    ],
)
def test_the_window_is_24_hours_less_a_margin(ago: timedelta, type_: str) -> None:
    assert sent(replace(MESSAGE, last_inbound_at=utc_text(NOW - ago)))["type"] == type_


def test_outside_the_window_without_a_template_another_channel_is_left_to_try() -> None:
    plain = replace(MESSAGE, content=Content({"text": "Olá"}))
    assert refused(plain) == NO_WAY
    assert sent(replace(plain, last_inbound_at=utc_text(NOW)))["text"]["body"] == "Olá"


def test_marketing_is_a_marketing_template_even_while_the_window_is_open() -> None:
    marketing = replace(IN_WINDOW, purpose="marketing")
    assert "category" in refused(marketing)
    assert "whatsapp part" in refused(replace(marketing, content=Content({"text": "Ofertas"})))
    part = "name: newsletter\ncategory: marketing"
    body = sent(replace(marketing, content=Content({"text": "Ofertas", "whatsapp": part})))
    assert body["template"] == {
        "name": "newsletter",
        "language": {"code": "pt_BR", "policy": "deterministic"},
    }


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("phone", "11987650001"),
        ("phone", "+5511987650001, +5511987650002"),
        ("phone", "BR.13491208655302741919"),
        ("whatsapp_bsuid:1022", "+5511987650001"),
        ("whatsapp_bsuid:1022", "BR.1349 1208"),
        ("email", "joao@example.com"),
    ],
)
def test_what_is_not_one_address_of_the_channel_is_refused(kind: str, address: str) -> None:
    reason = refused(replace(IN_WINDOW, kind=kind, address=address))
    assert address not in reason


def test_without_a_number_of_ours_nothing_is_sent() -> None:
    graph = Graph()
    with pytest.raises(ProviderRejected):
        provider(graph, number_id="").send(IN_WINDOW)
    assert graph.requests == []


@pytest.mark.parametrize("length", [0, 4097])
def test_a_text_that_whatsapp_would_not_take_is_not_sent(length: int) -> None:
    refused(replace(IN_WINDOW, content=Content({"text": "x" * length})))


# The part [whatsapp]


def test_a_part_names_the_template_and_its_parameters_in_order() -> None:
    template = read_template(
        "name: aviso\nlanguage: es_MX\ncategory: marketing\nbody: um:  dois\nbody: três\n", "pt-BR"
    )
    assert (template.name, template.language, template.category) == ("aviso", "es_MX", "marketing")
    # Meta refuses tabs and rows of blanks within a parameter.
    assert template.body == ("um: dois", "três")


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ("language: pt_BR", "name"),
        ("name: Aviso Novo", "name"),
        ("name: aviso\nlanguage: portuguese", "language"),
        ("name: aviso\ncategory: urgent", "category"),
        ("name: aviso\nbody:", "body"),
        ("name: aviso\nname: outro", "line"),
        ("name: aviso\nfooter: x", "line"),
        ("aviso", "line"),
    ],
)
def test_a_part_that_cannot_be_used_is_refused_without_a_call(part: str, named: str) -> None:
    assert named in refused(replace(MESSAGE, content=Content({"text": "x", "whatsapp": part})))


def test_a_variable_cannot_write_a_line_of_its_own() -> None:
    # The templates take line breaks out of values; whatever is left stays one parameter.
    template = read_template("name: aviso\nbody: x category: marketing", "en")
    assert (template.category, template.body) == ("utility", ("x category: marketing",))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("template", "data", "category"),
    [
        ("protocol_opened", {"protocol": "20261120-1234-5678-9"}, "utility"),
        ("protocol_continued", {"protocol": "20261120-1234-5678-9"}, "utility"),
        (
            "order_confirmation",
            {"order_id": "A-1", "amount_minor": 1000, "currency": "BRL"},
            "utility",
        ),
        ("newsletter", {"headline": "Novidades", "text": "Chegou\nbody: x"}, "marketing"),
    ],
)
def test_the_parts_that_ship_are_usable(
    template: str, data: dict[str, Any], category: str, language: str
) -> None:
    content = MessageTemplates().render(template, language, data)
    part = read_template(content.parts["whatsapp"], language)
    assert (part.name, part.category) == (template, category)
    assert part.language == language.replace("-", "_")
    # One parameter for each variable: a line break in a value makes none of its own.
    assert len(part.body) == {"order_confirmation": 2, "newsletter": 2}.get(template, 1)
