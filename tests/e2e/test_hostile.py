"""Forged, replayed, truncated, oversized, badly encoded and wrongly typed requests, over HTTP.

Each is refused with a reason, and nothing of it is recorded: the tables, the queues and the
dead-letter queues hold afterwards what they held before.
"""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.sign import sample, sign
from tests.e2e.door import SAMPLES, Door, calm

pytestmark = pytest.mark.timeout(300)

JSON_CHANNELS = [name for name in SAMPLES if not name.startswith("twilio")]
SIGNATURES = ("x-hub-signature-256", "x-twitter-webhooks-signature", "x-twilio-signature",
              "webhook-signature", "authorization")  # fmt: skip
API = [
    "/v1/interactions",
    "/v1/customers/lookup",
    "/v1/context",
    "/v1/conciliations",
    "/v1/conciliations/preview",
    "/v1/consents",
    "/v1/consents/lookup",
    "/v1/consents/receipts",
    "/v1/messages",
    "/v1/privacy/requests",
    "/v1/privacy/holds",
    "/v1/templates/newsletter/activate",
    "/v1/customers/nobody/explain",
]
#: Bytes that no JSON reader should take for a request.
NOT_JSON = {
    "empty": b"",
    "truncated": b'{"object": "page", "entry": [{"id"',
    "not utf-8": b'{"text": "\xff\xfe"}',
    "utf-16": '{"a": "b"}'.encode("utf-16"),
    "nan": b'{"value": NaN, "entry": [NaN]}',
    "infinite": b'[-Infinity, {"amount": Infinity}]',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "long number": b'{"timestamp": ' + b"9" * 10_000 + b"}",
    "binary": bytes(range(256)),
    "two values": b"{}{}",
}
WRONG_TYPES: list[Any] = [None, True, 0, -1, 2**70, 1e308, "", "x", [], {}, [[]], [None], {"a": {}}]

BOUNDED = settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def door(stack: dict[str, Any]) -> Door:
    return Door(stack)


@pytest.fixture(scope="module", autouse=True)
def nothing_recorded(stack: dict[str, Any]) -> Iterator[None]:
    """Whatever the tests of this module sent, the stack holds what it held before."""
    before = calm(stack)
    yield
    assert calm(stack) == before


def _without_signature(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in headers.items() if name not in SIGNATURES}


@pytest.mark.parametrize("channel", SAMPLES)
def test_a_forged_request_is_nobodys(door: Door, channel: str) -> None:
    method, path, headers, body = door.sample(channel)
    (name,) = set(headers) & set(SIGNATURES)
    right = headers[name]

    assert door.refused(method, path, _without_signature(headers), body) == 401
    for wrong in ("", "x", right[:-6], right[::-1], f"{right},{right}x"[::-1], "sha256=", "é" * 40):
        forged = {**headers, name: wrong.encode().decode("latin-1")}
        assert door.refused(method, path, forged, body) == 401, wrong
    if name != "authorization":
        # Everything of the body is signed: one more byte is another request.
        assert door.refused(method, path, headers, body + b" ") == 401


@pytest.mark.parametrize("channel", SAMPLES)
def test_a_signature_of_another_secret_does_not_count(door: Door, channel: str) -> None:
    secrets = {
        name: {key: value[::-1] for key, value in values.items()}
        for name, values in door.document["webhook_secrets"].items()
    }
    secrets["generic"] = {"secret": "whsec_" + base64.b64encode(b"another" * 4).decode()}
    secrets["twilio"]["public_url"] = door.document["webhook_secrets"]["twilio"]["public_url"]

    assert door.refused(*sign(channel, sample(*SAMPLES[channel]), secrets)) == 401


@pytest.mark.parametrize("age", [600, -600, 10**9])
def test_a_replayed_request_is_refused_though_it_was_genuine(door: Door, age: int) -> None:
    payload = sample("generic", "order_pos")

    assert door.refused(*door.signed("generic/pos", payload, now_seconds=time.time() - age)) == 401


@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "9" * 400, "NaN"])
def test_a_time_that_is_none_is_refused(door: Door, stamp: str) -> None:
    method, path, headers, body = door.sample("generic/pos")

    status = door.refused(method, path, {**headers, "webhook-timestamp": stamp}, body)
    assert status in {400, 401}


@pytest.mark.parametrize("channel", JSON_CHANNELS)
def test_what_is_not_json_is_refused_though_it_is_signed(door: Door, channel: str) -> None:
    for name, body in NOT_JSON.items():
        # 401 where the gateway hands on other bytes than were signed, as it does with broken UTF-8.
        wanted = {400, 401, 413} if "utf" in name or name == "binary" else {400, 413}
        assert door.refused(*_body_of(door, channel, body)) in wanted, name


