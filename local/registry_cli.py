"""``enlace registry``: enter the numbers of a do-not-disturb registry on the running stack."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from enlace.aws.address_keys import address_keys
from enlace.aws.consent_table import ConsentTable
from enlace.aws.secrets import CachedSecret
from enlace.domain.interaction import epoch_text
from enlace.domain.registry_file import columns_of
from enlace.rules import default_rules, message_policy
from enlace.usecases.consents import Consents
from enlace.usecases.import_registry import NAO_ME_PERTURBE, ImportRegistry
from local import stack
from local.settings import LocalError

_LINES_AT_ONCE = 500
_TOLD = 20


def add_commands(commands: Any) -> None:
    """Add ``registry import``."""
    registry = commands.add_parser("registry", help="do-not-disturb registries: import")
    registry = registry.add_subparsers(required=True, metavar="COMMAND")
    command = registry.add_parser(
        "import",
        help="no marketing calls to the numbers of a file",
        description="Enters the numbers of a CSV file; again, it adds what is new alone. What is "
        "not in the file stays as it is. On AWS, drop the file into the bucket of registries.",
    )
    command.add_argument("file", type=Path, metavar="FILE.csv")
    command.add_argument("--registry", default=NAO_ME_PERTURBE, help="its name (%(default)s)")
    command.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> int:
    try:
        with options.file.open(encoding="utf-8-sig", errors="replace") as file:
            first = file.readline()
            columns, named = columns_of(first)
            file.seek(0)
            lines = enumerate((line.rstrip("\r\n") for line in file), 1)
            if named:
                next(lines)
            with ThreadPoolExecutor(8) as pool:
                return _enter(_importer(options.registry, pool), lines, columns)
    except OSError as error:
        raise LocalError(f"cannot read {options.file}: {error.strerror}") from error


def _enter(enter: ImportRegistry, lines: Any, columns: Any) -> int:
    counts: Counter[str] = Counter()
    told = 0
    while some := list(islice(lines, _LINES_AT_ONCE)):
        found, errors = enter(some, columns)
        counts += found
        for number, reason in errors[: _TOLD - told]:
            print(f"enlace: line {number}: {reason}", file=sys.stderr)
            told += 1
        if sys.stderr.isatty():
            print(f"\r{some[-1][0]:,} lines", end="", file=sys.stderr)
    print(
        f"{counts['added']:,} added, {counts['known']:,} known already, "
        f"{counts['invalid']:,} not valid"
    )
    return 1 if counts["invalid"] and not counts["added"] + counts["known"] else 0


def _importer(registry: str, pool: ThreadPoolExecutor) -> ImportRegistry:
    def now() -> str:
        return epoch_text(time.time())

    document = stack.load()
    secret = CachedSecret(lambda: stack.client("secretsmanager"), document["address_key_secret"])
    table = ConsentTable(stack.client("dynamodb"), document["table_names"]["consent"])
    return ImportRegistry(
        Consents(table, policy=message_policy().consent, now=now, sleep=time.sleep),
        address_keys(secret),
        default_rules(),
        registry=registry,
        now=now,
        each=pool.map,
    )
