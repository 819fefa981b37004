"""The list of candidates beside Splink's, on the same columns in the same run.

``python -m bench.candidates`` sends FEBRL 3 and FEBRL 4 without their ids, as imported
rows, through the real use cases on the stores in memory: the resolver keeps what rows
say, weights are learned from that by expectation-maximisation without labels, and the
finder lists who may be one person, row by row. Splink gets the same rows in an
environment of its own (``requirements-bench.txt``, made on demand). The generator's
Brazilians follow, with the weights that ship. Results go to ``bench/results``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench import febrl
from bench.people_found import brazilians, listed
from bench.report import RESULTS, machine
from bench.world import ROOT

#: Splink's settings for each set; the bar is the best of them.
SPLINK = {"febrl3": ("documented3", "wide"), "febrl4": ("documented4", "wide")}
#: Least probability for a pair to stand in a list: what ships in the rules.
THRESHOLD = 0.9
#: The least that a list must hold, whatever Splink finds, and the first page's precision.
LEAST_RECALL, FIRST_PAGE = 0.95, 0.99
#: Where the latest results are kept.
RECORDED = RESULTS / "candidates.json"
_ENVIRONMENT = Path(sys.prefix) / "bench"

Pair = tuple[str, str]


@dataclass
class Quality:
    """How good a list is, best first.

    Parameters
    ----------
    true : int
        Pairs that are one person.
    rows, right : int
        Of the list, at the threshold.
    first_page : float
        Precision of as many rows as half the true pairs.
    """

    true: int
    rows: int
    right: int
    first_page: float
    seconds: float
    misses: dict[str, int] = field(default_factory=dict)

    @property
    def recall(self) -> float:
        """Share of the true pairs that the list holds."""
        return self.right / self.true

    @property
    def precision(self) -> float:
        """Share of the list that is true."""
        return self.right / max(self.rows, 1)

    def told(self) -> dict[str, Any]:
        """For the results file."""
        return {**asdict(self), "recall": self.recall, "precision": self.precision}


def quality(ranked: list[Pair], true: set[Pair], seconds: float) -> Quality:
    """Measure a list of sorted pairs, best first."""
    page = len(true) // 2
    first = sum(pair in true for pair in ranked[:page]) / max(len(ranked[:page]), 1)
    right = sum(pair in true for pair in ranked)
    return Quality(len(true), len(ranked), right, first, round(seconds, 1))


def ours(name: str, seed: int = 3) -> tuple[Quality, list[Pair]]:
    """Our list of ``febrl3`` or ``febrl4``."""
    found = febrl.rows(name)
    order = found[:]
    # Whoever comes last finds those before: the order must not matter.
    random.Random(seed).shuffle(order)
    started = time.perf_counter()
    ranked = listed([row.interaction() for row in order], learned_on=name)
    return quality(ranked, febrl.true_pairs(found), time.perf_counter() - started), ranked


def splinks(name: str, setting: str) -> Quality:
    """Splink's list of the same rows."""
    found = febrl.rows(name)
    rows = [{"rec_id": row.id, "source_dataset": row.source, **row.columns} for row in found]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "rows.json", Path(folder) / "pairs.json"
        source.write_text(json.dumps(rows))
        script = str(ROOT / "bench" / "splink_run.py")
        command = [str(splink_python()), script, setting, str(source), str(target)]
        # Nothing of this machine's site packages, and no notebook's progress bars.
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
        if done.returncode:
            raise RuntimeError(f"Splink failed:\n{done.stderr[-2000:]}")
        pairs = json.loads(target.read_text())
    pairs.sort(key=lambda pair: (-pair[2], pair[0], pair[1]))
    ranked = [_sorted(a, b) for a, b, probability in pairs if probability >= THRESHOLD]
    return quality(ranked, febrl.true_pairs(found), time.perf_counter() - started)


def _sorted(a: str, b: str) -> Pair:
    return (a, b) if a < b else (b, a)


def splink_python() -> Path:
    """The interpreter of Splink's environment, which is made if it is not there."""
    python = _ENVIRONMENT / "bin" / "python"
    lock = ROOT / "requirements-bench.txt"
    stamp = _ENVIRONMENT / "installed"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        venv.create(_ENVIRONMENT, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--require-hashes", "-r", str(lock)], check=True)
        stamp.write_text(lock.read_text())
    return python


def misses(ranked: list[Pair], rows: list[febrl.Row]) -> dict[str, int]:
    """By which columns agree, the true pairs that a list lacks."""
    by_id = {row.id: row for row in rows}
    missed: Counter[str] = Counter()
    for a, b in febrl.true_pairs(rows) - set(ranked):
        left, right = by_id[a].columns, by_id[b].columns
        agreeing = [c for c in febrl.COLUMNS if left[c] and left[c] == right[c]]
        missed[", ".join(agreeing) or "nothing"] += 1
    return dict(missed.most_common(12))


def main(arguments: list[str] | None = None) -> int:
    """Measure; 1 if our list falls short of the bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.candidates", description=__doc__)
    parser.add_argument("--only", choices=(*SPLINK, "brazil"), action="append")
    parser.add_argument("--no-splink", action="store_true")
    parser.add_argument("--people", type=int, default=1500, help="Brazilians")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {}
    kept = True
    for name, settings in SPLINK.items():
        if options.only and name not in options.only:
            continue
        mine, ranked = ours(name)
        mine.misses = misses(ranked, febrl.rows(name))
        lists = {"ours": mine}
        if not options.no_splink:
            lists |= {f"Splink, {setting}": splinks(name, setting) for setting in settings}
        for title, one in lists.items():
            _say(name, title, one)
        least = max(
            [LEAST_RECALL, *(one.recall for title, one in lists.items() if title != "ours")]
        )
        kept &= mine.recall >= least and mine.first_page >= FIRST_PAGE
        results[name] = {title: one.told() for title, one in lists.items()}
    if not options.only or "brazil" in options.only:
        results["brazil"] = brazilians(options.people)
        print(json.dumps(results["brazil"], indent=1, ensure_ascii=False))
    if not options.only and not options.no_splink:
        date = time.strftime("%Y-%m-%d")
        content = {"date": date, "machine": machine(), "threshold": THRESHOLD, **results}
        RECORDED.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return 0 if kept else 1


def _say(name: str, title: str, one: Quality) -> None:
    print(
        f"{name} {title}: {one.rows} rows, recall {one.recall:.4f}, precision "
        f"{one.precision:.4f}, first page {one.first_page:.4f}, {one.seconds} s",
        flush=True,
    )
    for agreeing, number in one.misses.items():
        print(f"  missed {number:4}  agree in: {agreeing}")


if __name__ == "__main__":
    sys.exit(main())
