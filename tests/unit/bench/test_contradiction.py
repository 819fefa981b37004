"""The measure of contradictions: what it counts, and that the rule keeps to its target."""

from __future__ import annotations

import pytest

from bench import contradiction
from bench.contradiction import Outcome, judged, lent, measure, mistyped, sparse

PEOPLE = 250


@pytest.mark.parametrize("make", [lent, mistyped])
def test_false_joins_are_near_zero_and_little_recall_is_lost(make: object) -> None:
    outcomes = measure(make, PEOPLE, seed=5)  # type: ignore[arg-type]
    on, off = outcomes["on"], outcomes["off"]
    assert off.recall == 1.0
    # There is something to prevent, or this would prove nothing.
    assert off.precision < 0.95
    assert on.precision >= 0.98
    assert off.recall - on.recall < 0.035


def test_a_tenth_of_the_numbers_is_lent_to_people_with_name_and_birth_date() -> None:
    rows = lent(PEOPLE, seed=5)
    owners = {row.owner.id for row in rows}
    lenders = {row.owner.id for row in rows if row.person is not row.owner}
    assert 0.05 < len(lenders) / len(owners) < 0.16
    assert {r.known for r in rows if r.person is not r.owner} == {"name and birth_date"}
    assert any(r.known == "nothing" for r in rows)
    scarce = sparse(PEOPLE, seed=5)
    assert len({r.known for r in scarce if r.person is not r.owner}) > 1


def test_pairs_are_counted_right_wrong_and_lost() -> None:
    rows = lent(PEOPLE, seed=5)
    together = judged(rows, {row.id: row.owner.cpf for row in rows})
    apart = judged(rows, {row.id: row.id for row in rows})
    people = judged(rows, {row.id: row.owner.cpf + row.person.id for row in rows})
    assert together.recall == 1.0 and sum(together.wrong.values()) > 0
    assert together.joined == together.right + sum(together.wrong.values())
    assert (apart.joined, sum(apart.lost.values())) == (0, apart.true)
    assert (people.precision, people.recall, people.wrong, people.lost) == (1.0, 1.0, {}, {})
    assert Outcome().precision == Outcome().recall == 1.0


def test_every_row_under_a_mistyped_number_is_somebody_elses() -> None:
    rows = mistyped(PEOPLE, seed=5)
    wrong = [row for row in rows if row.person is not row.owner]
    assert 0.01 < len(wrong) / len(rows) < 0.07


def test_the_command_tells_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert contradiction.main(["--people", "40"]) == 0
    told = capsys.readouterr().out
    assert "lent, rule on" in told and "mistyped, rule off" in told
