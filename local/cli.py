"""``enlace``: the developer's command line."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from enlace.domain.rules import Rules
from enlace.errors import EnlaceError
from enlace.rules import default_rules, load_rules
from local import (
    certificate_cli,
    registry_cli,
    residues,
    retention_cli,
    rules_cli,
    stack,
    templates_cli,
    weights,
)
from local.replay import Replay, replay, write_clusters
from local.settings import LocalError
from local.sign import sign


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives the exit status: 0, or 1 with one line that says what to do."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (LocalError, EnlaceError) as error:
        print(f"enlace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("enlace: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="enlace", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("replay", help="run a file of interactions through the resolver")
    command.add_argument("file", type=Path, metavar="FILE.jsonl", help="one interaction a line")
    command.add_argument(
        "--store",
        default="memory",
        metavar="memory|moto|URL",
        help="where to keep identities; URL: a running stack's endpoint_url (default: memory)",
    )
    command.add_argument("--rules", type=Path, help="a rules file (default: the one that ships)")
    command.add_argument(
        "--clusters", type=Path, metavar="OUT.csv", help="write kind,value,customer_id"
    )
    command.add_argument("--json", action="store_true", help="print the counts as JSON")
    command.set_defaults(run=_replay)

    rules = commands.add_parser("rules", help="compare and change rules").add_subparsers(
        required=True, metavar="COMMAND"
    )
    rules_cli.add_commands(rules)
    command = rules.add_parser("diff", help="which customers a change would merge or split")
    command.add_argument("file", type=Path, metavar="FILE.jsonl", help="one interaction a line")
    command.add_argument(
        "--rules", type=Path, action="append", required=True, help="twice: before and after"
    )
    command.set_defaults(run=_rules_diff)

    command = commands.add_parser("send", help="sign a sample as its vendor would, and post it")
    command.add_argument("channel", help="as in /webhooks/<channel>: whatsapp, twilio/sms …")
    command.add_argument("file", type=Path, metavar="FILE.json", help="see events/channels/")
    command.set_defaults(run=_send)

    weights.add_commands(commands)
    templates_cli.add_commands(commands)
    certificate_cli.add_commands(commands)
    retention_cli.add_commands(commands)
    residues.add_commands(commands)
    registry_cli.add_commands(commands)
    return parser


def _replay(options: argparse.Namespace) -> int:
    rules = _rules(options.rules)
    with _progress(options.file, "replaying") as on_progress:
        result = replay(options.file, rules, options.store, on_progress)
    _tell_invalid(result)
    if options.clusters:
        write_clusters(result, options.clusters)
    counts = {**result.counts, "invalid": len(result.invalid)}
    if options.json:
        print(json.dumps(counts))
    else:
        for name, count in counts.items():
            print(f"{name:13}{count:>10,}")
    return 0 if result.counts["interactions"] or not result.invalid else 1


def _rules_diff(options: argparse.Namespace) -> int:
    if len(options.rules) != 2:
        raise LocalError("give --rules twice: the rules before and the rules after")
    sides = []
    for path in options.rules:
        with _progress(options.file, f"replaying under {path.name}") as on_progress:
            sides.append(replay(options.file, _rules(path), "memory", on_progress))
    _tell_invalid(sides[0])
    before, after = (result.customer_of for result in sides)
    merged, split = _regrouped(after, before), _regrouped(before, after)
    # The rules that keep the parts asunder: those before a merge, and those after a split.
    sides_apart = (("would merge", merged, sides[0]), ("would split", split, sides[1]))
    for title, groups, side in sides_apart:
        for parts in groups:
            sizes = " + ".join(str(len(part)) for part in parts)
            print(f"{title}: {sizes} identifiers ({_kept_apart(side, parts)})")
            for part in parts:
                print("    " + ", ".join(f"{kind} {value}" for kind, value in part))
    print(f"{len(merged)} merges, {len(split)} splits")
    return 0


def _kept_apart(side: Replay, parts: list[list[tuple[str, str]]]) -> str:
    """The rules that refused the ties between the parts, as ``docs/identity.md`` names them."""
    place = {identifier: n for n, part in enumerate(parts) for identifier in part}
    reasons = {
        reason
        for (a, b), reason in side.refused.items()
        if a in place and b in place and place[a] != place[b]
    }
    return ", ".join(sorted(reasons)) or "no tie between them"


def _regrouped(
    whole: dict[tuple[str, str], str], parts: dict[tuple[str, str], str]
) -> list[list[list[tuple[str, str]]]]:
    """The customers of ``whole`` that are several customers in ``parts``."""
    groups: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for identifier in sorted(whole):
        groups[whole[identifier]][parts.get(identifier, "")].append(identifier)
    return [list(group.values()) for group in groups.values() if len(group) > 1]


def _send(options: argparse.Namespace) -> int:
    document = stack.load()
    try:
        payload = json.loads(options.file.read_bytes())
    except OSError as error:
        raise LocalError(f"cannot read {options.file}: {error.strerror}") from error
    except ValueError:
        raise LocalError(f"{options.file} is not JSON") from None
    try:
        method, path, headers, body = sign(options.channel, payload, document["webhook_secrets"])
    except ValueError as error:
        raise LocalError(str(error)) from None
    except (KeyError, TypeError):
        raise LocalError(f"{options.file} is not a sample of {options.channel}") from None
    request = urllib.request.Request(  # noqa: S310 - the stack's own address
        document["api_url"].rstrip("/") + path, body, headers, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            print(answer.status, answer.read().decode())
            return 0
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode())
        return 1
    except OSError:
        raise LocalError("the stack does not answer: run make up") from None


def _rules(path: Path | None) -> Rules:
    if path is None:
        return default_rules()
    try:
        return load_rules(path)
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}") from error


def _tell_invalid(result: Replay) -> None:
    for number, reason in result.invalid[:20]:
        print(
            f"enlace: line {number}: {reason}" if number else f"enlace: {reason}", file=sys.stderr
        )
    if len(result.invalid) > 20:
        print(f"enlace: and {len(result.invalid) - 20} more such lines", file=sys.stderr)


@contextmanager
def _progress(path: Path, what: str) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, silence elsewhere."""
    if not sys.stderr.isatty() or not path.exists():
        yield lambda bytes_read: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=path.stat().st_size)
        yield lambda bytes_read: bar.update(task, completed=bytes_read)


if __name__ == "__main__":
    sys.exit(main())
