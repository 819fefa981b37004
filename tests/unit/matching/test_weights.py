"""Scores: what corroborates counts, what many share counts little, what is missing nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from enlace.errors import InvalidWeights
from enlace.matching.compare import Comparison, compare
from enlace.matching.weights import Score, default_weights, load_weights, score
from tests.unit.matching.people import person

WEIGHTS = default_weights()


def likeness(left: dict[str, Any], right: dict[str, Any]) -> Score:
    return score(compare(person(**left), person(**right)), WEIGHTS)


def test_homonyms_rank_low_until_something_corroborates() -> None:
    name = {"name": "João da Silva"}
    alone = likeness(name, name)
    assert alone.probability < 0.1
    in_the_metropolis = likeness({**name, "city": "São Paulo"}, {**name, "city": "São Paulo"})
    assert in_the_metropolis.probability < 0.5
    born = {**name, "birth_date": "1980-05-31"}
    assert likeness(born, born).probability > 0.9
    other = likeness(born, {**name, "birth_date": "1991-02-14"})
    assert other.probability < 0.001


def test_a_rare_name_tells_more_than_a_common_one() -> None:
    common = likeness({"name": "Maria Silva"}, {"name": "Maria Silva"})
    rare = likeness({"name": "Hermínia Zanotto"}, {"name": "Herminia Zanotto"})
    assert rare.probability > 0.9 > 0.1 > common.probability
    shared = likeness({"name": "Ana Silva Braga"}, {"name": "Ana Silva Prado"})
    telling = likeness({"name": "Ana Zanotto Braga"}, {"name": "Ana Zanotto Prado"})
    assert telling.bits > shared.bits + 4


def test_people_of_one_household_are_not_one_person() -> None:
    home = {"city": "Recife", "state": "PE", "cep": "50030-150", "address": "Rua da Aurora, 85"}
    wife = {**home, "name": "Carla Zanotto Prado", "birth_date": "1980-05-31"}
    husband = {**home, "name": "Otávio Zanotto Prado", "birth_date": "1978-11-02"}
    assert likeness(wife, husband).probability < 0.01
    unknown = {**home, "name": "Otávio Zanotto Prado"}
    assert likeness(wife, unknown).probability < 0.1
    moved = {**wife, "cep": "01310-100", "city": "São Paulo", "address": "Rua Augusta, 1200"}
    assert likeness(wife, moved).probability > 0.9


def test_a_son_named_after_his_father_is_another_person() -> None:
    father, son = {"name": "Otávio Zanotto Prado"}, {"name": "Otávio Zanotto Prado Filho"}
    assert likeness(son, son).probability > likeness(father, father).probability
    assert likeness(father, son).probability < likeness(father, father).probability - 0.1
    alike = likeness(father, son).reasons
    assert any(reason["field"] == "relatives" and reason["weight"] < 0 for reason in alike)


def test_a_missing_field_counts_neither_for_nor_against() -> None:
    whole = {"name": "Ana Braga", "birth_date": "1980-05-31"}
    without = likeness(whole, {"name": "Ana Braga"})
    assert without == likeness({"name": "Ana Braga"}, {"name": "Ana Braga"})
    named = {reason["field"] for reason in without.reasons}
    assert named - {"relatives"} == {"given_name", "surname"}
    nothing = likeness({"name": "Ana"}, {"city": "Recife"})
    assert (nothing.bits, nothing.reasons) == (0.0, [])
    assert nothing.probability == pytest.approx(WEIGHTS.prior, rel=0.01)


def test_another_handle_or_address_tells_nothing() -> None:
    found = likeness({"username": "lua_nova"}, {"username": "xandegamer"})
    assert found.bits == 0


def test_reasons_carry_no_values_and_add_up() -> None:
    whole = {"name": "Ana Zanotto", "birth_date": "1980-05-31", "cep": "50030-150"}
    found = likeness(whole, {**whole, "birth_date": "1980-05-13"})
    assert all(set(reason) == {"field", "level", "weight"} for reason in found.reasons)
    assert "zanotto" not in json.dumps(found.reasons)
    assert sum(r["weight"] for r in found.reasons) == pytest.approx(found.bits, abs=0.05)
    assert [abs(r["weight"]) for r in found.reasons] == sorted(
        (abs(r["weight"]) for r in found.reasons), reverse=True
    )


def test_among_more_records_the_same_likeness_proves_less() -> None:
    comparison = compare(person(name="Rita Zanotto"), person(name="Rita Zanotto"))
    few, many = WEIGHTS.among(1_000), WEIGHTS.among(10_000_000)
    assert score(comparison, few).probability > score(comparison, many).probability


def test_what_the_weights_do_not_know_counts_nothing() -> None:
    known = replace(WEIGHTS, fields={})
    assert score(Comparison({"birth_date": "exact"}), known).bits == 0


def test_a_file_comes_back_as_it_was_written() -> None:
    assert load_weights(WEIGHTS.to_json()) == WEIGHTS


def wrong(change: dict[str, Any]) -> str:
    return json.dumps({**json.loads(WEIGHTS.to_json()), **change})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[]", "must be an object"),
        (wrong({"prior": 0}), "prior"),
        (wrong({"prior": True}), "prior"),
        (wrong({"records": 1}), "records"),
        (wrong({"version": ""}), "version"),
        (wrong({"fields": {"shoe": {}}}), "shoe"),
        (wrong({"fields": {"city": {"near": {"m": 0.5, "u": 0.5}}}}), "near"),
        (wrong({"fields": {"city": {"exact": {"m": 1.5, "u": 0.5}}}}), "fields.city.exact"),
        (wrong({"fields": {"city": {"exact": 3}}}), "fields.city.exact"),
        (wrong({"terms": {"surname": {"default": 0.1}}}), "shares"),
        (wrong({"terms": {"surname": {"default": 0.1, "shares": {"x": "y"}}}}), "terms.surname"),
        (wrong({"terms": None}), "terms"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text: str, told: str) -> None:
    with pytest.raises(InvalidWeights, match=told):
        load_weights(text)