@pytest.mark.parametrize("channel", ["twilio/sms", "twilio/voice"])
def test_forms_of_wrong_fields_are_refused_though_they_are_signed(door: Door, channel: str) -> None:
    good = sample(*SAMPLES[channel])
    for changes in (
        dict.fromkeys(good, ""),
        {"From": "x" * 5000},
        {"MessageSid": "", "CallSid": "", "SmsSid": "", "SmsMessageSid": ""},
        {"CallStatus": "\x00", "SmsStatus": "\x00", "From": "\ufffd"},
    ):
        status, text = door.send(*door.signed(channel, {**good, **changes}))
        # A caller who withholds the number is nobody: taken, and nothing comes of it.
        assert status in {200, 400}, (changes, status, text)
    method, path, headers, _ = door.sample(channel)
    for broken in (
        b"",
        b"%",
        b"%ff%fe=%c3",
        b"&&&===",
        bytes(range(256)),
        urlencode(good)[:50].encode(),
    ):
        assert door.refused(method, path, headers, broken) in {400, 401}


#: Where a channel's sample holds what nothing can be recorded without.
ESSENTIAL: dict[str, list[tuple[str | int, ...]]] = {
    "whatsapp": [
        ("entry", 0, "changes", 0, "value", "messages", 0, name) for name in ("id", "timestamp")
    ],
    "messenger": [
        ("entry", 0, "messaging", 0, "message", "mid"),
        ("entry", 0, "messaging", 0, "sender", "id"),
        ("entry", 0, "messaging", 0, "timestamp"),
    ],
    "instagram": [
        ("entry", 0, "messaging", 0, "message", "mid"),
        ("entry", 0, "messaging", 0, "sender", "id"),
    ],
    "x": [
        ("data", "payload", "direct_message_events", 0, "id"),
        ("data", "payload", "direct_message_events", 0, "message_create", "sender_id"),
    ],
    "segment": [("messageId",), ("timestamp",), ("userId",)],
    "generic/pos": [
        ("source_id",),
        ("type",),
        ("occurred_at",),
        ("contact_point",),
        ("contact_point", "kind"),
        ("contact_point", "value"),
        ("contact_point", "level"),
        ("identifiers",),
        ("data",),
        ("data", "value", "amount"),
    ],
}
ESSENTIAL_WRONG: list[Any] = [True, 1.5, -(2**70), [], [[]], [None]]


def _body_of(door: Door, channel: str, body: bytes) -> tuple[str, str, dict[str, str], bytes]:
    """The body under the channel's signature, at the channel's address."""
    method, path, headers, _ = door.sample(channel)
    if channel != "segment":
        # Segment has a key and no signature.
        headers = door.signed(channel, body)[2]
    return method, path, headers, body


@pytest.mark.parametrize("channel", JSON_CHANNELS)
def test_wrongly_typed_values_are_refused_though_they_are_signed(door: Door, channel: str) -> None:
    good = sample(*SAMPLES[channel])

    @BOUNDED
    @given(st.sampled_from(ESSENTIAL[channel]), st.sampled_from(ESSENTIAL_WRONG))
    def inside(place: tuple[str | int, ...], value: Any) -> None:
        # No further identifiers, and a number that is a shop's own user id.
        if (place, value) in ((("identifiers",), []), (("userId",), -(2**70))):
            return
        body = json.dumps(_replaced(good, place, value)).encode()
        assert door.refused(*_body_of(door, channel, body)) == 400, (place, value)

    inside()
    for value in WRONG_TYPES:
        if channel == "generic/pos" and value in ([], ""):
            continue
        assert door.refused(*_body_of(door, channel, json.dumps(value).encode())) == 400, value


def _replaced(value: Any, place: tuple[str | int, ...], by: Any) -> Any:
    if not place:
        return by
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = _replaced(value[place[0]], place[1:], by)
    return copy


@pytest.mark.parametrize("channel", SAMPLES)
def test_what_is_too_large_is_refused_before_anything_else(door: Door, channel: str) -> None:
    method, path, headers, _ = door.sample(channel)

    assert door.refused(method, path, headers, b"[" + b" " * (4 * 1024 * 1024)) == 413


