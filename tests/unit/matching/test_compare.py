"""How alike two people are, in words that hold no value of theirs."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.errors import InvalidWeights
from enlace.matching.blocking import blocking_keys
from enlace.matching.compare import compare, comparison_of
from tests.unit.matching.people import person


def levels(left: dict[str, Any], right: dict[str, Any]) -> dict[str, str]:
    """Of two people, the same in both directions."""
    a, b = person(**left), person(**right)
    found = compare(a, b)
    assert compare(b, a).levels == found.levels
    return found.levels


@pytest.mark.parametrize(
    ("left", "right", "given", "surname"),
    [
        ("João da Silva", "joao silva", "exact", "exact"),
        ("João da Silva", "João Pedro da Silva", "exact", "shortened"),
        ("Thiago Souza", "Tiago Sousa", "phonetic", "phonetic"),
        ("Marcelo Carvalho", "Marcleo Carvlaho", "close", "close"),
        ("Zé Pereira", "José Pereira", "nickname", "exact"),
        ("Fernandinha Lima", "Fernanda Lima", "nickname", "exact"),
        ("J. P. Silva", "João Paulo Silva", "initial", "shortened"),
        ("João P. S.", "João Paulo Silva", "exact", "initials"),
        ("Maria Souza Lima", "Maria Souza Prado", "exact", "partial"),
        ("Ana Maria Braga", "Ana Mariabraga", "exact", "close"),
        ("Carla Mendes", "Otávio Rocha", "different", "different"),
    ],
)
def test_portuguese_names(left: str, right: str, given: str, surname: str) -> None:
    assert levels({"name": left}, {"name": right}) == {"given_name": given, "surname": surname}


def test_names_typed_into_each_others_field_count_once() -> None:
    found = levels(
        {"first_name": "Cassandra", "last_name": "Rafanelli"},
        {"first_name": "Rafanelli", "last_name": "Casandra"},
    )
    assert found == {"given_name": "swapped"}


@pytest.mark.parametrize(
    ("left", "right", "level"),
    [
        ("1980-05-31", "1980-05-31", "exact"),
        ("1980-05-31", "1980-05-13", "close"),
        ("1980-05-03", "1980-03-05", "close"),
        ("1980-05-31", "1991-05-31", "partial"),
        ("1980-05-31", "1991-06-30", "different"),
    ],
)
def test_birth_dates(left: str, right: str, level: str) -> None:
    assert levels({"birth_date": left}, {"birth_date": right}) == {"birth_date": level}


def test_addresses() -> None:
    home = {
        "address_1": "Rua das Acácias", "address_2": "Edifício Aurora", "street_number": "120",
        "city": "São Paulo", "state": "SP", "cep": "01310-100",
    }  # fmt: skip
    typed = {
        "address_1": "Edificio Aurora", "address_2": "R. das Acacais", "street_number": "102",
        "city": "Sao Paulo", "state": "MG", "cep": "01310-999",
    }  # fmt: skip
    assert levels(home, typed) == {
        "street": "both",
        "street_number": "close",
        "city": "exact",  # and so the state is not asked
        "postal_code": "area",
    }
    assert levels({"state": "sp"}, {"state": "São Paulo"}) == {"state": "exact"}


def test_what_one_side_lacks_is_left_out() -> None:
    assert levels({"name": "Ana Braga", "city": "Recife"}, {"cep": "50030-150"}) == {}


def test_a_handle_is_likened_to_an_address() -> None:
    handle, address = person("x", "joao.prado88"), person("email", "joaoprado88@example.com")
    assert compare(handle, address).levels == {"handle": "email"}
    assert compare(handle, person(username="joao_prado88")).levels == {"handle": "exact"}


def test_the_best_of_several_names_counts() -> None:
    married = {"name": "Ana Braga Prado", "first_name": "Ana", "last_name": "Braga"}
    assert levels(married, {"name": "Ana Braga"}) == {"given_name": "exact", "surname": "exact"}


def test_what_is_kept_of_a_comparison_names_nobody() -> None:
    found = compare(person(name="Ana Braga"), person(name="Ana Braga"))
    assert found.terms
    assert "braga" not in repr(found)
    assert comparison_of(found.levels) == found
    for wrong in (None, [], {"name": "exact"}, {"surname": "Braga"}, {"surname": []}):
        with pytest.raises(InvalidWeights) as caught:
            comparison_of(wrong)
        assert "Braga" not in str(caught.value)


def test_no_key_is_a_name_alone_unless_it_is_long() -> None:
    assert blocking_keys(person(name="João da Silva")) == ()
    assert blocking_keys(person(name="João Pedro da Silva"))
    met = set(blocking_keys(person(name="Tiago Sousa", birth_date="1980-05-31")))
    assert met & set(blocking_keys(person(name="Souza Thiago", birth_date="1980-07-02")))


def test_spellings_and_forms_meet_under_one_key() -> None:
    def meet(left: dict[str, Any], right: dict[str, Any]) -> bool:
        return bool(set(blocking_keys(person(**left))) & set(blocking_keys(person(**right))))

    assert meet({"phone": "+5511987654321"}, {"phone": "1187654321"})
    assert meet({"email": "ana.braga@example.com"}, {"username": "@ana_braga"})
    assert meet({"name": "Luiz Reis", "cep": "01310-100"}, {"name": "Luís", "cep": "01310100"})
    assert not meet({"name": "Ana Braga", "city": "Recife"}, {"name": "Ana", "city": "Olinda"})
