"""No traffic on restored tables before the erasures are done again.

Every table carries a mark: how many erasures it has gone through. The journal of erasures
tells how many there were. A table that knows of fewer was restored from a backup, with
people in it who were erased since; until it has caught up (:mod:`enlace.usecases.erase_again`)
nothing may be read from it or sent by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from enlace.errors import TemporaryFailure

#: How long a function may go on before it looks again, where it is not told otherwise.
LOOK_SECONDS = 60.0


class Marks(Protocol):
    """See :class:`enlace.aws.restore_marks.RestoreMarks`."""

    def behind(self) -> tuple[int, int]:
        """How many erasures the table that knows of fewest has gone through, and how many
        there were."""


class RestoredTables(TemporaryFailure):
    """Tables were restored from a backup, and their erasures are not done again yet."""


class RestoreHold:
    """Asks once a minute; what it found holds until then.

    Parameters
    ----------
    marks : Marks
    clock : callable
        Seconds, never running back.
    look_seconds : float
        How long what it found holds.
    """

    def __init__(
        self, marks: Marks, clock: Callable[[], float], look_seconds: float = LOOK_SECONDS
    ):
        self._marks = marks
        self._clock = clock
        self._look_seconds = look_seconds
        self._until = float("-inf")

    def check(self) -> None:
        """Return where traffic may go on.

        Raises
        ------
        RestoredTables
            If it may not; asked again, it looks again.
        TemporaryFailure
            If a table did not answer.
        """
        if self._clock() < self._until:
            return
        done, all_ = self._marks.behind()
        if done < all_:
            raise RestoredTables(
                f"tables were restored: {all_ - done} erasures are to be done again first"
            )
        self._until = self._clock() + self._look_seconds
