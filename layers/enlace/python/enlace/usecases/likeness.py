"""How alike two contact points are, as a candidate."""

from __future__ import annotations

from collections.abc import Mapping

from enlace.domain.candidate import Candidate, candidate
from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import Rules
from enlace.matching.blocking import blocking_keys
from enlace.matching.compare import compare
from enlace.matching.features import Features, features_of
from enlace.matching.weights import Weights, default_weights, score

#: Contact points whose features are kept at hand, some ten megabytes.
_CACHED = 10_000


class Likeness:
    """Compares and weighs.

    Parameters
    ----------
    rules : Rules
    weights : Weights, optional
        The ones that ship, where they are not given.
    """

    def __init__(self, rules: Rules, weights: Weights | None = None):
        self._rules = rules
        self._weights = weights or default_weights()
        self._cache: dict[str, tuple[object, Features]] = {}

    def features(self, record: IdentifierRecord | None) -> Features | None:
        """What a contact point is found by; None where nothing is, or may be.

        An identifier that is nobody's (blocked, a hub, a company's) is no one's double,
        and one that says nothing of a person is found by evidence alone.
        """
        if record is None or not record.traits or record.blocked or record.pointer.hub:
            return None
        if not self._rules.of(record.kind).links:
            return None
        features = self._features(record)
        return None if features == Features() else features

    def keys(self, record: IdentifierRecord | None) -> frozenset[str]:
        """Its blocking keys; personal data, of which only HMACs are stored."""
        features = self.features(record)
        return frozenset(blocking_keys(features)) if features else frozenset()

    def alike(
        self, pair: tuple[str, str], records: Mapping[str, IdentifierRecord]
    ) -> Candidate | None:
        """The pair, if it is a candidate by mere likeness.

        It must share a blocking key, and not only be alike: else what was found once
        would stay although a search from nothing would not find it.
        """
        a, b = (self.keys(records.get(end)) for end in pair)
        if a.isdisjoint(b):
            return None
        made = self.of(pair, records)
        return made if (made.probability or 0) >= self._rules.candidates.threshold else None

    def of(
        self,
        pair: tuple[str, str],
        records: Mapping[str, IdentifierRecord],
        rule: str | None = None,
    ) -> Candidate:
        """The pair with its probability and reasons, found at no time yet.

        Parameters
        ----------
        records : mapping
            Both ends' at least.
        rule : str, optional
            What refused the evidence between the two.
        """
        a, b = (records[end] for end in pair)
        comparison = compare(self._features(a), self._features(b))
        listed = a.customer_id != b.customer_id
        if not comparison.levels:
            return candidate(*pair, rule=rule, listed=listed)
        result = score(comparison, self._weights)
        return candidate(
            *pair,
            probability=round(result.probability, 9),
            bits=result.bits,
            reasons=tuple((str(r["field"]), str(r["level"]), r["weight"]) for r in result.reasons),
            rule=rule,
            listed=listed,
        )

    def _features(self, record: IdentifierRecord) -> Features:
        known = self._cache.get(record.key)
        if known is not None and known[0] == record.traits:
            return known[1]
        if len(self._cache) >= _CACHED:
            self._cache.clear()
        features = features_of(record.kind, record.value, record.traits)
        self._cache[record.key] = record.traits, features
        return features
