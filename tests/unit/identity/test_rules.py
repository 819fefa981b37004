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
        ('version = "1"\n[kinds.cpf]\nmax_per_customer = true', "kinds.cpf.max_per_customer"),
        ('version = "1"\n[kinds.phone]\nvalid_days = 99999999', "kinds.phone.valid_days"),
        ('version = "1"\n[kinds.cpf]\nlinks = "no"', "kinds.cpf.links"),
        ('version = "1"\n[kinds.cpf]\ncontradiction = 1', "kinds.cpf.contradiction"),
        ('version = "1"\n[kinds.cpf]\npriority = "high"', "kinds.cpf.priority"),
        ('version = "1"\n[kinds.device]\njoins_only = "user_id"', "joins_only"),
        ('version = "1"\nkinds = 1', "kinds: must be a table"),
        ('version = "1"\nemail = "no"', "email: must be a table"),
        ('version = "1"\n[email]\nplaceholders = "a@a.com"', "placeholders"),
        ('version = "1"\n[email]\nfold_local_part = "yes"', "fold_local_part"),
        ('version = "1"\n[phone]\ndefault_region = 55', "default_region"),
        ('version = "1"\n[blocked_values]\ncpf = [1]', "cpf: must be a list of texts"),
        (f'version = "{"1" * 65}"', "version"),
    ],
)
def test_a_bad_file_says_where(text: str, reason: str) -> None:
    with pytest.raises(InvalidRules, match=reason):
        parse_rules(text)
