"""The latest results of recognition, for the page of the benchmark.

They take minutes, and Splink an environment of its own, so ``make bench`` shows what
``python -m bench.contradiction`` and ``python -m bench.candidates`` measured last.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.report import RESULTS

_SETS = {
    "lent": "every tenth CPF used by two or three people",
    "mistyped": "one row in thirty under a CPF mistyped into another's",
    "sparse": "as the first, names and birth dates missing on all sides",
}


def page(folder: Path = RESULTS) -> str:
    """Markdown with what is recorded; empty where nothing is."""
    return "\n".join(
        part
        for part in (
            _contradictions(_read(folder / "contradiction.json")),
            _candidates(_read(folder / "candidates.json")),
        )
        if part
    )


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _contradictions(content: dict[str, Any] | None) -> str:
    if content is None:
        return ""
    lines = [
        f"## Contradictions, {content['date']}",
        "",
        f"Pairs of rows under one CPF, of {content['people']:,} generated people, with the rule"
        " on as it ships and off.",
        "",
        "| set | precision, rule off | precision, on | recall lost, points |",
        "|---|---|---|---|",
    ]
    for name, title in _SETS.items():
        on, off = content[name]["on"], content[name]["off"]
        lost = 100 * (off["recall"] - on["recall"])
        lines.append(f"| {title} | {off['precision']:.4f} | {on['precision']:.4f} | {lost:.2f} |")
    return "\n".join([*lines, ""])


def _candidates(content: dict[str, Any] | None) -> str:
    if content is None:
        return ""
    lines = [
        f"## Candidates beside Splink, {content['date']}",
        "",
        "The same rows without their ids, weights learned in the same run without labels, pairs"
        f" of a probability of {content['threshold']} and more.",
        "",
        "| data | list | rows | recall | precision | first page | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in ("febrl3", "febrl4"):
        for title, one in content.get(name, {}).items():
            cells = [f"{one[what]:.4f}" for what in ("recall", "precision", "first_page")]
            lines.append(
                f"| {name.upper()} | {title} | {one['rows']:,} | {' | '.join(cells)}"
                f" | {one['seconds']} |"
            )
    brazil = content.get("brazil")
    if brazil:
        lines += [
            "",
            f"Of {brazil['people']:,} generated Brazilians, with their ids and the weights that"
            f" ship: {brazil['rows']} rows, precision {brazil['precision']}; true pairs held, by"
            " what both sides say of the person:",
            "",
            "| both sides say | held |",
            "|---|---|",
            *(f"| {kind} | {held} |" for kind, held in brazil["recall"].items()),
            "",
            f"Pairs of namesakes who are two people: {brazil['namesakes']['pairs']:,}, of which"
            f" {brazil['namesakes']['listed']} are listed, the best of them on row"
            f" {brazil['namesakes']['best row']}.",
        ]
    return "\n".join([*lines, ""])