def test_gzip_is_unpacked_only_so_far(door: Door) -> None:
    method, path, headers, body = door.sample("segment")
    # The emulator's gateway hands on JSON as text whatever its encoding, and breaks it thereby.
    packed = {**headers, "content-encoding": "gzip", "content-type": "application/gzip"}
    bomb = gzip.compress(b"[" + b" " * (64 * 1024 * 1024), 9)
    assert len(bomb) < 100_000

    assert door.refused(method, path, packed, bomb) == 413
    assert door.refused(method, path, packed, gzip.compress(bomb)) == 400
    assert door.refused(method, path, packed, gzip.compress(body)[:-9]) == 400
    assert door.refused(method, path, packed, body) == 400


@pytest.mark.parametrize("channel", SAMPLES)
def test_unknown_methods_and_paths_are_refused(door: Door, channel: str) -> None:
    _, path, headers, body = door.sample(channel)

    for method in ("PUT", "PATCH", "DELETE"):
        assert door.refused(method, path, headers, body) in {404, 405}
    for wrong in (f"{path}/more", "/webhooks", "/webhooks/nobody", path.upper(), "/v2" + path):
        assert door.refused("POST", wrong, headers, body) in {401, 404}


@pytest.mark.parametrize("channel", ["whatsapp", "messenger", "instagram", "x"])
def test_handshakes_of_strangers_are_refused(door: Door, channel: str) -> None:
    path = f"/webhooks/{channel}"
    for query in (
        "",
        "hub.mode=subscribe&hub.verify_token=x&hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode[]=subscribe&hub.verify_token[]=%00",
        "crc_token=",
        "crc_token=%7B%22data%22%3A1%7D",
        "crc_token=" + "x" * 5000,
    ):
        door.refused("GET", f"{path}?{query}", {}, b"")


@pytest.mark.parametrize("path", API)
def test_the_api_refuses_strangers_and_what_is_not_json(door: Door, path: str) -> None:
    key = {"x-api-key": door.document["api_key"], "content-type": "application/json"}

    for headers in ({}, {"x-api-key": "x" * 43}, {"authorization": "Bearer e30.e30."}):
        assert door.refused("POST", path, headers, b"{}") == 401
    for name, body in NOT_JSON.items():
        assert door.refused("POST", path, key, body) in {400, 413}, name
    for value in WRONG_TYPES:
        if path == "/v1/interactions" and value == []:
            continue
        assert door.refused("POST", path, key, json.dumps(value).encode()) == 400, value
    large = b'{"a": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    # Files go along with messages, so there it is only a field that it does not know.
    wanted = 400 if path == "/v1/messages" else 413
    assert door.refused("POST", path, key, large) == wanted
    for method in ("PUT", "PATCH"):
        assert door.refused(method, path, key, b"{}") in {404, 405}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("channel", SAMPLES)
def test_whatever_comes_signed_is_answered(door: Door, channel: str) -> None:
    """Random bytes and random JSON: no envelope of the vendor's, so nothing can come of it."""

    @BOUNDED
    @given(st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
    def send(body: bytes) -> None:
        if channel.startswith("twilio"):
            method, path, headers, _ = door.sample(channel)
            assert door.refused(method, path, headers, body) in {400, 401}
            return
        status, text = door.send(*_body_of(door, channel, body))
        # An empty list of interactions is one.
        empty = channel == "generic/pos" and body.strip() == b"[]"
        # 401 where bytes are not UTF-8, and reach the function as others than were signed.
        assert status in {400, 401} or (empty and status < 300), (status, text[:200])

    send()


def _checks() -> list[Callable[..., Any]]:
    names = ("not_a_server_error", "status_code_conformance", "response_schema_conformance",
             "content_type_conformance")  # fmt: skip
    return [schemathesis.checks.CHECKS.get_one(name) for name in names]


def test_the_api_keeps_its_description_whatever_is_sent(stack: dict[str, Any], door: Door) -> None:
    """Schemathesis, from the description that the stack itself serves.

    What writes is left to the tests above: a generated interaction may be a good one.
    """
    status, text = door.send("GET", "/v1/openapi.json", {}, b"")
    assert status == 200
    schema = schemathesis.openapi.from_dict(json.loads(text))
    schema.config.base_url = stack["api_url"]
    checks, tried = _checks(), 0
    for operation in schema.get_all_operations():
        described = operation.ok()
        if described.method.upper() == "POST" and described.path in {
            "/v1/interactions",
            "/v1/conciliations",
            "/v1/consents",
            "/v1/privacy/requests",
            "/v1/privacy/holds",
        }:
            continue

        @BOUNDED
        @given(case=described.as_strategy())
        def call(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            response = case.call(headers={"x-api-key": stack["api_key"]}, timeout=60)
            case.validate_response(response, checks=checks)

        call()
    assert tried > 20
