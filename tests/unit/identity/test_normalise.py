"""One form for each identifier."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from enlace.normalise import Normalised, normalise
from enlace.rules import default_rules
from tests.stores.builders import CPFS

RULES = default_rules()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("+5511987654321", "+5511987654321"),
        ("+55 (11) 98765-4321", "+5511987654321"),
        ("11 98765-4321", "+5511987654321"),
        ("5511987654321", "+5511987654321"),
        # A mobile from before the ninth digit is the same line.
        ("+551187654321", "+5511987654321"),
        # Valid as a landline: never rewritten.
        ("+551133334444", "+551133334444"),
        ("+1 (650) 253-0000", "+16502530000"),
    ],
)
def test_phones(written: str, value: str) -> None:
    assert normalise("phone", written, RULES) == Normalised(value, True)


@pytest.mark.parametrize("written", ["27182", "BANCO", "+55", "", "+5500987654321"])
def test_what_is_no_phone_is_kept_and_not_valid(written: str) -> None:
    assert normalise("phone", written, RULES).valid is False


@example(76, 900_000_000)
@given(st.integers(11, 99), st.integers(0, 10**9 - 1))
def test_the_short_cut_for_brazilian_mobiles_agrees_with_the_library(area: int, line: int) -> None:
    text = f"+55{area}{line:09d}"
    number = phonenumbers.parse(text)
    if phonenumbers.is_valid_number(number):
        expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert normalise("phone", text, RULES) == Normalised(expected, True)
    else:
        assert not normalise("phone", text, RULES).valid


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (" Joao.Silva@Example.COM ", "joao.silva@example.com"),
        ("joao+shop@example.com", "joao+shop@example.com"),
        ("joão@exâmple.com.br", "joão@xn--exmple-xta.com.br"),
        ("ｊｏａｏ@example.com", "joao@example.com"),
    ],
)
def test_emails(written: str, value: str) -> None:
    assert normalise("email", written, RULES) == Normalised(value, True)


@pytest.mark.parametrize("written", ["joao", "joao@", "@example.com", "a b@example.com", "a@b"])
def test_what_is_no_email_is_not_valid(written: str) -> None:
    assert normalise("email", written, RULES).valid is False


def test_documents_need_their_check_digits() -> None:
    dotted = f"{CPFS[0][:3]}.{CPFS[0][3:6]}.{CPFS[0][6:9]}-{CPFS[0][9:]}"
    assert normalise("cpf", dotted, RULES) == Normalised(CPFS[0], True)
    assert normalise("cpf", CPFS[0][:-1] + "0", RULES).valid is False
    assert normalise("cnpj", "11.222.333/0001-81", RULES) == Normalised("11222333000181", True)


@given(st.sampled_from(["email", "phone", "cpf", "cnpj", "user_id", "x"]), st.text(max_size=80))
def test_nothing_makes_it_raise_and_twice_is_once(kind: str, text: str) -> None:
    once = normalise(kind, text, RULES)
    if once.valid:
        assert normalise(kind, once.value, RULES) == once
