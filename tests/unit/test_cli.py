"""The command line: what it prints, and how it fails."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from local import rules_cli
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
    assert "would split: 2 + 1 identifiers (not_linking)" in out
    assert "email joao@example.com" in out
    assert out.endswith("0 merges, 1 splits\n")


def test_rules_diff_names_the_guard_that_would_keep_people_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, before, after = (tmp_path / name for name in ("h.jsonl", "a.toml", "b.toml"))
    lines = [
        interaction("1", PHONE, CPF, traits={"name": "João da Silva"}),
        interaction("2", EMAIL, CPF, traits={"name": "Maria Pereira"}),
    ]
    path.write_text("\n".join(json.dumps(line.to_dict()) for line in lines) + "\n")
    kinds = "[kinds.phone]\n[kinds.email]\n[kinds.cpf]\nunique = true\n"
    before.write_text(f'version = "1"\n{kinds}')
    after.write_text(f'version = "2"\n{kinds}contradiction = true\n')
    assert main(["rules", "diff", str(path), "--rules", str(before), "--rules", str(after)]) == 0
    out = capsys.readouterr().out
    assert "would split" in out and "(contradiction)" in out
    assert main(["rules", "diff", str(path), "--rules", str(after), "--rules", str(before)]) == 0
    out = capsys.readouterr().out
    assert "would merge" in out and "(contradiction)" in out


class Answering:
    """The running stack's answers about rules, one after another."""

    def __init__(self, *states: str):
        self.states = list(states)
        self.asked: list[tuple[str, object]] = []

    def __call__(self, method: str, body: object = None) -> dict[str, object]:
        self.asked.append((method, body))
        job = dict.fromkeys(("pass", "seen", "changed", "merged", "split", "saturated"), 1)
        at = "2026-11-22T12:00:00.000Z"
        state = {"state": self.states.pop(0), **job}
        return {"version": "2", "text": "rules\n", "activated_at": at, "job": state}


def test_rules_are_put_in_force_and_followed_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "b.toml"
    path.write_text('version = "2"\n')
    stack = Answering("pending", "running", "running", "done", "done", "waiting")
    monkeypatch.setattr(rules_cli, "_call", stack)
    monkeypatch.setattr(rules_cli.time, "sleep", lambda seconds: None)
    assert main(["rules", "apply", str(path)]) == 0
    words = [line.split(" ")[0] for line in capsys.readouterr().out.splitlines()]
    assert words == ["version", "pending", "running", "done"]
    assert stack.asked[0] == ("PUT", {"text": 'version = "2"\n'})
    assert main(["rules", "show"]) == 0
    assert capsys.readouterr().out == "rules\n"
    assert main(["rules", "status"]) == 0
    assert "waiting (walk 1): 1 seen, 1 components changed" in capsys.readouterr().out


def test_a_rules_file_is_checked_before_it_travels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "b.toml"
    path.write_text('version = "2"\n[kinds.cpf]\npriority = "high"\n')
    stack = Answering()
    monkeypatch.setattr(rules_cli, "_call", stack)
    for command in ("check", "apply"):
        assert main(["rules", command, str(path)]) == 1
        assert "kinds.cpf.priority" in capsys.readouterr().err
    assert stack.asked == []


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
