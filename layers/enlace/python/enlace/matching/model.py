"""Expectation-maximisation: how often pairs of each kind show each level.

A. P. Dempster, N. M. Laird and D. B. Rubin, "Maximum likelihood from incomplete data
via the EM algorithm", 1977; for record linkage W. E. Winkler, "Using the EM algorithm
for weight computation in the Fellegi-Sunter model of record linkage", 1988. The third
kind, people of one household, keeps neighbours from looking like one person: they
share all that is not :data:`enlace.matching.weights.PERSONAL`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from enlace.matching.compare import LEVELS
from enlace.matching.weights import LEAST, PERSONAL

_ROUNDS = 40
_SETTLED = 1e-4
#: What no data has seen is not impossible.
_UNSEEN = 0.5

Pattern = tuple[tuple[str, str], ...]


class Model:
    """The three kinds of pairs, fitted in rounds."""

    def __init__(
        self,
        blocked: Counter[Pattern],
        drawn: Counter[Pattern],
        agreeing: dict[str, tuple[float, float]],
        pairs: float,
    ):
        self._blocked, self._drawn = blocked, drawn
        self._agreeing, self._pairs = agreeing, pairs
        seen = {name for pattern in blocked for name, _ in pattern}
        self._names = [name for name in LEVELS if name in seen]
        self.prior = self.household = sum(blocked.values()) / pairs / 3
        # Where to begin: agreement is the rule for one person, the exception for two.
        self.m = {n: spread(LEVELS[n], [0.9, *[0.05] * (len(LEVELS[n]) - 1)]) for n in self._names}
        self.u = {n: self._counted(n, drawn) for n in self._names}

    def fit(self, progress: Callable[[str, float], None]) -> None:
        """Repeat until the prior settles."""
        for done in range(_ROUNDS):
            progress("learning", done / _ROUNDS)
            before = self.prior
            self._round()
            if abs(self.prior - before) < _SETTLED * before:
                break
        progress("learning", 1.0)

    def _round(self) -> None:
        matches = households = 0.0
        same: dict[str, Counter[str]] = {name: Counter() for name in self._names}
        for pattern, count in self._blocked.items():
            match, household = self._posterior(pattern)
            matches += count * match
            households += count * household
            for name, level in pattern:
                same[name][level] += count * match  # type: ignore[assignment]
        strangers: Counter[Pattern] = Counter()
        for pattern, count in self._drawn.items():
            match, household = self._posterior(pattern)
            strangers[pattern] = count * (1 - match - household)  # type: ignore[assignment]
        self.prior = max(matches, 1.0) / self._pairs
        self.household = households / self._pairs
        for name in self._names:
            self.m[name] = spread(
                LEVELS[name], [same[name][level] + _UNSEEN for level in LEVELS[name]]
            )
            self.u[name] = self._counted(name, strangers)
            self._exactly(name, same[name]["exact"])

    def _exactly(self, name: str, matches: float) -> None:
        """Exact agreement of strangers, counted over all pairs: samples are too few for it."""
        if name not in self._agreeing:
            return
        agreeing, both = self._agreeing[name]
        exact = min(max((agreeing - matches) / both, LEAST), 0.999)
        others = {level: u for level, u in self.u[name].items() if level != "exact"}
        scale = (1 - exact) / sum(others.values())
        self.u[name] = {"exact": exact, **{level: u * scale for level, u in others.items()}}

    def _counted(self, name: str, patterns: Counter[Pattern]) -> dict[str, float]:
        counts: Counter[str] = Counter()
        for pattern, count in patterns.items():
            for field, level in pattern:
                if field == name:
                    counts[level] += count
        return spread(LEVELS[name], [counts[level] + _UNSEEN for level in LEVELS[name]])

    def _posterior(self, pattern: Pattern) -> tuple[float, float]:
        match, household = self.prior, self.household
        stranger = 1 - match - household
        for name, level in pattern:
            if name in self.m:
                m, u = self.m[name][level], self.u[name][level]
                match *= m
                stranger *= u
                household *= u if name in PERSONAL else m
        total = match + household + stranger
        return match / total, household / total


def spread(levels: Sequence[str], counts: Sequence[float]) -> dict[str, float]:
    total = sum(counts)
    return {level: max(n / total, LEAST) for level, n in zip(levels, counts, strict=True)}
