"""What goes to Meta, when, and what its answers mean.

The shapes that requests are held against are facts of Meta's OpenAPI description of the
API (github.com/facebook/openapi, business-messaging-api_v23.0.yaml, MIT, schemas
BaseMessageProperties, TextMessage, TemplateMessage, TemplateObject, LanguageObject);
``recipient`` and ``biz_opaque_callback_data`` are newer than it, and are taken from pywa.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
import urllib3
from pywa import errors as pywa_errors
from pywa.api import GraphAPI

from enlace.domain.interaction import utc_text
from enlace.domain.outgoing import Content, Outgoing
from enlace.errors import (
    Misconfigured,
    ProviderAmbiguous,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from enlace.senders.http_json import JsonHttp, bearer
from enlace.senders.registry import sender_channels
from enlace.senders.whatsapp import CHANNEL, NO_WAY, OPTED_OUT, WhatsApp, read_template
from enlace.usecases.message_templates import LANGUAGES, MessageTemplates
from tests.unit.senders.hubspot_fake import Response

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NUMBER_ID = "106540352242922"
TEMPLATE_PART = "name: order_confirmation\nbody: A-1001\nbody: R$ 10,00"
MESSAGE = Outgoing(
    message_id="96ecc061-b194-5118-ada9-a9e200efc015",
    kind="phone",
    address="+5511987650001",
    purpose="transactional",
    template="order_confirmation",
    language="pt-BR",
    content=Content({"text": "Recebemos o pedido A-1001.", "whatsapp": TEMPLATE_PART}),
)
IN_WINDOW = replace(MESSAGE, last_inbound_at=utc_text(NOW - timedelta(hours=2)))

REQUEST_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["messaging_product", "recipient_type", "type"],
    "oneOf": [{"required": ["to"]}, {"required": ["recipient"]}],
    "additionalProperties": False,
    "properties": {
        "messaging_product": {"const": "whatsapp"},
        "recipient_type": {"enum": ["individual", "group"]},
        "to": {"type": "string"},
        "recipient": {"type": "string"},
        "type": {"enum": ["text", "template"]},
        "biz_opaque_callback_data": {"type": "string", "maxLength": 512},
        "text": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"body": {"type": "string"}, "preview_url": {"type": "boolean"}},
        },
        "template": {
            "type": "object",
            "required": ["name", "language"],
            "properties": {
                "name": {"type": "string"},
                "language": {
                    "type": "object",
                    "required": ["policy", "code"],
                    "properties": {
                        "code": {"type": "string"},
                        "policy": {"const": "deterministic"},
                    },
                },
                "components": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["type", "parameters"],
                        "properties": {
                            "type": {"enum": ["header", "body", "button"]},
                            "parameters": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["type", "text"],
                                    "properties": {"type": {"const": "text"}},
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


class Graph:
    """Answers every request alike, and keeps what it was asked."""

    def __init__(self, status: int = 200, body: Any = None, failure: Exception | None = None):
        accepted = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": "+5511987650001", "wa_id": "5511987650001"}],
            "messages": [{"id": "wamid.SAMPLE"}],
        }
        self.status = status
        self.body = json.dumps(accepted if body is None else body).encode()
        self.failure = failure
        self.requests: list[tuple[str, str, Any, dict[str, str]]] = []

    def request(
        self, method: str, url: str, *, body: bytes, headers: Any, redirect: bool
    ) -> Response:
        self.requests.append((method, url, json.loads(body), dict(headers)))
        if self.failure is not None:
            raise self.failure
        return Response(self.status, self.body, {})

    @property
    def sent(self) -> dict[str, Any]:
        ((_, _, body, _),) = self.requests
        jsonschema.Draft202012Validator(REQUEST_SCHEMA).validate(body)
        return dict(body)


def provider(graph: Any, number_id: str = NUMBER_ID) -> WhatsApp:
    http = JsonHttp(
        "whatsapp",
        "https://graph.example/v26.0",
        bearer(lambda: "token"),
        pool=graph,
        sleep=lambda seconds: None,
    )
    return WhatsApp(http, number_id, now=lambda: NOW)


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


# Answers


def outcome(status: int, body: Any = None, failure: Exception | None = None) -> ProviderError:
    graph = Graph(status, body, failure)
    with pytest.raises(ProviderError) as caught:
        provider(graph).send(IN_WINDOW)
    # There is no key by which Meta would know a repetition: whatever may have
    # been done is not done again.
    if not isinstance(caught.value, ProviderUnavailable):
        assert len(graph.requests) == 1
    return caught.value


def error(code: Any, **more: Any) -> dict[str, Any]:
    text = "message to +5511987650001 failed"
    return {"error": {"message": text, "type": "OAuthException", "code": code, **more}}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 131026, ProviderRejected),
        (400, 131047, ProviderRejected),
        (400, 131049, ProviderRejected),
        (400, 131062, ProviderRejected),
        (400, 130472, ProviderRejected),
        (404, 132001, ProviderRejected),
        (400, 132000, ProviderRejected),
        (400, 132015, ProviderRejected),
        (400, 100, ProviderRejected),
        (400, 131030, ProviderRejected),
        (403, 130497, ProviderRejected),
        (400, 130429, ProviderUnavailable),
        (400, 131048, ProviderUnavailable),
        (400, 131056, ProviderUnavailable),
        (400, 80007, ProviderUnavailable),
        (401, 190, ProviderUnavailable),
        (403, 10, ProviderUnavailable),
        (403, 200, ProviderUnavailable),
        (403, 368, ProviderUnavailable),
        (400, 131042, ProviderUnavailable),
        (500, 131016, ProviderUnavailable),
        (500, 131000, ProviderAmbiguous),
        (503, 2, ProviderAmbiguous),
    ],
)
def test_meta_s_codes_say_whether_to_try_again(
    status: int, code: int, kind: type[ProviderError]
) -> None:
    found = outcome(status, error(code))
    assert type(found) is kind
    assert found.reason == f"whatsapp: error {code}"


def test_who_stopped_marketing_is_named_as_such_and_never_tried_again() -> None:
    found = outcome(400, error(131050))
    assert type(found) is ProviderRejected and found.reason == OPTED_OUT


def test_a_wrong_number_id_is_ours_to_mend_and_not_the_message_s_fault() -> None:
    # Graph says "Object does not exist, or lacks permissions", with status 400.
    assert type(outcome(400, error(100, error_subcode=33))) is ProviderUnavailable


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, "<html>", ProviderAmbiguous),
        (502, {}, ProviderAmbiguous),
        (408, {}, ProviderAmbiguous),
        (429, {}, ProviderUnavailable),
        (401, {"error": "no object"}, ProviderUnavailable),
        (404, {}, ProviderUnavailable),
        (302, {}, ProviderUnavailable),
        (400, error("text"), ProviderRejected),
        (413, {}, ProviderRejected),
        (200, {"messages": []}, ProviderAmbiguous),
        (200, {"messages": None}, ProviderAmbiguous),
        (200, [], ProviderAmbiguous),
    ],
)
def test_without_a_code_the_status_says_it(status: int, body: Any, kind: type) -> None:
    assert type(outcome(status, body)) is kind


def test_a_lost_answer_is_ambiguous_and_a_call_that_never_was_is_not() -> None:
    lost = urllib3.exceptions.ReadTimeoutError(None, "", "x")  # type: ignore[arg-type]
    unreached = urllib3.exceptions.NewConnectionError(None, "x")  # type: ignore[arg-type]
    assert type(outcome(0, failure=lost)) is ProviderAmbiguous
    assert type(outcome(0, failure=unreached)) is ProviderUnavailable


def test_without_a_token_nothing_was_sent() -> None:
    def token() -> str:
        raise Misconfigured("the secret lacks access_token")

    graph: Any = Graph()
    http = JsonHttp("whatsapp", "https://graph.example", bearer(token), pool=graph)
    with pytest.raises(ProviderUnavailable):
        WhatsApp(http, NUMBER_ID, now=lambda: NOW).send(IN_WINDOW)
    assert graph.requests == []


def codes_of(family: type[pywa_errors.WhatsAppError]) -> set[int]:
    return {code for kind in family.__subclasses__() for code in kind.__error_codes__ or ()}


def test_pywa_s_families_of_errors_are_ours() -> None:
    """Throttling and rights may pass; of integrity only a restricted country does not."""
    later = codes_of(pywa_errors.ThrottlingError) | codes_of(pywa_errors.AuthorizationError)
    later |= codes_of(pywa_errors.IntegrityError) - {130497}
    assert {130429, 131048, 131056, 190, 368} <= later
    for code in later:
        assert type(outcome(400, error(code))) is ProviderUnavailable, code
    for code in codes_of(pywa_errors.SendMessageError):
        assert type(outcome(400, error(code))) in (ProviderRejected, ProviderUnavailable), code


def test_no_reason_quotes_what_meta_said() -> None:
    for status, code in ((400, 131026), (500, 1), (401, 190), (400, "x")):
        assert "5511" not in outcome(status, error(code)).reason
