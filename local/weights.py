"""``enlace weights``: find in data what the agreement of a field tells, and keep it in a file."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from enlace.errors import InvalidWeights
from enlace.matching.compare import Comparison, comparison_of
from enlace.matching.features import Features, features_of
from enlace.matching.learn import STRENGTH, learn, updated_by_decisions
from enlace.matching.weights import Weights, default_weights, load_weights
from enlace.rules import default_rules
from local import decisions
from local.replay import replay_records
from local.settings import LocalError


def add_commands(commands: Any) -> None:
    """Add ``weights`` to the sub-commands of ``enlace``."""
    group = commands.add_parser("weights", help="learn what makes two people look like one")
    parsers = group.add_subparsers(required=True, metavar="COMMAND")

    command = parsers.add_parser("learn", help="weights from a file of interactions")
    command.add_argument("file", type=Path, metavar="FILE.jsonl", help="one interaction a line")
    command.add_argument("-o", "--out", type=Path, metavar="OUT.json", help="default: print them")
    command.add_argument("--version", help="what to call them (default: today)")
    command.add_argument("--trained-on", help="what to say of the data (default: the file's name)")
    command.set_defaults(run=_learn)

    command = parsers.add_parser("update", help="weights that have seen operators' decisions")
    command.add_argument(
        "file",
        type=Path,
        metavar="DECISIONS.jsonl",
        help='a line each: {"comparison": {field: level}, "decision": "same" or "different"}',
    )
    command.add_argument("--weights", type=Path, metavar="IN.json", help="default: what ships")
    command.add_argument("-o", "--out", type=Path, metavar="OUT.json", help="default: print them")
    command.add_argument(
        "--strength",
        type=float,
        default=STRENGTH,
        help=f"pairs of one person that the weights count for (default: {STRENGTH:g})",
    )
    command.set_defaults(run=_update)

    decisions.add_command(parsers)

    command = parsers.add_parser("show", help="print weights as a table")
    command.add_argument("--weights", type=Path, metavar="IN.json", help="default: what ships")
    command.set_defaults(run=_show)


def _learn(options: argparse.Namespace) -> int:
    with _progress() as progress:
        size = options.file.stat().st_size if options.file.exists() else 0
        records, invalid = replay_records(
            options.file, default_rules(), lambda read: progress("reading", read / max(size, 1))
        )
        for number, reason in invalid[:20]:
            print(f"enlace: line {number}: {reason}", file=sys.stderr)
        features = [
            features_of(r.kind, r.value, r.traits) for r in records if r.traits and not r.blocked
        ]
        features = [one for one in features if replace(one, own="") != Features()]
        today = _today()
        weights = learn(
            features,
            version=options.version or today,
            trained_on=options.trained_on or f"{len(features)} contact points of a file",
            date=today,
            progress=progress,
        )
    _write(weights, options.out)
    return 0


def _update(options: argparse.Namespace) -> int:
    weights = _read(options.weights)
    decisions = list(_decisions(options.file))
    if not decisions:
        raise LocalError(f"{options.file} holds no decision")
    updated = updated_by_decisions(weights, decisions, strength=options.strength, date=_today())
    _write(updated, options.out)
    return 0


def _show(options: argparse.Namespace) -> int:
    weights = _read(options.weights)
    print(f"version {weights.version}, {weights.date}, learned from {weights.trained_on}")
    print(
        f"two of {weights.records:,} records are one person in {1 / weights.prior:,.0f} pairs"
        f", of one household in {1 / max(weights.household, 1e-12):,.0f}"
    )
    print(f"{'field':15}{'level':12}{'m':>10}{'u':>12}{'bits':>8}")
    for name, levels in weights.fields.items():
        for level, (m, u) in levels.items():
            print(f"{name:15}{level:12}{m:10.4f}{u:12.3g}{math.log2(m / u):8.1f}")
    for name, terms in weights.terms.items():
        print(f"{name}: {len(terms.shares)} values listed, any other in {terms.default:.2g}")
    return 0


def _decisions(path: Path) -> Iterator[tuple[Comparison, str]]:
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            if not isinstance(entry, dict) or entry.get("decision") not in ("same", "different"):
                raise InvalidWeights("decision: must be same or different")
            yield comparison_of(entry.get("comparison")), entry["decision"]
        except InvalidWeights as error:
            raise LocalError(f"line {number}: {error}") from None
        except ValueError:
            raise LocalError(f"line {number}: not JSON") from None


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _read(path: Path | None) -> Weights:
    return default_weights() if path is None else load_weights(_text(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise LocalError(f"{path} is not UTF-8") from None


def _write(weights: Weights, path: Path | None) -> None:
    if path is None:
        sys.stdout.write(weights.to_json())
        return
    try:
        path.write_text(weights.to_json(), encoding="utf-8")
    except OSError as error:
        raise LocalError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal, silence elsewhere."""
    if not sys.stderr.isatty():
        yield lambda step, share: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda step, share: bar.update(task, description=step, completed=share)
