"""What a record says of a person, whatever form it comes in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.trait_fields import TRAITS
from enlace.matching.blocking import MAX_KEYS, blocking_keys
from enlace.matching.compare import LEVELS, compare
from enlace.matching.features import MAX_VALUES, Features, Name, features_of
from enlace.matching.weights import default_weights, score
from tests.unit.matching.people import person


def test_names_lose_particles_and_accents_however_they_are_split() -> None:
    whole = person(name="Ana Beatriz da Conceição e Silva")
    assert whole.names == (Name("ana", ("beatriz", "conceicao", "silva")),)
    assert person(first_name="Ana Beatriz", last_name="da Conceição e Silva").names == whole.names
    assert person(firstName="Ana Beatriz", lastName="Conceicao Silva").names == whole.names
    assert person(surname="Silva").names == (Name("", ("silva",)),)


@pytest.mark.parametrize("text", ["1980-05-31", "19800531", "31/05/1980", 19800531])
def test_birth_dates_have_one_form(text: Any) -> None:
    assert person(birth_date=text).births == person(date_of_birth=text).births == ("1980-05-31",)


def test_a_mistyped_birth_date_still_says_something_and_a_placeholder_nothing() -> None:
    assert person(birthday="19805031").births == ("1980-50-31",)
    assert person(birthday="1900-01-01").births == person(birthday="0000-00-00").births == ()


def test_addresses_come_whole_in_parts_and_as_objects() -> None:
    parts = person(street="Rua das Acácias", street_number=12, city="São Paulo", cep="01310-100")
    assert parts.streets == ("acacias",)
    whole = person(address="Rua das Acácias, 12, apto 3", city="Sao  Paulo", postcode="01310100")
    assert whole.streets == parts.streets
    assert whole.street_numbers == parts.street_numbers == ("12",)
    nested = person(
        address={"street": "R. das Acácias", "city": "São Paulo", "postalCode": "01310100"}
    )
    assert nested.cities == whole.cities == parts.cities == ("saopaulo",)
    assert nested.postal_codes == whole.postal_codes == parts.postal_codes == ("01310100",)
    assert nested.streets == parts.streets
    assert person(state="São Paulo").states == person(uf="SP").states == ("sp",)


def test_the_ninth_digit_makes_no_difference() -> None:
    with_it, without = person("phone", "+5511987654321"), person(phone="(11) 8765-4321")
    assert with_it.phones == without.phones == ("87654321",)
    assert person(phone="0000-0000").phones == person(phone="190").phones == ()


def test_contact_points_are_features_themselves() -> None:
    assert person("email", "Joao.Silva+loja@example.com").emails == ("joaosilva",)
    assert person("email", "contato@example.com").emails == ()
    assert person("device:app", "a1b2").devices == ("a1b2",)
    assert person("x", "joao_silva").handles == person(x_username="@joao.silva").handles
    assert person("instagram:17", "1784140").handles == (), "a number is no handle"
    assert person("cpf", "52998224725") == Features()


def test_the_newest_values_stay() -> None:
    values = {json.dumps(city): [f"2026-11-1{n}", "0", "x"] for n, city in enumerate("abcdefg")}
    kept = features_of("record:crm", "1", {"city": values}).cities
    assert kept == ("g", "f", "e")
    assert len(kept) == MAX_VALUES


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
ENTRIES = st.lists(st.text(max_size=10), max_size=4) | JSON
STORED = st.dictionaries(JSON.map(json.dumps) | st.text(max_size=8), ENTRIES, max_size=3) | JSON
WILD = st.dictionaries(
    st.sampled_from([*TRAITS, "birth_date", "Address", "first_name"]) | st.text(max_size=8),
    STORED,
    max_size=6,
)
KIND = st.sampled_from(["phone", "email", "x", "device:a", "record:b", ""])


@settings(max_examples=60, deadline=None)
@given(KIND, st.text(max_size=20), WILD, KIND, st.text(max_size=20), WILD)
def test_malformed_traits_never_raise_and_order_makes_no_difference(
    kind: str, value: str, left: Any, other_kind: str, other_value: str, right: Any
) -> None:
    a, b = features_of(kind, value, left), features_of(other_kind, other_value, right)
    for one in (a, b):
        assert len(blocking_keys(one)) <= MAX_KEYS
        assert blocking_keys(one) == blocking_keys(one)
    forth, back = compare(a, b), compare(b, a)
    assert forth.levels == back.levels
    assert all(level in LEVELS[name] for name, level in forth.levels.items())
    weights = default_weights()
    assert score(forth, weights) == score(back, weights)
    assert 0 <= score(forth, weights).probability <= 1
