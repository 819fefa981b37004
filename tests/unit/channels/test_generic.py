"""The generic webhook: our own contract, from anybody who can sign."""

from __future__ import annotations

import pytest

from enlace.channels import generic
from enlace.channels.base import Interaction, Rejected
from enlace.errors import InvalidPayload
from local.sign import sample
from tests.unit.channels.support import RECEIVED_AT, parse, parse_sample, request_of, secret_of


def test_the_channel_defaults_to_the_source() -> None:
    [order] = parse_sample("generic", "order_pos")
    assert order.channel == "pos"
    assert order.data["value"] == {"amount": 8970, "currency": "BRL"}
    complaints = parse_sample("generic", "complaints_list")
    assert {c.channel for c in complaints} == {"reclame_aqui"}


def test_an_item_without_an_id_gets_the_deliverys() -> None:
    item = sample("generic", "order_pos")
    del item["source_id"]
    request = request_of("generic", [item, item])
    first, second = generic.parse(request, secret_of("generic"))
    assert isinstance(first, Interaction) and isinstance(second, Interaction)
    assert first.source_id == request.headers["webhook-id"] + "/0"
    assert first.id != second.id
    assert generic.parse(request, secret_of("generic")) == [first, second]


def test_the_sender_does_not_say_when_we_received_it() -> None:
    item = {**sample("generic", "order_pos"), "received_at": "2001-01-01T00:00:00.000Z"}
    [order] = parse("generic", item)
    assert isinstance(order, Interaction)
    assert order.received_at == RECEIVED_AT


def test_a_bad_item_is_rejected_alone_and_as_it_came() -> None:
    good = sample("generic", "order_pos")
    bad = {**good, "type": "order.dreamt"}
    found = parse("generic", [good, bad, 7])
    assert isinstance(found[0], Interaction)
    assert found[1:] == [
        Rejected("type: not a type of the contract", bad),
        Rejected("interaction: must be an object", 7),
    ]


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'"x"', b"null", b"{", b"\xff{}"])
def test_bodies_that_are_no_interactions(body: bytes) -> None:
    if body in (b"7", b'"x"', b"null"):
        with pytest.raises(InvalidPayload, match="must be an interaction"):
            parse("generic", body)
    else:
        with pytest.raises(InvalidPayload):
            parse("generic", body)
