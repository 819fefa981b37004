"""``enlace templates``: what an author sees before anything is saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.cli import main

TEXT = "purposes: transactional\nname: text = João\n[text]\nOlá {{ name }}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "hello"
    made.mkdir()
    (made / "pt-BR.txt").write_text(TEXT, encoding="utf-8")
    return made


def test_a_folder_is_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["templates", "check", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "pt-BR: text; SMS UCS-2, 1 segment(s), 8 characters" in out
    assert "warning: not in es" in out and "ã" in out


def test_a_template_is_previewed_with_data(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"name": "Ana"}))
    assert main(["templates", "preview", str(folder), "--data", str(data)]) == 0
    assert "Olá Ana" in capsys.readouterr().out
    assert main(["templates", "preview", "newsletter", "--language", "en"]) == 0
    assert "Unsubscribe" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["check", "nowhere"], "no templates"),
        (["preview", "nothing"], "no template"),
        (["preview", "newsletter", "--data", "nowhere.json"], "cannot read"),
        (["preview", "{folder}", "--language", "es"], "not in es"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str], reason: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [argument.format(folder=folder) for argument in arguments]
    assert main(["templates", *given]) == 1
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1


def test_a_template_that_must_not_be_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pt-BR.txt").write_text(TEXT.replace("name }}", "name.x }}"), encoding="utf-8")
    assert main(["templates", "check", str(folder)]) == 1
    assert "pt-BR: [text], line 1: getattr" in capsys.readouterr().err
