"""The generated schemas, examples and page are those of the code as it stands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from enlace.contracts import generate
from enlace.contracts.registry import CONTRACTS
from tests.contract.template import ROOT

SCHEMAS = sorted((ROOT / generate.FOLDER).glob("*/v*/*.schema.json"))


@pytest.fixture(scope="module", autouse=True)
def generated_once() -> Iterator[None]:
    """The code does not change meanwhile; what it makes is held against files that do."""
    make = generate.generated
    made = make()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            generate,
            "generated",
            lambda known=CONTRACTS: dict(made) if known is CONTRACTS else make(known),
        )
        yield


def test_nothing_generated_is_stale() -> None:
    assert generate.problems(ROOT) == []


@pytest.fixture
def copy_of_project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / generate.FOLDER, tmp_path / generate.FOLDER)
    (tmp_path / generate.PAGE).parent.mkdir()
    shutil.copy(ROOT / generate.PAGE, tmp_path / generate.PAGE)
    assert generate.main(["--check", "--root", str(tmp_path)]) == 0
    return tmp_path


@pytest.mark.parametrize("path", sorted(generate.generated()), ids=str)
def test_a_file_that_is_changed_or_missing_is_found_and_written_anew(
    copy_of_project: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = copy_of_project / path
    text = target.read_text("utf-8")
    for spoil in (lambda: target.write_text(text + " ", "utf-8"), target.unlink):
        spoil()
        assert generate.main(["--check", "--root", str(copy_of_project)]) == 1
        assert str(path) in capsys.readouterr().err
        assert generate.main(["--root", str(copy_of_project)]) == 0
        assert target.read_text("utf-8") == text


@pytest.mark.parametrize(
    "name",
    [
        "case.mislaid/v1/1.0.schema.json",
        "case.opened/v2/2.0.schema.json",
        "case.opened/v1/1.7.schema.json",
        "case.opened/v1/0.9.example.json",
        "case.opened/v1/notes.txt",
    ],
)
def test_a_file_of_no_declared_version_is_found(copy_of_project: Path, name: str) -> None:
    stray = copy_of_project / generate.FOLDER / name
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_text("{}", "utf-8")
    assert generate.problems(copy_of_project) == [
        f"{generate.FOLDER / name}: belongs to no declared event"
    ]


def test_a_minor_version_keeps_the_former_files_and_must_not_break_them(
    copy_of_project: Path,
) -> None:
    folder = copy_of_project / generate.FOLDER / "case.opened/v1"
    next_minor = tuple(
        replace(contract, minor=1) if contract.name == "case.opened" else contract
        for contract in CONTRACTS
    )
    generate.write(copy_of_project, next_minor)
    assert {path.name for path in folder.iterdir()} == {
        "1.0.schema.json",
        "1.0.example.json",
        "1.1.schema.json",
        "1.1.example.json",
    }
    assert generate.problems(copy_of_project, next_minor) == []
    former = json.loads((folder / "1.0.schema.json").read_text("utf-8"))
    former["$defs"]["CaseOpened"]["properties"]["queue"] = {"type": "string"}
    (folder / "1.0.schema.json").write_text(json.dumps(former), "utf-8")
    (problem,) = generate.problems(copy_of_project, next_minor)
    assert problem.endswith("breaks readers of 1.0.schema.json: $.detail.data.queue: gone")


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.parts[-3])
def test_schemas_are_right_and_accept_their_examples(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    version = path.name.removesuffix(".schema.json")
    examples = list(path.parent.glob(f"{version}.example*.json"))
    assert examples
    for example in examples:
        body = json.loads(example.read_text("utf-8"))
        jsonschema.Draft202012Validator(schema).validate(body)
        for name in schema["required"]:
            spoiled = {key: value for key, value in body.items() if key != name}
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.Draft202012Validator(schema).validate(spoiled)


def test_the_page_has_every_event_and_its_links_lead_somewhere() -> None:
    page = (ROOT / generate.PAGE).read_text("utf-8")
    for contract in CONTRACTS:
        assert f"### {contract.detail_type}\n" in page
    assert "## One interaction\n" in page
    links = [part.partition(")")[0] for part in page.split("](../")[1:]]
    assert links
    assert all((ROOT / link).exists() for link in links)
