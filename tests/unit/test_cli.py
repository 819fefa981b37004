"""The command line: what it prints, and how it fails."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from local.cli import main
from tests.stores.builders import CPFS, interaction

PHONE, EMAIL, CPF = ("phone", "+5511987654321"), ("email", "joao@example.com"), ("cpf", CPFS[0])


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    later = "2026-11-21T12:00:00.000Z"
    lines = [
        interaction("1", PHONE),
        interaction("2", EMAIL),
        interaction("3", PHONE, EMAIL, CPF, at=later),
        interaction("3", PHONE, EMAIL, CPF, at=later),
    ]
    path.write_text("\n".join(json.dumps(line.to_dict()) for line in lines) + "\n")
    return path


@pytest.mark.parametrize("store", ["memory", "moto"])
def test_replay_counts_and_writes_clusters(
    history: Path, tmp_path: Path, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clusters = tmp_path / "clusters.csv"
    assert (
        main(["replay", str(history), "--json", "--store", store, "--clusters", str(clusters)]) == 0
    )
    assert json.loads(capsys.readouterr().out) == {
        "interactions": 4,
        "duplicates": 1,
        "identifiers": 3,
        "customers": 1,
        "merges": 1,
        "splits": 0,
        "refused": 0,
        "invalid": 0,
    }
    rows = list(csv.DictReader(clusters.open()))
    assert [(row["kind"], row["value"]) for row in rows] == sorted([CPF, EMAIL, PHONE])
    assert len({row["customer_id"] for row in rows}) == 1


def test_bad_lines_are_told_and_lose_nothing(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history.write_text("{\n" + history.read_text() + '{"channel": "X"}\n')
    assert main(["replay", str(history), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["interactions"] == 4
    assert "line 1: not JSON" in captured.err
    assert "line 6: channel:" in captured.err


def test_rules_diff_names_what_would_split(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = tmp_path / "a.toml", tmp_path / "b.toml"
    kinds = "[kinds.phone]\n[kinds.cpf]\nunique = true\n"
    before.write_text(f'version = "1"\n{kinds}[kinds.email]\n')
    after.write_text(f'version = "2"\n{kinds}')
    assert main(["rules", "diff", str(history), "--rules", str(before), "--rules", str(after)]) == 0
    out = capsys.readouterr().out
    assert "would split" in out
    assert "email joao@example.com" in out
    assert out.endswith("0 merges, 1 splits\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["replay", "nowhere.jsonl"], "cannot read nowhere.jsonl"),
        (["replay", __file__, "--store", "disk"], "--store: must be"),
        (["replay", __file__, "--rules", "nowhere.toml"], "cannot read nowhere.toml"),
        (["rules", "diff", __file__, "--rules", "a"], "give --rules twice"),
    ],
)
def test_failures_are_one_line(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert reason in capsys.readouterr().err
