"""Writes or checks what is generated from the contracts.

``python -m enlace.contracts.generate`` writes ``events/contracts/`` and
``docs/events.md``; ``--check`` writes nothing and fails when they are stale, or
when a contract breaks a former version of its major.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from enlace.contracts.examples import INTERACTION
from enlace.contracts.registry import CONTRACTS, EventContract
from enlace.contracts.render import render
from enlace.contracts.schema import (
    INTERACTION_VERSION,
    breaking_changes,
    event_schema,
    interaction_schema,
)

#: layers/enlace/python/enlace/contracts/generate.py lies five folders below it.
ROOT = Path(__file__).resolve().parents[5]
FOLDER = Path("events/contracts")
PAGE = Path("docs/events.md")


def generated(contracts: Sequence[EventContract] = CONTRACTS) -> dict[Path, str]:
    """The text of every generated file by its path from the project's root."""
    files = {PAGE: render()}
    files.update(_version("interaction", INTERACTION_VERSION, interaction_schema(), INTERACTION))
    for contract in contracts:
        version = f"{contract.major}.{contract.minor}"
        files.update(_version(contract.name, version, event_schema(contract), contract.example()))
    return files


def problems(root: Path, contracts: Sequence[EventContract] = CONTRACTS) -> list[str]:
    """What keeps the generated files under ``root`` from being right.

    Files of former versions, which are kept and not generated any more, must lie
    below the declared version and be compatible with it.
    """
    found = []
    files = generated(contracts)
    for path, text in sorted(files.items()):
        if not (root / path).is_file() or (root / path).read_text("utf-8") != text:
            found.append(f"{path}: stale; run python -m enlace.contracts.generate")
    for path in sorted((root / FOLDER).rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and relative not in files:
            found.extend(_former(root, relative, files))
    return found


def write(root: Path, contracts: Sequence[EventContract] = CONTRACTS) -> list[Path]:
    """Write every generated file under ``root``; gives those that changed."""
    changed = []
    for path, text in generated(contracts).items():
        target = root / path
        if not target.is_file() or target.read_text("utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
            changed.append(path)
    return changed


def _version(name: str, version: str, schema: Any, example: Any) -> dict[Path, str]:
    base = FOLDER / name / f"v{version.partition('.')[0]}"
    return {
        base / f"{version}.schema.json": _dump(schema),
        base / f"{version}.example.json": _dump(example),
    }


def _former(root: Path, path: Path, files: dict[Path, str]) -> list[str]:
    version, _, what = path.name.partition(".schema")
    if path.name.endswith(".example.json"):
        return (
            []
            if (root / path).with_name(_schema_name(path)).is_file()
            else [f"{path}: has no schema beside it"]
        )
    current = [p for p in files if p.parent == path.parent and ".schema." in p.name]
    if not current or what != ".json" or not _below(version, current[0]):
        return [f"{path}: belongs to no declared event"]
    old = json.loads((root / path).read_text("utf-8"))
    changes = breaking_changes(old, json.loads(files[current[0]]))
    return [f"{current[0]}: not readable where {version} was: {change}" for change in changes]


def _schema_name(path: Path) -> str:
    return path.name.replace(".example.", ".schema.")


def _below(version: str, current: Path) -> bool:
    newest = current.name.removesuffix(".schema.json")
    try:
        return [int(n) for n in version.split(".")] < [int(n) for n in newest.split(".")]
    except ValueError:
        return False


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m enlace.contracts.generate")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    options = parser.parse_args(arguments)
    if not options.check:
        for path in write(options.root):
            print(f"wrote {path}")
    found = problems(options.root)
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
