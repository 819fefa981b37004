"""``enlace residues``: where given values still are on the running stack.

The same walk as the function ``scan_residues``, over everything: also secrets, and the queues
that functions work on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from enlace.aws.residue_places import places
from enlace.domain.interaction import utc_text
from enlace.domain.residues import Values
from enlace.usecases.scan_residues import Place
from local import settings, stack


def add_commands(commands: Any) -> None:
    """Add ``residues``."""
    command = commands.add_parser(
        "residues",
        help="where given values still are on the running stack",
        description="Reads values from the standard input, one a line, and counts by place the "
        "texts that hold one. The values are shown nowhere.",
    )
    command.add_argument("--json", action="store_true", help="print as JSON")
    command.set_defaults(run=_residues)


def scan(values: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Look for values everywhere.

    Parameters
    ----------
    values : sequence of str
        See :class:`enlace.domain.residues.Values`.

    Returns
    -------
    dict of str to int
        By place, such as ``IdentityTable`` or ``TimelineTable/buyers``: texts that hold one.
    dict of str to int
        By place: how many texts were read; a place that none was read in shows nothing.
    """
    wanted = Values(values)
    # Lines bear the emulator's clock.
    until = utc_text(datetime.now(UTC) + timedelta(minutes=5))
    hits, read = {}, {}
    for place in places(stack.client, settings.STACK_NAME, everything=True):
        name = place.spot.name
        hits[name] = read[name] = 0
        for text in _texts(place, until):
            read[name] += 1
            hits[name] += wanted.are_in(text)
    return hits, read


def _texts(place: Place, until: str) -> list[str]:
    texts, cursor, more = [], "", True
    while more:
        page = place.page(cursor, "", until)
        texts += [piece.text for piece in page.pieces]
        cursor, more = page.cursor, bool(page.cursor)
    return texts


def _residues(options: argparse.Namespace) -> int:
    values = [line.strip() for line in sys.stdin if line.strip()]
    hits, read = scan(values)
    found = {place: count for place, count in sorted(hits.items()) if count}
    if options.json:
        print(json.dumps({"found": found, "read": read}))
        return 1 if found else 0
    for place, count in found.items():
        print(f"{place:32} {count:,} of {read[place]:,}")
    print(f"{sum(found.values()):,} texts in {len(found)} of {len(read)} places")
    return 1 if found else 0
