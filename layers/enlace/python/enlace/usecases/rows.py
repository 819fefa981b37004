"""Rows that know their version: what jobs and requests keep of themselves.

One idea for everything that must survive a crash and be done by one runner at a time: a
row is read, changed, and written only if nobody has written it meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """A JSON document with a version.

    Parameters
    ----------
    pk, sk : str
        No personal data.
    body : mapping
    version : int
        As it was read; 0 for one that is to be new.
    queue, next_at : str
        Where and when somebody has to look at it again (contract time); "" for never.
    expires_at : int
        Unix seconds from which the table may drop it by itself; 0 for never.
    """

    pk: str
    sk: str
    body: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    queue: str = ""
    next_at: str = ""
    expires_at: int = 0

    def with_body(self, **changes: Any) -> Row:
        """The row with some fields of its body changed."""
        return replace(self, body={**self.body, **changes})


class Rows(Protocol):
    """Where rows are kept.

    Every method raises ``TemporaryFailure`` if the service did not answer.
    """

    def get(self, pk: str, sk: str) -> Row | None:
        """A row, read consistently."""

    def under(self, pk: str, prefix: str) -> list[Row]:
        """The rows of a partition whose sort key begins so, in its order, read consistently."""

    def due(self, queue: str, until: str, limit: int) -> list[Row]:
        """Rows that somebody has to look at by then, the longest due first."""

    def put(self, rows: Sequence[Row]) -> list[Row]:
        """Write rows, all or none, if each is still at its version; gives them as they are now.

        Raises
        ------
        Conflict
            If one was written meanwhile.
        """

    def delete(self, pk: str, sk: str) -> None:
        """Delete a row, whatever it says; one that is not there is deleted already."""
