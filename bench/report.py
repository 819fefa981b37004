"""The table on the terminal, and the results files."""

from __future__ import annotations

import json
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measure import Measure, Number
from bench.world import ROOT

RESULTS = ROOT / "bench" / "results"
_HEAD = ("measure", "ours", "naive", "budget", "floor", "ok")


def machine() -> dict[str, Any]:
    """What the times depend on; no name of a host or user."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def rows(measures: list[Measure]) -> list[tuple[str, ...]]:
    """The table's cells as text."""
    return [
        (
            measure.name,
            text(measure.ours),
            text(measure.naive),
            ("= " if measure.exact else "≤ ") + text(measure.budget)
            if measure.budget is not None
            else "",
            text(measure.floor),
            {True: "yes", False: "NO", None: ""}[measure.ok],
        )
        for measure in measures
    ]


def text(number: Number) -> str:
    """A number with three or so digits that matter; empty for None."""
    if number is None:
        return ""
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:,.1f}" if number >= 100 else f"{number:.2f}"


def table(measures: list[Measure]) -> str:
    """The table as Markdown, aligned so that a terminal shows it well."""
    cells = [_HEAD, *rows(measures)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(_HEAD))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def save(
    measures: list[Measure],
    details: dict[str, Any],
    folder: Path = RESULTS,
    recognition: str = "",
) -> Path:
    """Write ``<date>-<machine>.json`` and ``latest.md``.

    Parameters
    ----------
    recognition : str
        Markdown of what was measured about recognition (:mod:`bench.recorded`).

    Returns
    -------
    Path
        Of the JSON file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now, about = datetime.now(UTC), machine()
    label = re.sub(r"[^a-z0-9]+", "-", f"{about['processor']} {about['cores']} cores".lower())
    path = folder / f"{now:%Y-%m-%d}-{label.strip('-')}.json"
    content = {
        "date": f"{now:%Y-%m-%d}",
        "machine": about,
        "measures": [
            {
                "measure": measure.name,
                "ours": measure.ours,
                "naive": measure.naive,
                "budget": measure.budget,
                "floor": measure.floor,
                "ok": measure.ok,
            }
            for measure in measures
        ],
        **details,
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, default=vars) + "\n")
    (folder / "latest.md").write_text(
        markdown(measures, details, about, f"{now:%Y-%m-%d}", recognition)
    )
    return path


def markdown(
    measures: list[Measure],
    details: dict[str, Any],
    about: dict[str, Any],
    date: str,
    recognition: str = "",
) -> str:
    """The page of the latest run."""
    sizes = "\n".join(
        f"| {name} | {size / 1024:,.1f} |" for name, size in details["zipped_bytes"].items()
    )
    slowness = details["times"].slowness
    return f"""# Benchmark, {date}

{about["processor"]}, {about["cores"]} cores, {about["system"]}, Python {about["python"]}.
Made by `make bench`; what the rows mean is in `bench/README.md`.

{table(measures)}

Microseconds are at the speed of the machine that the budgets were planned on, by work
measured in the same run; here all times were {slowness:.2f} times as long.

{recognition}
| zipped for Lambda | KB |
|---|---|
{sizes}
"""
