"""Rows in memory; passes the same suite as the DynamoDB ones."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

from enlace.errors import Conflict
from enlace.usecases.rows import Row


class MemoryRows:
    """Implements :class:`enlace.usecases.rows.Rows`."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}

    def get(self, pk: str, sk: str) -> Row | None:
        """See :class:`enlace.usecases.rows.Rows`."""
        return copy.deepcopy(self.rows.get((pk, sk)))

    def under(self, pk: str, prefix: str) -> list[Row]:
        """See :class:`enlace.usecases.rows.Rows`."""
        found = sorted(key for key in self.rows if key[0] == pk and key[1].startswith(prefix))
        return [copy.deepcopy(self.rows[key]) for key in found]

    def due(self, queue: str, until: str, limit: int) -> list[Row]:
        """See :class:`enlace.usecases.rows.Rows`."""
        found = [row for row in self.rows.values() if row.queue == queue and row.next_at]
        due = sorted((row for row in found if row.next_at <= until), key=lambda row: row.next_at)
        return copy.deepcopy(due[:limit])

    def put(self, rows: Sequence[Row]) -> list[Row]:
        """See :class:`enlace.usecases.rows.Rows`."""
        for row in rows:
            known = self.rows.get((row.pk, row.sk))
            if (known.version if known else 0) != row.version:
                raise Conflict("not as it was read")
        written = [replace(copy.deepcopy(row), version=row.version + 1) for row in rows]
        self.rows.update({(row.pk, row.sk): row for row in written})
        return copy.deepcopy(written)

    def delete(self, pk: str, sk: str) -> None:
        """See :class:`enlace.usecases.rows.Rows`."""
        self.rows.pop((pk, sk), None)
