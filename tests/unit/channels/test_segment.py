"""The tracking API: whom to believe, exact money, limits, compressed bodies."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enlace.channels import segment
from enlace.channels.base import Interaction, Rejected, Request
from enlace.domain.interaction import Identifier
from enlace.errors import InvalidPayload, InvalidSignature, PayloadTooLarge
from local.sign import sample
from tests.unit.channels.support import RECEIVED_AT, parse, parse_sample, request_of, secret_of

KEY = "sample-write-key"
ANONYMOUS = "507f191e-810c-4972-9bd2-0d1f0a5b0001"


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def call(path: str, body: Any, headers: dict[str, str] | None = None) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", path, "", basic(KEY) if headers is None else headers, raw, RECEIVED_AT)


def track(name: str, **properties: Any) -> Any:
    event = {
        "type": "track",
        "messageId": "m1",
        "timestamp": "2026-11-20T12:00:00.000Z",
        "userId": "u1",
        "event": name,
        "properties": properties,
    }
    [found] = parse("segment", event)
    return found


def test_a_public_key_states_who_it_is() -> None:
    [identified] = parse_sample("segment", "identify")
    assert identified.contact_point == Identifier("user_id", "cliente-1001", "stated")
    assert identified.identifiers == (
        Identifier("anonymous_id:default", ANONYMOUS, "stated"),
        Identifier("email", "joao.silva@example.com", "stated"),
        Identifier("phone", "+5511987650001", "stated"),
    )
    assert identified.traits["name"] == "João da Silva"
    assert "email" not in identified.traits


def test_only_a_servers_key_proves_a_user_id_and_nothing_else() -> None:
    secret = {"write_key": KEY, "server_write_keys": {"loja": "server-key"}}
    event = sample("segment", "identify")
    # A library name is easily written, so it changes nothing.
    event["context"]["library"]["name"] = "analytics-python"
    for headers, level, source in (
        (basic("server-key"), "proven", "loja"),
        (basic(KEY), "stated", "default"),
    ):
        [found] = segment.parse(call("/v1/identify", event, headers), secret)
        assert isinstance(found, Interaction)
        assert found.contact_point.level == level
        assert found.account == source
        assert {i.level for i in found.identifiers} == {"stated"}
        assert found.identifiers[0].kind == f"anonymous_id:{source}"


def test_a_batch_becomes_the_contracts_types() -> None:
    assert [i.type for i in parse_sample("segment", "batch")] == [
        "cart.updated",
        "order.placed",
        "screen.viewed",
        "event.tracked",
        "customer.identified",
        "order.refunded",
        "event.tracked",
    ]


def test_a_cart_can_be_resumed_and_does_not_show_what_was_taken_out() -> None:
    url = "https://loja.example.com/carrinho/77"
    added = track("Product Added", cart_id="77", sku="CAFE500", resume_url=url)
    assert (added.data["cart_id"], added.data["resume_url"]) == ("77", url)
    assert added.data["items"] == [{"sku": "CAFE500"}]
    removed = track("Product Removed", cart_id="77", sku="CAFE500")
    assert removed.type == "cart.updated"
    assert "items" not in removed.data


def test_orders_carry_exact_minor_units() -> None:
    order = next(i for i in parse_sample("segment", "batch") if i.type == "order.placed")
    assert order.data["value"] == {"amount": 8970, "currency": "BRL"}
    assert order.data["store"] == {"kind": "online", "id": "loja.example.com"}
    assert order.data["items"] == [
        {
            "quantity": 2,
            "sku": "CAFE500",
            "name": "Café 500 g",
            "category": "Mercearia",
            "unit_price": 3990,
        }
    ]


@given(minor=st.integers(0, 10**12))
def test_every_amount_of_centavos_survives_the_float(minor: int) -> None:
    order = track("Order Completed", order_id="1", total=minor / 100, currency="BRL")
    assert order.data["value"]["amount"] == minor


@pytest.mark.parametrize(
    ("total", "currency", "amount"),
    [
        (0.1 + 0.2, "BRL", 30),
        (1.005, "BRL", 101),
        ("19.90", "brl", 1990),
        (1500, "JPY", 1500),
        (1.2345, "KWD", 1235),
        (0, "BRL", 0),
    ],
)
def test_amounts_by_currency(total: Any, currency: str, amount: int) -> None:
    order = track("order completed", total=total, currency=currency)
    assert order.data["value"] == {"amount": amount, "currency": currency.upper()}


@pytest.mark.parametrize(
    "total", ["1,99", "NaN", "Infinity", "1e999999999", -1, True, [], {}, 1e300, "1" * 5000, "ção"]
)
def test_amounts_that_are_none_reject_the_order(total: Any) -> None:
    assert isinstance(track("Order Completed", total=total, currency="BRL"), Rejected)


def test_money_without_a_currency_is_left_out_and_never_guessed() -> None:
    assert "value" not in track("Order Completed", total=10).data
    request = request_of("segment", sample("segment", "batch"))
    event = {
        "userId": "u",
        "messageId": "m",
        "event": "Order Completed",
        "properties": {"total": 1},
    }
    request = call("/v1/track", event)
    [found] = segment.parse(request, {**secret_of("segment"), "currency": "BRL"})
    assert isinstance(found, Interaction)
    assert found.data["value"] == {"amount": 100, "currency": "BRL"}


def test_a_refund_has_no_sign() -> None:
    refund = track("Order Refunded", order_id="1", total=-39.9, currency="BRL")
    assert refund.data["value"]["amount"] == 3990


def test_addresses_and_agents_of_the_visitor_are_not_kept() -> None:
    [page] = parse_sample("segment", "page")
    assert set(page.data["context"]) == {"page", "locale"}
    assert "203.0.113.7" not in json.dumps(page.to_dict())


@pytest.mark.parametrize(
    "path", ["/v1/t", "/v1/track", "/v1/track/", "/v1/batch", "/v1/b", "/v1/import"]
)
def test_long_and_short_paths(path: str) -> None:
    event = {"type": "track", "event": "x", "userId": 7, "messageId": "m"}
    single = path.rstrip("/").endswith(("track", "t")) and not path.endswith("import")
    body = event if single else {"batch": [event]}
    [found] = segment.parse(call(path, body), secret_of("segment"))
    assert isinstance(found, Interaction)
    assert found.contact_point.value == "7"


def test_analytics_js_sends_the_key_in_the_body() -> None:
    event = {**sample("segment", "page"), "writeKey": KEY}
    request = call("/v1/p", event, headers={"content-type": "text/plain"})
    segment.verify(request, secret_of("segment"))
    [found] = segment.parse(request, secret_of("segment"))
    assert isinstance(found, Interaction)
    with pytest.raises(InvalidSignature):
        segment.verify(call("/v1/p", {**event, "writeKey": "no"}, {}), secret_of("segment"))


def gzipped(body: Any) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return call("/v1/batch", gzip.compress(raw), {**basic(KEY), "content-encoding": "gzip"})


def test_compressed_bodies() -> None:
    found = segment.parse(gzipped(sample("segment", "batch")), secret_of("segment"))
    assert len(found) == 7
    for broken in (b"no gzip", gzip.compress(b"{}")[:-4], b""):
        request = dataclasses.replace(gzipped({}), body=broken)
        with pytest.raises(InvalidPayload):
            segment.parse(request, secret_of("segment"))
    with pytest.raises(PayloadTooLarge):
        segment.parse(gzipped(b" " * 50_000_000), secret_of("segment"))


def test_an_oversize_event_is_rejected_alone() -> None:
    large = {"type": "track", "event": "x", "userId": "u", "messageId": "big"}
    large = {**large, "properties": {"text": "ã" * 20_000}}
    small = {"type": "track", "event": "x", "userId": "u", "messageId": "small"}
    body = json.dumps({"batch": [large, small]}, ensure_ascii=False).encode()
    found = segment.parse(call("/v1/batch", body), secret_of("segment"))
    assert isinstance(found[0], Rejected) and found[0].reason == "the event is too large"
    assert isinstance(found[1], Interaction)


def test_an_event_must_name_somebody() -> None:
    [found] = parse("segment", {"type": "track", "event": "x", "messageId": "m"})
    assert isinstance(found, Rejected)


def test_repetitions_without_a_message_id() -> None:
    event = {"type": "track", "event": "x", "userId": "u", "timestamp": "2026-11-20T12:00:00Z"}
    secret = secret_of("segment")

    def id_of(event: dict[str, Any], received_at: str) -> str:
        request = dataclasses.replace(call("/v1/track", event), received_at=received_at)
        [found] = segment.parse(request, secret)
        assert isinstance(found, Interaction)
        return found.id

    later = "2026-11-20T13:41:00.000Z"
    # The time of sending changes at each try; the event's own does not.
    assert id_of(event, RECEIVED_AT) == id_of({**event, "sentAt": "2026-11-20T12:01:00Z"}, later)
    del event["timestamp"]
    assert id_of(event, RECEIVED_AT) != id_of(event, later)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer x"}, basic("other"), basic("")])
def test_unknown_keys(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidSignature):
        segment.verify(call("/v1/track", {"userId": "u"}, headers), secret_of("segment"))


def test_what_the_browser_says_of_sharing_goes_along_and_only_then() -> None:
    event = {"messageId": "m1", "userId": "u1", "event": "Order Viewed"}
    consent = {"ad_user_data": "denied", "categoryPreferences": {"Advertising": False, "Ours": 1}}
    with_header = {**basic(KEY), "sec-gpc": "1"}

    def signals(body: Any, headers: dict[str, str] | None = None) -> Any:
        request = call("/v1/track", body, headers)
        [found] = segment.parse(request, secret_of("segment"))
        assert isinstance(found, Interaction)
        return found.data.get("privacy_signals")

    assert signals(event) is None
    assert signals(event, {**basic(KEY), "sec-gpc": "0"}) is None
    assert signals(event, with_header) == {"gpc": "denied"}
    assert signals({**event, "context": {"consent": consent}}, with_header) == {
        "gpc": "denied",
        "ad_user_data": "denied",
        "category_advertising": "denied",
    }
    assert signals({**event, "context": {"consent": "whatever"}}) is None
