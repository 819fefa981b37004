"""The hot path's reader and the pydantic model are one contract.

Both get the same objects, right and spoiled; they must accept the same ones and
make the same of them.
"""

from __future__ import annotations

import json
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from enlace.contracts.examples import INTERACTION, ORDER, OUTCOME
from enlace.contracts.interaction import Interaction, InteractionType, Nature
from enlace.contracts.schema import interaction_schema
from enlace.domain.interaction import LEVELS, TYPES, parse_interaction
from enlace.domain.purchase import STORE_KINDS
from enlace.domain.service import NATURES
from enlace.errors import InvalidInteraction
from tests.contract.strategies import EDGES, interactions, spoiled

NOW = "2026-11-22T00:00:00.000Z"
SCHEMA = jsonschema.Draft202012Validator(interaction_schema())


def by_domain(body: Any) -> Any:
    """What the domain makes of it; None if it refuses."""
    try:
        return parse_interaction(body, received_at=NOW).to_dict()
    except InvalidInteraction:
        return None


def by_model(body: Any) -> Any:
    """What the model makes of it; None if it refuses."""
    try:
        return Interaction.model_validate(body).normalised(NOW)
    except ValidationError:
        return None


def same(a: Any, b: Any) -> bool:
    # As text, because NaN, which Python's JSON lets through, differs from itself,
    # and because 1 == 1.0 == True.
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


@settings(max_examples=200, deadline=None)
@given(interactions())
def test_right_interactions_are_accepted_by_both_alike(body: dict[str, Any]) -> None:
    read = by_domain(body)
    assert read is not None
    assert same(read, by_model(body))
    assert same(by_domain(read), read), "reading its own writing changes nothing"
    SCHEMA.validate({**read, "data": read.get("data", {})})


@settings(max_examples=400, deadline=None)
@given(spoiled())
@example({**INTERACTION, "identifiers": 0})
@example({**INTERACTION, "identifiers": ""})
@example({**INTERACTION, "id": "+e1d6d12-7d9c-5db6-8e12-2d5b8a9f6f01"})
@example({**INTERACTION, "id": None, "source_id": ""})
@example({**ORDER, "data": {"items": [{"quantity": float("nan")}]}})
@example({**ORDER, "data": {"value": {"amount": 1.0, "currency": "BRL"}}})
def test_spoiled_interactions_are_judged_by_both_alike(body: Any) -> None:
    assert same(by_domain(body), by_model(body))


#: Paths to every field of the contract, for the edges to be tried at each of them.
PLACES = [
    *((name,) for name in Interaction.model_fields),
    *((("contact_point", name)) for name in ("kind", "value", "level")),
    *((("identifiers", 0, name)) for name in ("kind", "value", "level")),
    *((("data", name)) for name in ("order_id", "value", "store", "items")),
    *((("data", "value", name)) for name in ("amount", "currency")),
    *((("data", "store", name)) for name in ("kind", "id")),
    *(("data", "items", 0, n) for n in ("sku", "name", "category", "quantity", "unit_price")),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_every_edge_at_every_field_is_judged_by_both_alike(place: tuple[str | int, ...]) -> None:
    refused = 0
    for value in EDGES:
        body = json.loads(json.dumps({**ORDER, "identifiers": [ORDER["contact_point"]]}))
        assert by_domain(body) is not None
        node = body
        for step in place[:-1]:
            node = node[step]
        node[place[-1]] = value
        read = by_domain(body)
        assert same(read, by_model(body)), f"{place} = {value!r}"
        refused += read is None
    assert refused > 10


@settings(max_examples=200, deadline=None)
@given(spoiled())
def test_the_published_schema_refuses_nothing_that_is_sent_as_it_says(body: Any) -> None:
    # One way only: JSON Schema cannot say all (real dates, blank text), and readers
    # also take null for "absent". What we send on the queue it must accept.
    read = by_domain(body)
    if read is not None:
        SCHEMA.validate(read)


@given(st.sampled_from([INTERACTION, ORDER, OUTCOME]))
def test_the_examples_are_in_normal_form(body: dict[str, Any]) -> None:
    assert by_domain(body) == body == by_model(body)


def test_both_know_the_same_words() -> None:
    assert frozenset(get_args(InteractionType)) == TYPES
    assert get_args(Nature) == NATURES
    definitions = interaction_schema()["$defs"]
    assert definitions["Store"]["properties"]["kind"]["anyOf"][0]["enum"] == list(STORE_KINDS)
    assert sorted(definitions["Identifier"]["properties"]["level"]["enum"]) == sorted(LEVELS)


def test_errors_of_the_model_about_purchases_name_fields_and_no_values() -> None:
    with pytest.raises(ValidationError) as caught:
        Interaction.model_validate({**ORDER, "data": {"order_id": ["joao@example.com"]}})
    (error,) = caught.value.errors()
    assert "data.order_id" in error["msg"]
    assert "joao" not in error["msg"]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2026-11-20T12:34:56.123Z", "2026-11-20T12:34:56.123Z"),
        ("2026-11-20T09:34:56.1239-03:00", "2026-11-20T12:34:56.123Z"),
        ("2026-11-20T12:34:56Z", "2026-11-20T12:34:56.000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("9998-12-31T23:59:59.999Z", "9998-12-31T23:59:59.999Z"),
        ("1969-12-31T23:59:59Z", None),
        ("9999-01-01T00:00:00Z", None),
        ("2026-11-20T12:34:56", None),
        ("2026-02-30T00:00:00Z", None),
        ("20 Nov 2026", None),
        (1763640000, None),
    ],
)
def test_times_which_both_read_by_the_same_function(said: Any, read: str | None) -> None:
    for body in (
        by_domain({**ORDER, "occurred_at": said}),
        by_model({**ORDER, "occurred_at": said}),
    ):
        assert (body and body["occurred_at"]) == read
