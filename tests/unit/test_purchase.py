"""Purchases: what is there is right, or the interaction is refused by the field's name."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.interaction import parse_interaction
from enlace.domain.purchase import Purchase, PurchaseItem, validate_purchase
from enlace.domain.service import NATURES, nature_of
from enlace.errors import InvalidInteraction

VALUE = {"amount": 1990, "currency": "BRL"}


def test_a_full_purchase_is_read() -> None:
    purchase = validate_purchase(
        {
            "order_id": "A-1",
            "value": VALUE,
            "store": {"kind": "partner", "id": "loja-7"},
            "items": [
                {"sku": "X", "name": "Café", "category": "c", "quantity": 2, "unit_price": 500},
                {"quantity": 0.75, "unit_price": {"amount": 1320, "currency": "USD"}},
                {},
            ],
            "coupon": "ignored",
        }
    )
    assert purchase == Purchase(
        order_id="A-1",
        amount_minor=1990,
        currency="BRL",
        store_kind="partner",
        store_id="loja-7",
        items=(
            PurchaseItem("X", "Café", "c", 2, 500, "BRL"),
            PurchaseItem(None, None, None, 0.75, 1320, "USD"),
            PurchaseItem(),
        ),
    )


@pytest.mark.parametrize("data", [{}, {"value": None, "items": None, "store": None}])
def test_what_is_not_known_may_be_left_out(data: dict[str, Any]) -> None:
    assert validate_purchase(data) == Purchase()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"order_id": 7}, "data.order_id"),
        ({"order_id": ""}, "data.order_id"),
        ({"order_id": "\ud800"}, "data.order_id"),
        ({"order_id": "x" * 513}, "data.order_id"),
        ({"value": 1990}, "data.value"),
        ({"value": {"currency": "BRL"}}, "data.value.amount"),
        ({"value": {**VALUE, "amount": "1990"}}, "data.value.amount"),
        ({"value": {**VALUE, "amount": 19.9}}, "data.value.amount"),
        ({"value": {**VALUE, "amount": 1990.0}}, "data.value.amount"),
        ({"value": {**VALUE, "amount": True}}, "data.value.amount"),
        ({"value": {**VALUE, "amount": -1}}, "data.value.amount"),
        ({"value": {**VALUE, "amount": 10**15 + 1}}, "data.value.amount"),
        ({"value": {"amount": 1}}, "data.value.currency"),
        ({"value": {"amount": 1, "currency": "R$"}}, "data.value.currency"),
        ({"value": {"amount": 1, "currency": "brl"}}, "data.value.currency"),
        ({"value": {"amount": 1, "currency": "BRL\n"}}, "data.value.currency"),
        ({"store": "online"}, "data.store"),
        ({"store": {"kind": "kiosk"}}, "data.store.kind"),
        ({"store": {"kind": ["own"]}}, "data.store.kind"),
        ({"store": {"id": 3}}, "data.store.id"),
        ({"items": {}}, "data.items"),
        ({"items": [{}] * 501}, "data.items"),
        ({"items": [{}, "X"]}, "data.items[1]"),
        ({"items": [{"sku": 1}]}, "data.items[0].sku"),
        ({"items": [{"quantity": 0}]}, "data.items[0].quantity"),
        ({"items": [{"quantity": True}]}, "data.items[0].quantity"),
        ({"items": [{"quantity": float("nan")}]}, "data.items[0].quantity"),
        ({"items": [{"quantity": float("inf")}]}, "data.items[0].quantity"),
        ({"items": [{"unit_price": 1.5}]}, "data.items[0].unit_price"),
        ({"items": [{"unit_price": {"amount": 1}}]}, "data.items[0].unit_price.currency"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(data: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInteraction) as caught:
        validate_purchase(data)
    assert caught.value.reason.partition(":")[0] == field


def test_interactions_are_refused_for_a_wrong_purchase_only_if_they_are_orders() -> None:
    body = {
        "channel": "shop",
        "source_id": "1",
        "contact_point": {"kind": "email", "value": "ana@example.com"},
        "data": {"value": "19,90"},
    }
    now = "2026-11-20T00:00:00.000Z"
    for type_ in ("order.placed", "order.paid", "order.refunded", "order.cancelled"):
        with pytest.raises(InvalidInteraction, match=r"data\.value"):
            parse_interaction({**body, "type": type_}, received_at=now)
    tracked = parse_interaction({**body, "type": "event.tracked"}, received_at=now)
    assert tracked.data == {"value": "19,90"}


def test_reasons_never_carry_values() -> None:
    with pytest.raises(InvalidInteraction) as caught:
        validate_purchase({"order_id": ["joao@example.com"]})
    assert "joao" not in caught.value.reason


def test_natures_of_the_contract_count_and_other_words_do_not() -> None:
    assert [nature_of({"nature": nature}) for nature in NATURES] == list(NATURES)
    assert [nature_of(d) for d in ({}, {"nature": "rant"}, {"nature": ["praise"]})] == [None] * 3
