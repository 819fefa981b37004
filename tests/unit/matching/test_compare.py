"""How alike two people are, in words that hold no value of theirs."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.errors import InvalidWeights
from enlace.matching.blocking import blocking_keys
from enlace.matching.compare import compare, comparison_of
from enlace.matching.learn import blocked_pairs
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
        ("Aninha Reis", "Ana Reis", "nickname", "exact"),
        ("Celo Reis", "Marcelo Reis", "nickname", "exact"),
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


def test_a_whole_name_turned_round_counts_as_one_move() -> None:
    found = levels({"name": "José Araújo Nunes"}, {"name": "ARAUJO NUNES JOSE"})
    assert found == {"given_name": "swapped"}


def test_a_son_named_after_his_father_bears_a_mark() -> None:
    father, son = {"name": "Gil Reis"}, {"name": "Gil Reis Jr."}
    assert levels(father, son)["descent"] == "one"
    assert levels(son, {"name": "Gil Reis Júnior"})["descent"] == "exact"
    assert levels(son, {"name": "Gil Reis Neto"})["descent"] == "different"
    assert "descent" not in levels(father, father)


def test_handles_made_of_the_name_tell_nothing_beyond_the_name() -> None:
    name = "João Prado"
    of_name = person("x", "joaoprado", name=name), person("email", "joaoprado@example.com")
    assert "handle" not in compare(*of_name).levels
    namesakes = person("x", "joao.prado95", name=name), person("x", "joaoprado71", name=name)
    assert compare(*namesakes).levels["handle"] == "different"
    typed = person("email", "joao.prado71@example.com"), person("email", "joaprado71@example.com")
    assert compare(*typed).levels == {"email": "close"}
    others = person("x", "xandegamer", name=name), person("x", "lua_nova", name=name)
    assert compare(*others).levels["handle"] == "different"


def test_two_phones_are_two_by_what_they_are() -> None:
    one, other = person("phone", "+5511987654321"), person("phone", "+5511987654322")
    assert compare(one, other).levels == {}
    assert compare(one, person(phone="+5511987654322")).levels == {"phone": "close"}


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


def test_a_name_that_many_bear_brings_nobody_together() -> None:
    crowd = [person(value=str(n), name="João da Silva") for n in range(50)]
    assert blocked_pairs([*crowd, person(name="Hermínia Zanotto"), person(name="Erminia Zanoto")])
    assert not blocked_pairs(crowd)
    with_city = [person(name="João da Silva", city="São Paulo") for _ in range(50)]
    assert not blocked_pairs(with_city)


def test_spellings_and_forms_meet_under_one_key() -> None:
    def meet(left: dict[str, Any], right: dict[str, Any]) -> bool:
        return bool(set(blocking_keys(person(**left))) & set(blocking_keys(person(**right))))

    assert meet({"phone": "+5511987654321"}, {"phone": "1187654321"})
    assert meet({"email": "ana.braga@example.com"}, {"username": "@ana_braga"})
    assert meet({"name": "Luiz Reis", "cep": "01310-100"}, {"name": "Luís", "cep": "01310100"})
    assert not meet({"name": "Ana Braga", "city": "Recife"}, {"name": "Ana", "city": "Olinda"})
