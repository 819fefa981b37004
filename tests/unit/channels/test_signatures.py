"""Every verifier against the vendor's own validator, and against forgeries."""

from __future__ import annotations

import base64
import dataclasses
import json
import random
import string
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywa.utils import webhook_updates_validator
from standardwebhooks.webhooks import Webhook
from twilio.request_validator import RequestValidator

from enlace.channels import generic, meta, twilio
from enlace.channels.base import Request
from enlace.errors import InvalidPayload, InvalidSignature, Misconfigured
from local.sign import SAMPLE_TIME_SECONDS, sample
from tests.unit.channels.support import (
    HTTP_CHANNELS,
    RECEIVED_AT,
    SAMPLES,
    request_of,
    secret_of,
)

FIRST_SAMPLES = {channel: name for channel, name in reversed(SAMPLES)}.items()
SIGNATURE_HEADERS = {
    "whatsapp": "x-hub-signature-256",
    "messenger": "x-hub-signature-256",
    "instagram": "x-hub-signature-256",
    "x": "x-twitter-webhooks-signature",
    "twilio_sms": "x-twilio-signature",
    "twilio_voice": "x-twilio-signature",
    "generic": "webhook-signature",
    "segment": "authorization",
}


def request(body: bytes, headers: dict[str, str], **changes: Any) -> Request:
    fields: dict[str, Any] = {"path": "/webhooks/any", "query": "", **changes}
    return Request("POST", fields["path"], fields["query"], headers, body, RECEIVED_AT)


@pytest.mark.parametrize(("channel", "name"), FIRST_SAMPLES)
def test_a_missing_signature_is_refused(channel: str, name: str) -> None:
    module, signed = HTTP_CHANNELS[channel][0], request_of(channel, sample(channel, name))
    headers = {k: v for k, v in signed.headers.items() if k != SIGNATURE_HEADERS[channel]}
    with pytest.raises(InvalidSignature):
        module.verify(dataclasses.replace(signed, headers=headers), secret_of(channel))


@pytest.mark.parametrize(
    "forged", ["", "x", "sha256=", "v1,", "v1,ção", "Basic !", "\udcff", "é" * 9]
)
@pytest.mark.parametrize(("channel", "name"), FIRST_SAMPLES)
def test_a_wrong_signature_is_refused(channel: str, name: str, forged: str) -> None:
    module, signed = HTTP_CHANNELS[channel][0], request_of(channel, sample(channel, name))
    headers = {**signed.headers, SIGNATURE_HEADERS[channel]: forged}
    with pytest.raises(InvalidSignature):
        module.verify(dataclasses.replace(signed, headers=headers), secret_of(channel))


@pytest.mark.parametrize(("channel", "name"), [s for s in FIRST_SAMPLES if s[0] != "segment"])
def test_one_changed_byte_is_noticed(channel: str, name: str) -> None:
    module, signed = HTTP_CHANNELS[channel][0], request_of(channel, sample(channel, name))
    at = len(signed.body) // 2
    changed = signed.body[:at] + bytes([signed.body[at] ^ 1]) + signed.body[at + 1 :]
    with pytest.raises((InvalidSignature, InvalidPayload)):
        module.verify(dataclasses.replace(signed, body=changed), secret_of(channel))


@pytest.mark.parametrize(("channel", "name"), FIRST_SAMPLES)
def test_a_secret_that_lacks_its_name_is_our_fault_and_not_the_vendors(
    channel: str, name: str
) -> None:
    module = HTTP_CHANNELS[channel][0]
    with pytest.raises(Misconfigured):
        module.verify(request_of(channel, sample(channel, name)), {})


@given(body=st.binary(max_size=200))
def test_meta_agrees_with_pywa(body: bytes) -> None:
    secret = {"app_secret": "sample"}
    signature = "sha256=" + meta.hex_hmac_sha256("sample", body)
    assert webhook_updates_validator("sample", body, signature)
    meta.verify(request(body, {"x-hub-signature-256": signature}), secret)


def test_meta_signs_escaped_text_so_the_raw_bytes_count() -> None:
    escaped = b'{"text":"Jo\\u00e3o"}'
    rewritten = json.dumps(json.loads(escaped), ensure_ascii=False).encode()
    header = {"x-hub-signature-256": "sha256=" + meta.hex_hmac_sha256("s", escaped)}
    meta.verify(request(escaped, header), {"app_secret": "s"})
    with pytest.raises(InvalidSignature):
        meta.verify(request(rewritten, header), {"app_secret": "s"})


