"""Two contact points that may be one person: what is kept of the suspicion."""

from __future__ import annotations

from dataclasses import dataclass, replace

from enlace.domain.component import Component
from enlace.domain.evidence import edge_key

#: Why a field speaks for or against: field, level of agreement, weight in bits.
Reason = tuple[str, str, float]

#: Where pairs of which no likeness is known stand in the list: evidence spoke for
#: them, and a rule against.
UNSCORED = 0.5

SOURCES = ("likeness", "rule")

#: Reasons that follow from several fields together, and are no field's own.
_NO_FIELDS = frozenset(("relatives",))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair that an operator should look at. Fields and levels, never values.

    Parameters
    ----------
    a, b : str
        Address keys, sorted.
    probability : float or None
        Of being one person; None where the two have no field in common.
    bits : float or None
        Sum of the weights.
    reasons : tuple of Reason
        The weightiest first.
    rule : str or None
        What refused the evidence between the two (as in
        :class:`enlace.domain.partition.Partition`); None for mere likeness.
    found_at : str
        Contract time of the search that found the pair first.
    listed : bool
        False while the two were one customer when last looked at. It keeps the list
        short; whoever reads the list looks again.
    """

    a: str
    b: str
    probability: float | None
    bits: float | None
    reasons: tuple[Reason, ...]
    rule: str | None
    found_at: str
    listed: bool = True

    @property
    def pair(self) -> tuple[str, str]:
        """Both ends, sorted."""
        return self.a, self.b

    @property
    def source(self) -> str:
        """``likeness``, or ``rule`` where evidence was refused."""
        return "rule" if self.rule else "likeness"

    @property
    def levels(self) -> dict[str, str]:
        """How each field agrees: what weights are learned from."""
        return {field: level for field, level, _ in self.reasons if field not in _NO_FIELDS}

    @property
    def position(self) -> str:
        """Its place in the list, best first, as a text that sorts; no two have the same."""
        probability = UNSCORED if self.probability is None else self.probability
        bits = min(max(self.bits or 0.0, -999.0), 999.0)
        return f"{1 - probability:.9f} {999 - bits:07.2f} {self.a} {self.b}"

    def other(self, key: str) -> str:
        """The end that is not ``key``."""
        return self.b if key == self.a else self.a

    def found(self, moment: str) -> Candidate:
        """The same, first found at ``moment``."""
        return replace(self, found_at=moment)


def candidate(
    a: str,
    b: str,
    *,
    probability: float | None = None,
    bits: float | None = None,
    reasons: tuple[Reason, ...] = (),
    rule: str | None = None,
    found_at: str = "",
    listed: bool = True,
) -> Candidate:
    """A candidate, its ends in either order."""
    return Candidate(*edge_key(a, b), probability, bits, reasons, rule, found_at, listed)


def least_position(probability: float) -> str:
    """Every candidate of at least this probability stands before it in the list."""
    return f"{1 - probability:.9f} ~"


def parted(component: Component, a: str, b: str) -> bool:
    """Whether an operator's ``different`` stands between the customers of two of its nodes."""
    customers = {component.customer_of.get(a), component.customer_of.get(b)}
    return any(
        {component.customer_of.get(decision.a), component.customer_of.get(decision.b)} == customers
        for decision in component.decisions.values()
        if decision.decision == "different"
    )
