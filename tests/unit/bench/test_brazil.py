"""The generator of Brazilians: the same for a seed, valid, and as messy as people are."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import phonenumbers
import pytest
from stdnum.br import cpf

from bench import brazil
from bench.brazil_people import Population, plain, valid_cpf
from enlace.domain.interaction import parse_interaction


@pytest.fixture(scope="module")
def samples() -> list[brazil.Sample]:
    return brazil.samples(600, seed=1)


def test_the_same_seed_draws_the_same_people_and_another_seed_others() -> None:
    assert brazil.generate(40, 1) == brazil.generate(40, 1)
    assert brazil.generate(40, 1) != brazil.generate(40, 2)


def test_every_interaction_is_one_of_the_contract(samples: list[brazil.Sample]) -> None:
    for sample in samples:
        body = json.loads(json.dumps(sample.interaction))
        assert parse_interaction(body, received_at="2026-11-20T12:00:00.000Z").contact_point
    sources = [sample.interaction["source_id"] for sample in samples]
    assert len(sources) == len(set(sources))


def test_numbers_are_valid_and_addresses_are_of_a_reserved_domain() -> None:
    people = Population(1).people(600)
    assert len({person.cpf for person in people}) == 600
    for person in people:
        assert cpf.is_valid(person.cpf)
        for number in (person.mobile, person.home.landline):
            assert phonenumbers.is_valid_number(phonenumbers.parse(number))
        assert person.email.endswith("@example.com")
        assert person.home.email.endswith("@example.com")


def test_check_digits_by_a_worked_example() -> None:
    assert valid_cpf("111444777") == "11144477735"


def test_names_follow_the_census_and_homonyms_abound() -> None:
    people = Population(2).people(6000)
    first = Counter(person.given[0] for person in people)
    assert {name for name, _ in first.most_common(2)} == {"Maria", "José"}
    assert 0.1 < sum("Silva" in " ".join(p.surnames) for p in people) / 6000 < 0.35
    whole = Counter(plain("".join((*p.given, *p.surnames))) for p in people)
    assert whole.most_common(1)[0][1] >= 10


def test_everything_that_makes_it_hard_occurs(samples: list[brazil.Sample]) -> None:
    marks = Counter(mark for sample in samples for mark in sample.marks)
    assert set(marks) >= {
        *("nickname", "married", "typing error", "spelling", "initials", "swapped"),
        *("no ninth digit", "birth date slip", "birth date placeholder", "only called"),
    }
    shared = {sample.person.id for sample in samples if sample.person.shares_email}
    assert shared
    assert any("birth_date" not in sample.interaction["traits"] for sample in samples)


def test_the_command_writes_interactions_and_the_truth(tmp_path: Path) -> None:
    output, truth = tmp_path / "people.jsonl", tmp_path / "truth.csv"
    assert brazil.main(["--people", "9", "-o", str(output), "--truth", str(truth)]) == 0
    lines = output.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(truth.read_text(encoding="utf-8").splitlines()) - 1
    assert json.loads(lines[0])["contact_point"]