WORDS = st.text(st.characters(codec="utf-8"), max_size=8)


@given(
    pairs=st.lists(st.tuples(WORDS, WORDS), max_size=6),
    query=st.sampled_from(["", "a=1", "message_id=x%20y&b=c%C3%A3o"]),
    base=st.sampled_from(
        ["https://hooks.example.com", "https://hooks.example.com/prod", "http://127.0.0.1:4566/"]
    ),
    algorithm=st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"]),
)
def test_twilio_agrees_with_its_own_validator(
    pairs: list[tuple[str, str]], query: str, base: str, algorithm: str
) -> None:
    url = base.rstrip("/") + "/webhooks/twilio/sms" + (f"?{query}" if query else "")
    parameters = MultiDict(pairs)
    headers = {
        "x-twilio-signature": RequestValidator("key").compute_signature(url, parameters, algorithm)
    }
    secret = {"auth_token": "key", "public_url": base}
    if algorithm == "HMAC_SHA256":
        headers["x-twilio-webhooks-signature-settings"] = f"key=webhooks_1,algorithm={algorithm}"
        secret = {"auth_token": "other", "public_url": base, "shared_keys": {"webhooks_1": "key"}}
    twilio.verify(
        request(urlencode(pairs).encode(), headers, path="/stage/webhooks/twilio/sms", query=query),
        secret,
    )


class MultiDict(dict[str, Any]):
    """Repeated names, in the form that Twilio's validator takes from Flask."""

    def __init__(self, pairs: list[tuple[str, str]]):
        super().__init__(pairs)
        self._pairs = pairs

    def getall(self, name: str) -> list[str]:
        return [v for n, v in self._pairs if n == name]


@pytest.mark.parametrize("signed_with_port", [True, False])
@pytest.mark.parametrize("base", ["https://a.example.com", "https://a.example.com:8443"])
def test_twilio_signs_with_or_without_the_port(base: str, signed_with_port: bool) -> None:
    url = "https://a.example.com" + (":443" if signed_with_port else "") + "/webhooks/twilio/sms"
    if "8443" in base:
        url = ("https://a.example.com:8443" if signed_with_port else "https://a.example.com") + (
            "/webhooks/twilio/sms"
        )
    signature = RequestValidator("key").compute_signature(url, {"a": "b"})
    assert RequestValidator("key").validate(base + "/webhooks/twilio/sms", {"a": "b"}, signature)
    twilio.verify(
        request(b"a=b", {"x-twilio-signature": signature}, path="/webhooks/twilio/sms"),
        {"auth_token": "key", "public_url": base},
    )


def test_twilio_json_bodies_are_held_to_the_hash_in_the_url() -> None:
    body = '{"MessageSid":"SM1","Body":"Olá"}'
    validator = RequestValidator("key")
    query = "bodySHA256=" + validator.compute_hash(body)
    url = "https://h.example.com/webhooks/twilio/sms?" + query
    headers = {
        "content-type": "application/json; charset=utf-8",
        "x-twilio-signature": validator.compute_signature(url, {}),
    }
    assert validator.validate(url, body, headers["x-twilio-signature"])
    secret = {"auth_token": "key", "public_url": "https://h.example.com"}
    good = request(body.encode(), headers, path="/webhooks/twilio/sms", query=query)
    twilio.verify(good, secret)
    assert twilio.parameters(good)["Body"] == "Olá"
    for changed in (
        dataclasses.replace(good, body=b'{"MessageSid":"SM2"}'),
        dataclasses.replace(good, query=""),
        dataclasses.replace(good, query=query + "&x=1"),
    ):
        with pytest.raises(InvalidSignature):
            twilio.verify(changed, secret)


@pytest.mark.parametrize(
    "settings", ["key=unknown,algorithm=HMAC_SHA256", "algorithm=HMAC_MD5", "key=k,algorithm=none"]
)
def test_twilio_keys_and_algorithms_that_are_not_configured(settings: str) -> None:
    headers = {
        "x-twilio-signature": "AAAA",
        "x-twilio-webhooks-signature-settings": settings,
    }
    secret = {"auth_token": "t", "public_url": "https://h.example.com", "shared_keys": {"k": "s"}}
    with pytest.raises(InvalidSignature):
        twilio.verify(request(b"", headers), secret)


