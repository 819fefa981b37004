"""Interactions as JSON: right ones, and ones that somebody spoiled."""

from __future__ import annotations

import copy
from typing import Any, get_args

from hypothesis import strategies as st

from enlace.contracts.interaction import (
    Identifier,
    Interaction,
    InteractionType,
    Money,
    Purchase,
    PurchaseItem,
)

KINDS = st.sampled_from(["email", "phone", "cpf", "user_id", "messenger:1029", "device:loja"])
LEVELS = st.sampled_from(["proven", "stated", "imported"])
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda text: bool(text.strip())
)
SHORT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
UUIDS = st.uuids().map(str)

#: Times of the contract, as vendors may write them.
TIMES = st.one_of(
    st.datetimes()
    .map(lambda t: t.replace(year=2000 + t.year % 99))
    .map(lambda t: f"{t:%Y-%m-%dT%H:%M:%S}.{t.microsecond // 1000:03d}Z"),
    st.sampled_from(
        [
            "2026-11-20T12:34:56Z",
            "2026-11-20T12:34:56.123456+00:00",
            "2026-11-20T09:34:56.5-03:00",
            "2026-11-20 12:34Z",
            "20261120T123456Z",
            "1970-01-01T00:00:00.000Z",
            "9998-12-31T23:59:59.999Z",
        ]
    ),
)

JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=20)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(max_size=8), JSON, max_size=3)

#: Values that sit on an edge of some rule, which random JSON would rarely hit.
EDGES: list[Any] = [
    None, "", " ", "\t", "\x85", "\u00a0", "\ufeff", "x\n", "x" * 512, "x" * 513, "\ud800",
    "é" * 512, 0, -1, 1, 1.0, 1.5, 10**15, 10**15 + 1, 10**9, 10**9 + 1, True, False, [], {},
    [{}], [None], "proven", "inbound", "order.placed", "message.sent", "BRL", "BRL\n", "brl",
    "email", "Email", "email:", "email:a b", "email:a#b", "email:a\u00a0b", "e" * 32, "e" * 33,
    "k:" + "x" * 128, "k:" + "x" * 129, "messenger:\ud800", "a.b-c", "whatsapp\n",
    "3E1D6D12-7D9C-5DB6-8E12-2D5B8A9F6F01", "3e1d6d127d9c5db68e122d5b8a9f6f01",
    "{3e1d6d12-7d9c-5db6-8e12-2d5b8a9f6f01}", " 3e1d6d12-7d9c-5db6-8e12-2d5b8a9f6f0",
    "2026-11-20", "2026-11-20T12:00:00", "2026-11-20T12:00:00Z", "2026-02-30T12:00:00Z",
    "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+14:00", "9999-01-01T00:00:00Z",
    "2026-11-20T12:00:00.000Z\n", "٢٠٢٦-11-20T12:00:00.000Z", "now", 1763640000,
    [{"kind": "email", "value": "ana@example.com"}] * 20,
    [{"kind": "email", "value": "ana@example.com"}] * 21,
    {"amount": 1, "currency": "BRL"}, {"amount": 1.0, "currency": "BRL"}, {"amount": True},
    {"kind": "online"}, {"kind": None}, [{"quantity": 0}], [{"quantity": 0.5}],
    [{"unit_price": {"amount": 1, "currency": "BRL"}}], [{"unit_price": 1.5}],
]  # fmt: skip


def identifiers() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": KINDS, "value": VALUES}, optional={"level": LEVELS})


def money() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"amount": st.integers(0, 10**15), "currency": st.sampled_from(["BRL", "USD", "XTS"])}
    )


def purchases() -> st.SearchStrategy[dict[str, Any]]:
    item = st.fixed_dictionaries(
        {},
        optional={
            "sku": SHORT,
            "name": SHORT,
            "category": st.none() | SHORT,
            "quantity": st.integers(1, 99) | st.floats(0.001, 99.0),
            "unit_price": st.integers(0, 10**6) | money(),
        },
    )
    store = st.fixed_dictionaries(
        {}, optional={"kind": st.sampled_from(["own", "partner", "online"]), "id": SHORT}
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "order_id": SHORT,
            "value": money(),
            "store": store,
            "items": st.lists(item, max_size=3),
        },
    )


@st.composite
def interactions(draw: st.DrawFn) -> dict[str, Any]:
    """Interactions that the contract accepts."""
    type_ = draw(st.sampled_from(get_args(InteractionType)))
    data = purchases() if type_.startswith("order.") else OBJECTS
    body: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {
                "channel": st.sampled_from(["whatsapp", "twilio.sms", "shop_2", "e-mail"]),
                "contact_point": identifiers(),
            },
            optional={
                "account": st.none() | SHORT,
                "direction": st.sampled_from(["inbound", "outbound"]),
                "occurred_at": st.none() | TIMES,
                "received_at": TIMES,
                "identifiers": st.none() | st.lists(identifiers(), max_size=4),
                "traits": st.none() | OBJECTS,
                "conversation": OBJECTS,
                "data": data,
                "unheard_of": JSON,
            },
        )
    )
    named = draw(st.sampled_from(["id", "source_id", "both"]))
    if named != "source_id":
        body["id"] = draw(UUIDS)
    if named != "id":
        body["source_id"] = draw(SHORT)
    return {**body, "type": type_}


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    """Interactions with one to three of their parts replaced, added or removed."""
    body: Any = copy.deepcopy(draw(interactions()))
    for _ in range(draw(st.integers(1, 3))):
        body = _spoil(draw, body)
    return body


_FIELDS = sorted(
    {
        name
        for model in (Interaction, Identifier, Purchase, PurchaseItem, Money)
        for name in model.model_fields
    }
)


def _spoil(draw: st.DrawFn, node: Any) -> Any:
    """``node`` with a random place below it (or itself) changed."""
    if not node or not isinstance(node, (dict, list)) or draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(EDGES) | JSON)
    if isinstance(node, list):
        place = draw(st.integers(0, len(node) - 1))
        return [*node[:place], _spoil(draw, node[place]), *node[place + 1 :]]
    name = draw(st.sampled_from(sorted(node)) | st.sampled_from(_FIELDS))
    if name not in node:
        return {**node, name: draw(st.sampled_from(EDGES) | JSON)}
    if draw(st.integers(0, 3)) == 0:
        return {key: value for key, value in node.items() if key != name}
    if isinstance(node[name], (dict, list)) and node[name]:
        return {**node, name: _spoil(draw, node[name])}
    return {**node, name: draw(st.sampled_from(EDGES) | JSON)}
