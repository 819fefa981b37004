"""One row of the budget table."""

from __future__ import annotations

from dataclasses import dataclass

#: What one number is; None where a pipeline has no such number.
Number = float | None


@dataclass(frozen=True)
class Measure:
    """One row of the table.

    Parameters
    ----------
    exact : bool
        The budget is a value to meet exactly, not a limit.
    note : str
        What the row leaves unsaid.
    """

    name: str
    ours: Number
    naive: Number
    budget: Number
    floor: Number = None
    exact: bool = False
    note: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether ours keeps the budget; None where there is none to keep."""
        if self.ours is None or self.budget is None:
            return None
        rounded = round(self.ours, 6)
        return rounded == self.budget if self.exact else rounded <= self.budget
