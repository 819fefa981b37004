"""``enlace weights decisions``: what operators decided on the running stack, to learn from."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.usecases.compared import learnable
from local import stack
from local.settings import LocalError


def add_command(parsers: Any) -> None:
    """Add ``decisions`` to the sub-commands of ``enlace weights``."""
    command = parsers.add_parser("decisions", help="operators' decisions, for weights update")
    command.add_argument("-o", "--out", type=Path, metavar="OUT.jsonl", help="default: print them")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write a line for each decision about a pair that had been compared."""
    document = stack.load()
    entries = entries_of(stack.client("dynamodb"), document["table_names"]["identity"])
    try:
        lines = [json.dumps(one, sort_keys=True) for one in learnable(entries)]
    except (BotoCoreError, ClientError):
        raise LocalError("the stack does not answer: run make up") from None
    text = "".join(f"{line}\n" for line in lines)
    if options.out is None:
        sys.stdout.write(text)
        return 0
    try:
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LocalError(f"cannot write {options.out}: {error.strerror}") from error
    print(f"{len(lines)} decisions")
    return 0


def entries_of(client: Any, table: str) -> Iterator[dict[str, Any]]:
    """The log of decisions on an identity table; reads the whole table.

    Parameters
    ----------
    client
        A DynamoDB client.
    """
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="begins_with(pk, :decision)",
        ExpressionAttributeValues={":decision": {"S": "decision#"}},
    )
    for page in pages:
        for item in page["Items"]:
            yield json.loads(item["body"]["S"])
