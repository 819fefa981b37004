"""The row of a job: how far it has come, and who is at it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from enlace.domain.interaction import epoch_text
from enlace.errors import Conflict
from enlace.usecases.rows import Row, Rows

#: Longer than a function may run: whoever has not moved for so long is no more.
LEASE_SECONDS = 330


class JobRows:
    """Reads and writes rows of a job under leases.

    Parameters
    ----------
    rows : Rows
    job : str
        Its rows stand under ``job#<job>``, one for each part.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(self, rows: Rows, job: str, clock: Callable[[], float]):
        self._rows = rows
        self._pk = f"job#{job}"
        self._clock = clock
        self._runner = uuid.uuid4().hex

    def all(self) -> dict[str, Row]:
        """Every part's row, by part."""
        return {row.sk: row for row in self._rows.under(self._pk, "")}

    def new(self, part: str) -> Row:
        """The row of a part that has none."""
        return Row(self._pk, part)

    def leased(self, row: Row) -> bool:
        """Whether somebody is at it."""
        return str(row.body.get("lease_until", "")) > epoch_text(self._clock())

    def save(self, row: Row, body: Mapping[str, Any], *, lease: bool = True) -> Row:
        """Write how far it has come, and hold it for one more lease, or let it go.

        Raises
        ------
        Conflict
            If somebody took it over.
        """
        until = epoch_text(self._clock() + LEASE_SECONDS) if lease else ""
        held = {**body, "lease_until": until, "runner": self._runner}
        try:
            [saved] = self._rows.put([Row(row.pk, row.sk, held, row.version)])
        except Conflict:
            # An acknowledgement that was lost made the client write it again.
            found = self._rows.get(row.pk, row.sk)
            if found is None or found.body != held:
                raise
            return found
        return saved
