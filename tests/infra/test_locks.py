"""The locked requirements: pinned, hashed, without addresses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted([*ROOT.glob("requirements-*.txt"), *ROOT.glob("layers/*/requirements.txt")])
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z0-9,-]+\])?==(\S+)")


def versions(lock: Path) -> dict[str, str]:
    matches = [PINNED.match(line) for line in lock.read_text().splitlines()]
    return {match[1]: match[2] for match in matches if match}


def requirements(lock: Path) -> list[str]:
    """Logical lines, continued ones joined."""
    joined = lock.read_text().replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_requirement_is_pinned_and_hashed_and_names_no_address(lock: Path) -> None:
    assert requirements(lock)
    for line in requirements(lock):
        assert PINNED.match(line), line
        assert "--hash=sha256:" in line, line
        assert "://" not in line and " @ " not in line, line


@pytest.mark.parametrize("layer", ["vendor", "api_vendor", "candidates_vendor", "cipher_vendor"])
def test_layers_carry_what_the_tests_ran_with(layer: str) -> None:
    tested = versions(ROOT / "requirements-dev.txt")

    for name, version in versions(ROOT / "layers" / layer / "requirements.txt").items():
        assert tested[name] == version
