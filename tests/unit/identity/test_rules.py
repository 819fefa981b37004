"""Rules files: what they say, and what is wrong with a bad one."""

from __future__ import annotations

import pytest

from enlace.domain.rules import parse_rules
from enlace.errors import InvalidRules
from enlace.rules import default_rules


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "noreply@example.com"),
        ("email", "sac@example.com"),
        ("email", "contato+loja@example.com"),
        ("email", "naotem@naotem.com"),
        ("cpf", "11111111111"),
        ("cpf", "12345678909"),
        ("phone", "+5511999999999"),
    ],
)
def test_placeholders_and_roles_are_nobody(kind: str, value: str) -> None:
    assert default_rules().blocks(kind, value)


def test_people_are_not_blocked() -> None:
    rules = default_rules()
    assert not rules.blocks("email", "joao@example.com")
    assert not rules.blocks("cpf", "52998224725")
    assert not rules.blocks("phone", "+5511987654321")


def test_a_kind_that_is_not_declared_links_nothing() -> None:
    assert not default_rules().of("fax").links


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("version = ", "not a TOML file"),
        ("", "version"),
        ('version = "1"\nmax_identifiers = 1000', "max_identifiers"),
        ('version = "1"\nsurprise = 1', "surprise"),
        ('version = "1"\n[kinds.cpf]\nmax = 1', "kinds.cpf: unknown field max"),
        ('version = "1"\n[kinds.cpf]\nmin_level = "sure"', "kinds.cpf.min_level"),
        ('version = "1"\n[kinds.cpf]\nmax_per_customer = 0', "kinds.cpf.max_per_customer"),
    ],
)
def test_a_bad_file_says_where(text: str, reason: str) -> None:
    with pytest.raises(InvalidRules, match=reason):
        parse_rules(text)
