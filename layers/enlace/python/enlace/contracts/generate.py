"""Writes or checks what is generated from the contracts.

``python -m enlace.contracts.generate`` writes ``events/contracts/`` and
``docs/events.md``; ``--check`` writes nothing and fails when they are stale, or
when a contract breaks a former version of its major.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from enlace.contracts.examples import INTERACTION, ORDER, OUTCOME
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
_FILE = re.compile(r"(\d+)\.(\d+)\.(?:schema|example(?:-\d+)?)\.json\Z")
INTERACTION_EXAMPLES = (INTERACTION, ORDER, OUTCOME)


def generated(contracts: Sequence[EventContract] = CONTRACTS) -> dict[Path, str]:
    """The text of every generated file by its path from the project's root."""
    files = {PAGE: render(contracts)}
    files.update(
        _version("interaction", INTERACTION_VERSION, interaction_schema(), INTERACTION_EXAMPLES)
    )
    for contract in contracts:
        version = f"{contract.major}.{contract.minor}"
        files.update(_version(contract.name, version, event_schema(contract), contract.examples))
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


def _version(
    name: str, version: str, schema: dict[str, Any], examples: Sequence[dict[str, Any]]
) -> dict[Path, str]:
    base = FOLDER / name / f"v{version.partition('.')[0]}"
    files = {base / f"{version}.schema.json": _dump(schema)}
    for number, example in enumerate(examples, start=1):
        suffix = f"-{number}" if number > 1 else ""
        files[base / f"{version}.example{suffix}.json"] = _dump(example)
    return files


def _former(root: Path, path: Path, files: dict[Path, str]) -> list[str]:
    match = _FILE.match(path.name)
    schema = match and path.with_name(f"{match[1]}.{match[2]}.schema.json")
    newest = [m for p in files if p.parent == path.parent and (m := _FILE.match(p.name))]
    if (
        match is None
        or schema is None
        or not newest
        or (int(match[1]), int(match[2])) >= (int(newest[0][1]), int(newest[0][2]))
        or not (root / schema).is_file()
    ):
        return [f"{path}: belongs to no declared event"]
    if path != schema:
        return []
    current = path.with_name(f"{newest[0][1]}.{newest[0][2]}.schema.json")
    old = json.loads((root / path).read_text("utf-8"))
    changes = breaking_changes(old, json.loads(files[current]))
    return [f"{current}: breaks readers of {path.name}: {change}" for change in changes]


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