@given(body=st.text(max_size=100), padded=st.booleans())
def test_standard_webhooks_agrees_with_the_library(body: str, padded: bool) -> None:
    body = body.encode("utf-8", "replace").decode()
    secret = "whsec_" + base64.b64encode(b"24 bytes of sample key!!").decode()
    if not padded:
        secret = secret.rstrip("=")
    moment = datetime.fromtimestamp(SAMPLE_TIME_SECONDS, UTC)
    signature = Webhook(secret).sign("msg_1", moment, body)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(SAMPLE_TIME_SECONDS),
        # Rotation: signatures of the old and the new secret stand side by side.
        "webhook-signature": f"v1a,ignored v1,AAAA {signature}",
    }
    generic.verify(request(body.encode(), headers), {"secret": secret})


def test_our_signing_is_accepted_by_the_library() -> None:
    from local.sign import sign

    secret = secret_of("generic")
    _, _, headers, body = sign("generic/pos", sample("generic", "order_pos"), secret)
    assert Webhook(secret["secret"]).verify(body, headers)["type"] == "order.placed"


@pytest.mark.parametrize(
    ("seconds", "accepted"), [(-301, False), (-299, True), (299, True), (301, False)]
)
def test_old_and_future_deliveries_are_replays(seconds: int, accepted: bool) -> None:
    signed = request_of("generic", sample("generic", "order_pos"))
    at = datetime.fromtimestamp(SAMPLE_TIME_SECONDS + seconds, UTC)
    moved = dataclasses.replace(signed, received_at=at.isoformat(timespec="milliseconds"))
    if accepted:
        generic.verify(moved, secret_of("generic"))
    else:
        with pytest.raises(InvalidSignature):
            generic.verify(moved, secret_of("generic"))


@pytest.mark.parametrize("timestamp", ["", "now", "1e9", "-1", "9" * 13, "١٢٣", "nan"])
def test_timestamps_that_are_none(timestamp: str) -> None:
    signed = request_of("generic", sample("generic", "order_pos"))
    headers = {**signed.headers, "webhook-timestamp": timestamp}
    with pytest.raises(InvalidSignature):
        generic.verify(dataclasses.replace(signed, headers=headers), secret_of("generic"))


def test_a_source_with_a_secret_of_its_own_is_held_to_it() -> None:
    signed = request_of("generic", sample("generic", "order_pos"))
    shared, own = secret_of("generic")["secret"], "whsec_" + base64.b64encode(b"own").decode()
    generic.verify(signed, {"secrets": {"pos": shared}})
    generic.verify(signed, {"secret": shared, "secrets": {"other": own}})
    with pytest.raises(InvalidSignature):
        generic.verify(signed, {"secret": shared, "secrets": {"pos": own}})
    with pytest.raises(Misconfigured):
        generic.verify(signed, {"secret": "whsec_ç"})


@pytest.mark.parametrize("module", ["whatsapp", "messenger", "instagram"])
def test_metas_handshake(module: str) -> None:
    channel, secret = HTTP_CHANNELS[module][0], secret_of(module)
    token = "".join(random.Random(1).choices(string.ascii_letters, k=20))

    def ask(query: str) -> Request:
        return dataclasses.replace(request(b"", {}), method="GET", query=query)

    good = f"hub.mode=subscribe&hub.challenge={token}&hub.verify_token={secret['verify_token']}"
    answer = channel.handshake(ask(good), secret)
    assert (answer.status, answer.body, answer.content_type) == (200, token, "text/plain")
    for wrong in (
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=no",
        "hub.mode=subscribe&hub.challenge=1",
    ):
        with pytest.raises(InvalidSignature):
            channel.handshake(ask(wrong), secret)
    for malformed in ("", "hub.mode=unsubscribe", "hub.mode=subscribe&hub.challenge=%FF"):
        with pytest.raises(InvalidPayload):
            channel.handshake(ask(malformed), secret)
    assert channel.handshake(request(b"", {}), secret) is None
