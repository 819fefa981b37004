"""Weights from data: what is learned, what decisions change, and the command line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from bench.brazil import generate
from enlace.errors import InvalidWeights
from enlace.matching.compare import Comparison
from enlace.matching.features import Features
from enlace.matching.learn import learn, updated_by_decisions
from enlace.matching.weights import Weights, default_weights, load_weights
from local.cli import main
from tests.unit.matching.people import person

GIVEN = ("Ana", "Rita", "Carla", "Otávio", "Bruno", "Hugo", "Iara", "Tomás", "Vera", "Gil")
SURNAMES = ("Prado", "Zanotto", "Braga", "Reis", "Moura", "Lobato", "Pinho", "Serra", "Viana")


def crowd(people: int) -> list[Features]:
    """Everybody twice; one birth date in ten mistyped, one city in five another one."""
    draw = random.Random(7)
    found = []
    for number in range(people):
        name = f"{draw.choice(GIVEN)} {draw.choice(SURNAMES)} {draw.choice(SURNAMES)}"
        year, day = draw.randrange(1950, 2000), draw.randrange(10, 29)
        for copy in range(2):
            slip = copy and draw.random() < 0.1
            found.append(
                person(
                    value=f"{number}-{copy}",
                    name=name,
                    birth_date=f"{year}-0{draw.randrange(1, 3) if slip else 5}-{day}",
                    city="Recife" if draw.random() < 0.8 else "Olinda",
                )
            )
    return found


@pytest.fixture(scope="module")
def learned() -> Weights:
    return learn(crowd(400), version="1", trained_on="a crowd", date="2026-11-23", samples=8000)


def test_the_share_of_errors_is_found_without_labels(learned: Weights) -> None:
    found = learned.fields
    assert found["birth_date"]["exact"][0] == pytest.approx(0.9, abs=0.04)
    assert found["birth_date"]["close"][0] == pytest.approx(0.1, abs=0.04)
    assert found["city"]["exact"][0] == pytest.approx(0.68, abs=0.06)
    assert found["city"]["exact"][1] == pytest.approx(0.68, abs=0.06), "tells nothing"
    assert learned.prior * 800 * 799 / 2 == pytest.approx(400, rel=0.1)
    assert learned.terms["given_name"].share("ana") == pytest.approx(0.1, abs=0.05)
    assert set(found) == {"given_name", "surname", "birth_date", "city"}, "what was seen"


def test_the_same_data_gives_the_same_file(learned: Weights) -> None:
    again = learn(crowd(400), version="1", trained_on="a crowd", date="2026-11-23", samples=8000)
    assert again.to_json() == learned.to_json()
    assert load_weights(learned.to_json()).to_json() == learned.to_json()


def test_too_little_is_said() -> None:
    with pytest.raises(InvalidWeights, match="too few"):
        learn(crowd(10), version="1", trained_on="x", date="2026-11-23")
    strangers = [person("device:app", f"device {n}") for n in range(120)]
    with pytest.raises(InvalidWeights, match="no two"):
        learn(strangers, version="1", trained_on="x", date="2026-11-23")


def test_decisions_move_the_weights_as_counts(learned: Weights) -> None:
    exact = learned.fields["birth_date"]["exact"]
    alike = Comparison({"birth_date": "exact"})
    same = updated_by_decisions(learned, [(alike, "same")] * 50, strength=50)
    assert same.fields["birth_date"]["exact"][0] == pytest.approx((exact[0] + 1) / 2, abs=0.01)
    assert same.fields["birth_date"]["exact"][1] == pytest.approx(exact[1], rel=0.01)
    assert same.version == "1+50"
    different = updated_by_decisions(learned, [(alike, "different")] * 50, strength=50)
    assert different.fields["birth_date"]["exact"][1] > exact[1]
    assert different.fields["birth_date"]["exact"][0] == pytest.approx(exact[0], rel=0.01)
    kept, before = different.fields["city"]["exact"], learned.fields["city"]["exact"]
    assert kept == pytest.approx(before), "nobody decided about a city"
    for name, levels in different.fields.items():
        assert sum(u for _, u in levels.values()) == pytest.approx(1, abs=0.01), name
    with pytest.raises(InvalidWeights):
        updated_by_decisions(learned, [(alike, "perhaps")])
    with pytest.raises(InvalidWeights):
        updated_by_decisions(learned, [], strength=0)


def test_the_weights_that_ship_say_how_they_were_learned() -> None:
    weights = default_weights()
    assert "bench.train_weights" in weights.trained_on
    assert weights.records >= 10_000
    assert weights.terms["given_name"].share("maria") > 0.03
    assert weights.terms["surname"].share("silva") > 0.05
    for name, levels in weights.fields.items():
        m, u = levels["exact"]
        assert m > u, name
        if name != "descent":
            # Whom a father is called after, the kind of pairs for namesakes explains.
            m, u = levels["different"]
            assert m <= u, name


def test_the_command_learns_updates_and_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history, out, updated = (tmp_path / name for name in ("h.jsonl", "w.json", "u.json"))
    lines = [json.dumps(interaction) for interaction, _ in generate(150, 3)]
    history.write_text("\n".join([*lines, "{"]), encoding="utf-8")
    assert main(["weights", "learn", str(history), "-o", str(out), "--version", "7"]) == 0
    assert f"line {len(lines) + 1}: not JSON" in capsys.readouterr().err
    assert load_weights(out.read_text()).version == "7"

    decisions = tmp_path / "d.jsonl"
    decisions.write_text('{"comparison": {"surname": "exact"}, "decision": "same"}\n\n')
    arguments = ["weights", "update", str(decisions), "--weights", str(out), "-o", str(updated)]
    assert main(arguments) == 0
    assert load_weights(updated.read_text()).version == "7+1"

    assert main(["weights", "show", "--weights", str(updated)]) == 0
    shown = capsys.readouterr().out
    assert "version 7+1" in shown
    assert "surname        exact" in shown


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 1: not JSON"),
        ('{"comparison": {}, "decision": "maybe"}', "line 1: decision"),
        ('{"comparison": {"surname": "Zanotto"}, "decision": "same"}', "line 1: comparison"),
        ("", "no decision"),
    ],
)
def test_bad_decisions_are_told_and_write_nothing(
    line: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decisions, out = tmp_path / "d.jsonl", tmp_path / "w.json"
    decisions.write_text(line)
    assert main(["weights", "update", str(decisions), "-o", str(out)]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert "Zanotto" not in error
    assert not out.exists()


def test_bad_files_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "learn", str(tmp_path / "none.jsonl")]) == 1
    assert "cannot read" in capsys.readouterr().err
    (tmp_path / "w.json").write_text("{}")
    assert main(["weights", "show", "--weights", str(tmp_path / "w.json")]) == 1
    assert "fields: must be an object" in capsys.readouterr().err
