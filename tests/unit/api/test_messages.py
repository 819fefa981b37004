"""Messages over the API: who may ask, what is taken, what is never said back."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from enlace.api.messages import MAX_BODY_BYTES
from enlace.domain.delivery import State, Step
from enlace.domain.http import Response
from enlace.usecases.message_templates import LANGUAGES
from tests.stores.builders import interaction
from tests.unit.api.test_callers import claims
from tests.unit.api.world import API_KEY, World

JOAO = "joao.segredo@example.com"
WANTED: dict[str, Any] = {
    "to": {"identifier": {"kind": "email", "value": JOAO}},
    "purpose": "transactional",
    "template": "order_confirmation",
    "data": {"order_id": "PED-7", "amount_minor": 1990, "currency": "BRL"},
}
NEWS = {**WANTED, "purpose": "marketing", "template": "newsletter", "data": {"text": "Oi"}}


def post(world: World, body: Any, key: str = "", **more: Any) -> Response:
    headers: Mapping[str, str] = {"x-api-key": API_KEY}
    if "claims" in more:
        headers = {}
    if key:
        headers = {**headers, "idempotency-key": key}
    return world.call("POST", "/v1/messages", body, headers=headers, **more)


def asked(world: World, body: Any = WANTED, key: str = "") -> dict[str, Any]:
    response = post(world, body, key)
    assert response.status == 202, response.body
    return dict(json.loads(response.body))


def detail(response: Response, status: int) -> str:
    body = json.loads(response.body)
    assert (response.status, body["status"]) == (status, status), response.body
    return str(body["detail"])


def said(world: World, *responses: Response) -> str:
    """Everything that could be read without being allowed to read the tables."""
    entries = [entry.detail for entry in world.bus.entries]
    return "\n".join((*(r.body for r in responses), *world.log.lines, *entries))


def test_a_message_is_taken_recorded_and_handed_on() -> None:
    world = World()

    answer = asked(world)

    assert answer == {"message_id": answer["message_id"], "status": "accepted"}
    record = world.deliveries.records[answer["message_id"]]
    assert record.request and record.request.data == WANTED["data"]
    assert record.customer_id == world.customer("email", JOAO).id
    commands = [json.loads(e.detail) for e in world.bus.entries if "dispatch" in e.detail_type]
    assert [one["data"]["message_id"] for one in commands] == [answer["message_id"]]


def test_a_customer_may_be_named_by_id() -> None:
    world = World()
    world.record(interaction("1", ("email", JOAO)))
    customer = world.customer("email", JOAO).id

    answer = asked(world, {**WANTED, "to": {"customer_id": customer}})

    assert world.deliveries.records[answer["message_id"]].customer_id == customer
    unknown = {**WANTED, "to": {"customer_id": "c" + "0" * 30}}
    detail(post(world, unknown), 404)


def test_what_the_answer_logs_and_events_never_say() -> None:
    world = World()
    secret = {**NEWS, "data": {"headline": "Segredo", "text": "so para voce", JOAO: "x"}}
    taken = post(world, secret)
    id_ = json.loads(taken.body)["message_id"]
    shown = world.call("GET", f"/v1/messages/{id_}")
    refused = [
        post(world, {**secret, "data": {"text": {JOAO: 1}}}),
        post(world, {**secret, JOAO: 1}),
        post(world, {**secret, "to": {"identifier": {"kind": "email", "value": "joao.segredo"}}}),
        post(world, {**secret, "purpose": JOAO}),
        post(world, {**secret, "template": JOAO}),
        post(world, {**secret, "channels": [JOAO]}),
        post(world, {**secret, "language": JOAO}),
        post(world, {**secret, "expires_at": JOAO}),
        post(world, {**secret, "attachments": [{"name": JOAO, "content_type": JOAO}]}),
    ]

    assert taken.status == 202 and shown.status == 200
    assert {response.status for response in refused} == {400}
    everything = said(world, taken, shown, *refused).lower()
    assert "segredo" not in everything and "so para voce" not in everything


def test_the_same_key_is_the_same_message_and_another_request_is_refused() -> None:
    world = World()
    first = asked(world, key="k-1")

    assert asked(world, key="k-1") == first
    for change in (
        {"data": {"order_id": "PED-8"}},
        {"to": {"identifier": {"kind": "email", "value": "maria@example.com"}}},
        {"channels": ["sms"]},
        {"template": "protocol_opened", "data": {}},
    ):
        assert "Idempotency-Key" in detail(post(world, {**WANTED, **change}, "k-1"), 422)
    assert asked(world, key="k-2")["message_id"] != first["message_id"]
    # Callers do not share their keys.
    other = post(world, WANTED, "k-1", claims=claims("agent"))
    assert json.loads(other.body)["message_id"] != first["message_id"]


def test_without_a_key_every_request_is_a_message() -> None:
    world = World()
    assert asked(world)["message_id"] != asked(world)["message_id"]


def test_a_repeated_request_tells_how_far_it_is() -> None:
    world = World()
    id_ = asked(world, key="k")["message_id"]
    world.deliveries.records[id_] = replace(world.deliveries.records[id_], state=State.SENT)

    assert asked(world, key="k") == {"message_id": id_, "status": "sent"}


@pytest.mark.parametrize(
    ("purpose", "template", "taken"),
    [
        ("marketing", "newsletter", {"marketing", "admin"}),
        ("transactional", "order_confirmation", {"agent", "marketing", "privacy", "admin"}),
        # Nothing that ships is for it, so whoever may ask is told that (400).
        ("dsr", "order_confirmation", {"privacy", "admin"}),
        ("research", "order_confirmation", {"marketing", "admin"}),
    ],
)
@pytest.mark.parametrize("role", ["agent", "marketing", "privacy", "admin"])
def test_roles_by_purpose(role: str, purpose: str, template: str, taken: set[str]) -> None:
    body = {**WANTED, "purpose": purpose, "template": template, "data": {}}

    status = post(World(), body, claims=claims([role])).status

    assert (status != 403) == (role in taken)
    assert status in ({403, 202} if purpose in ("marketing", "transactional") else {403, 400})


def test_nobody_is_unauthorized() -> None:
    world = World()
    id_ = asked(world)["message_id"]
    assert world.call("POST", "/v1/messages", WANTED, headers={}).status == 401
    assert world.call("GET", f"/v1/messages/{id_}", headers={}).status == 401
    assert post(world, WANTED, claims=claims(["visitor"])).status == 403


@pytest.mark.parametrize("purpose", ["confirmation", "opt_in"])
def test_what_the_hub_alone_asks_for(purpose: str) -> None:
    template = {"confirmation": "opt_out_confirmed", "opt_in": "confirm_opt_in"}[purpose]
    body = {**WANTED, "purpose": purpose, "template": template, "data": {}}
    assert "hub alone" in detail(post(World(), body), 400)


FILE = {"name": "Nota fiscal.pdf", "content_type": "application/pdf"}


def test_attachments_come_in_base_64() -> None:
    world = World()
    content = base64.b64encode(b"%PDF-1.7").decode()

    id_ = asked(world, {**WANTED, "attachments": [{**FILE, "content": content}]})["message_id"]

    ((name, kept),) = world.attachments.items()
    assert (kept.name, kept.content_type, kept.content) == (*FILE.values(), b"%PDF-1.7")
    request = world.deliveries.records[id_].request
    assert request and request.attachments == (name,)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": None}, "to"),
        ({"to": {}}, "to"),
        ({"to": {"customer_id": "c1", **WANTED["to"]}}, "to"),
        ({"to": {"customer_id": 7}}, "customer_id"),
        ({"to": {"identifier": {"kind": "email", "value": "nobody"}}}, "identifier"),
        ({"to": {"identifier": {"kind": "cpf", "value": "52998224725"}}}, "no sender"),
        ({"purpose": "Marketing"}, "purpose"),
        ({"purpose": "marketing"}, "purpose"),
        ({"template": "no_such_template"}, "template"),
        ({"template": "../../etc"}, "template"),
        ({"template": 7}, "template"),
        ({"template": "protocol_continued", "data": {}}, "missing ['protocol']"),
        ({"data": []}, "data"),
        ({"data": {"amount_minor": 1990}}, "amount_minor and currency"),
        ({"data": {"order_id": 1.5}}, "order_id"),
        ({"data": {"order_id": "\ud800"}}, "data: must be valid Unicode"),
        ({"channels": "sms"}, "channels"),
        ({"channels": []}, "channels"),
        ({"channels": ["pigeon"]}, "channels"),
        ({"language": "fr"}, "language"),
        ({"language": 0}, "language"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"fallback_after_seconds": -1}, "fallback_after_seconds"),
        ({"fallback_after_seconds": True}, "fallback_after_seconds"),
        ({"attachments": {}}, "attachments"),
        ({"attachments": [FILE] * 6}, "attachments"),
        ({"attachments": [7]}, "attachments[0]"),
        ({"attachments": [FILE]}, "attachments[0].content"),
        ({"attachments": [{**FILE, "content": "á"}]}, "attachments[0].content"),
        ({"attachments": [{**FILE, "content": "YQ=="}, {**FILE, "content": 7}]}, "attachments[1]"),
        ({"attachments": [{"name": "x", "content_type": "x", "content": "YQ=="}]}, "content_type"),
        ({"send_at": "2099-01-01T00:00:00Z"}, "send_at: no such field"),
    ],
)
def test_what_cannot_be_sent_is_told_by_field(change: dict[str, Any], field: str) -> None:
    world = World()
    assert field in detail(post(world, {**WANTED, **change}), 400)
    assert not world.deliveries.records and not world.bus.entries and not world.attachments


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'"x"'])
def test_a_body_that_is_no_object(body: bytes) -> None:
    detail(post(World(), body), 400)


def test_what_is_too_large() -> None:
    world = World()
    detail(post(world, b" " * (MAX_BODY_BYTES + 1)), 413)
    # A command goes over the bus with its data, and must fit an event of it.
    assert "data" in detail(post(world, {**WANTED, "data": {"order_id": "x" * 40_000}}), 413)
    assert not world.deliveries.records
    # What is dropped anyway may be as long as it likes.
    asked(world, {**WANTED, "data": {"notes": "x" * 40_000}})


def test_data_without_a_variable_is_dropped_and_said() -> None:
    world = World()
    data = {**WANTED["data"], "coupon": JOAO, "items": [{"a": None}], JOAO: 1, "Á": 2}

    answer = asked(world, {**WANTED, "data": data}, "k")

    assert answer["warnings"] == [
        "data.?: the template has no such variable",
        "data.coupon: the template has no such variable",
        "data.items: the template has no such variable",
    ]
    record = world.deliveries.records[answer["message_id"]]
    assert record.request and record.request.data == WANTED["data"]
    # What was dropped is no difference either.
    assert asked(world, key="k")["message_id"] == answer["message_id"]


@pytest.mark.parametrize("language", [None, *LANGUAGES])
@pytest.mark.parametrize("template", ["newsletter", "order_confirmation", "protocol_opened"])
def test_a_first_try_needs_no_data(template: str, language: str | None) -> None:
    purpose = "marketing" if template == "newsletter" else "transactional"
    body = {"to": WANTED["to"], "template": template, "purpose": purpose, "language": language}
    assert "warnings" not in asked(World(), body)


def test_a_service_that_is_down_is_asked_again_with_the_same_key() -> None:
    world = World()
    world.bus.down = True
    assert "later" in detail(post(world, WANTED, "k"), 503)
    world.bus.down = False

    id_ = asked(world, key="k")["message_id"]

    assert list(world.deliveries.records) == [id_]
    # The address was entered by the first try, and its events are on no bus twice.
    assert [e.detail_type for e in world.bus.entries].count("dispatch.message.v1") == 1


def test_what_became_of_it() -> None:
    world = World()
    id_ = asked(world, {**NEWS, "channels": ["email", "sms"]})["message_id"]
    accepted = world.ask("GET", f"/v1/messages/{id_}")
    assert (accepted["status"], accepted["reason"], accepted["decisions"]) == ("accepted", None, [])
    assert accepted["customer_id"] == world.customer("email", JOAO).id
    at = "2026-11-20T12:00:01.000Z"
    reason = "consent, step 0: no consent on record"
    world.deliveries.records[id_] = replace(
        world.deliveries.records[id_],
        state=State.DENIED,
        reason=reason,
        settled_at=at,
        steps=(Step(at, "skipped", reason, "email"), Step(at, "denied", reason)),
    )

    shown = world.ask("GET", f"/v1/messages/{id_}")

    assert (shown["status"], shown["reason"], shown["settled_at"]) == ("denied", reason, at)
    assert shown["decisions"] == [
        {"at": at, "what": "skipped", "why": reason, "channel": "email"},
        {"at": at, "what": "denied", "why": reason, "channel": None},
    ]
    assert not {"to", "data", "address", "contact_key"} & set(shown)


@pytest.mark.parametrize("id_", ["nothing", "x" * 65, "%C3%A9"])
def test_what_was_never_asked_for(id_: str) -> None:
    assert "message" in detail(World().call("GET", f"/v1/messages/{id_}"), 404)
