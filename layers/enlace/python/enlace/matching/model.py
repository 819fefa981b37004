"""Expectation-maximisation: how often pairs of each kind show each level.

A. P. Dempster, N. M. Laird and D. B. Rubin, "Maximum likelihood from incomplete data
via the EM algorithm", 1977; for record linkage W. E. Winkler, "Using the EM algorithm
for weight computation in the Fellegi-Sunter model of record linkage", 1988. Beside
one person and strangers there are people of one household, who share all that is not
:data:`~enlace.matching.weights.PERSONAL`, and fathers and sons of one name: without them
a family would look like one person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from enlace.matching.compare import LEVELS
from enlace.matching.weights import LEAST, NAMESAKES, NAMESAKES_OWN, PERSONAL, chance

#: Fields of which one person has several: that two of them differ tells nothing.
SEVERAL = frozenset(("phone", "email", "handle", "device"))
_ROUNDS = 40
_SETTLED = 1e-4
#: Families are a part of those who look alike, or they are none: fewer to a pair that is
#: one person are errors in names and birth dates.
_FEWEST_FAMILIES = 1 / 200
_FIRST_ROUNDS = 5
#: What no data has seen is not impossible.
_UNSEEN = 0.5

#: ``(field, level, how common the agreeing values are)``.
Pattern = tuple[tuple[str, str, float | None], ...]
LevelCounts = dict[str, defaultdict[str, float]]


class Model:
    """The four kinds of pairs, fitted in rounds."""

    def __init__(
        self,
        blocked: Counter[Pattern],
        drawn: Counter[Pattern],
        agreeing: dict[str, tuple[float, float]],
        pairs: float,
    ):
        self._blocked, self._drawn = blocked, drawn
        self._agreeing, self._pairs = agreeing, pairs
        seen = {name for pattern in blocked for name, _, _ in pattern}
        self._names = [name for name in LEVELS if name in seen]
        self.prior = self.household = self.namesakes = sum(blocked.values()) / pairs / 4
        marked = sum(n for p, n in drawn.items() if any(name == "descent" for name, _, _ in p))
        #: Share of all pairs in which a record bears such a word.
        self._marked = max(marked, 1) / max(sum(drawn.values()), 1)
        # Where to begin: agreement is the rule for one person, the exception for two.
        self.m = {n: spread(LEVELS[n], [0.9, *[0.05] * (len(LEVELS[n]) - 1)]) for n in self._names}
        self._same: LevelCounts = {}
        self._others = self._counted(drawn)
        self.u = self._chances(self._others)

    def fit(self, progress: Callable[[str, float], None]) -> None:
        """Repeat until the prior settles."""
        for done in range(_ROUNDS):
            progress("learning", done / _ROUNDS)
            before = self.prior
            self._round()
            if done >= _FIRST_ROUNDS and self.household < _FEWEST_FAMILIES * self.prior:
                self.household = 0.0
            if done > _FIRST_ROUNDS and abs(self.prior - before) < _SETTLED * before:
                break
        self._forget_unseen()
        progress("learning", 1.0)

    def _forget_unseen(self) -> None:
        """A level that was met neither here nor there counts nothing."""
        for name in self._names:
            for level in LEVELS[name]:
                if self._same[name][level] < 1 and self._others[name][level] < 1:
                    self.m[name][level] = self.u[name][level]

    def _round(self) -> None:
        posteriors = {pattern: self._posterior(pattern) for pattern in self._blocked}
        matches, households, namesakes = (
            sum(count * posteriors[pattern][kind] for pattern, count in self._blocked.items())
            for kind in range(3)
        )
        self._same = self._counted({p: n * posteriors[p][0] for p, n in self._blocked.items()})
        self._others = self._counted(
            {p: n * (1 - sum(self._posterior(p))) for p, n in self._drawn.items()}
        )
        self.prior = max(matches, 1.0) / self._pairs
        self.household = households / self._pairs
        self.namesakes = namesakes / self._pairs / self._marked
        self.m = self._chances(self._same)
        self.u = self._chances(self._others)
        for name in self._names:
            self._exactly(name, self._same[name]["exact"])
        for name in SEVERAL.intersection(self._names):
            self.m[name]["different"] = self.u[name]["different"]

    def _exactly(self, name: str, matches: float) -> None:
        """Exact agreement of strangers, counted over all pairs: samples are too few for it."""
        if name not in self._agreeing:
            return
        agreeing, both = self._agreeing[name]
        exact = min(max((agreeing - matches) / both, LEAST), 0.999)
        others = {level: u for level, u in self.u[name].items() if level != "exact"}
        scale = (1 - exact) / sum(others.values())
        self.u[name] = {"exact": exact, **{level: u * scale for level, u in others.items()}}

    def _counted(self, patterns: Mapping[Pattern, float]) -> LevelCounts:
        counts: LevelCounts = {name: defaultdict(float) for name in self._names}
        for pattern, count in patterns.items():
            for name, level, _ in pattern:
                if name in counts:
                    counts[name][level] += count
        return counts

    def _chances(self, counts: LevelCounts) -> dict[str, dict[str, float]]:
        return {
            name: spread(LEVELS[name], [counts[name][level] + _UNSEEN for level in LEVELS[name]])
            for name in self._names
        }

    def _posterior(self, pattern: Pattern) -> tuple[float, float, float]:
        """Chances of one person, one household, and namesakes of one family."""
        match, household, namesakes = self.prior, self.household, self.namesakes
        stranger = 1 - match - household
        if not NAMESAKES.intersection(level for name, level, _ in pattern if name == "descent"):
            namesakes = 0.0
        for name, level, share in pattern:
            if name in self.m:
                m, u = self.m[name][level], chance(level, self.u[name][level], share)
                match *= m
                stranger *= u
                household *= u if name in PERSONAL else m
                if name != "descent":
                    namesakes *= u if name in NAMESAKES_OWN else m
        total = match + household + namesakes + stranger
        return match / total, household / total, namesakes / total


def spread(levels: Sequence[str], counts: Sequence[float]) -> dict[str, float]:
    """Counts as chances that sum to one; none is quite 0."""
    total = sum(counts)
    return {level: max(n / total, LEAST) for level, n in zip(levels, counts, strict=True)}
