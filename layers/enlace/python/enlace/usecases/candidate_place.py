"""The candidates and the blocks that find them, as a place of erasure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from enlace.domain.erasure import Census, Subject
from enlace.domain.evidence import edge_key
from enlace.usecases.candidate_ports import CandidateStore
from enlace.usecases.find_candidates import CandidateFinder
from enlace.usecases.ports import IdentityReader


class CandidatePlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place` and ``Collecting``.

    The identity goes first: a search from a contact point that is gone removes all that
    searches have left of it, at both ends of every pair.

    Parameters
    ----------
    finder : CandidateFinder
    identities : IdentityReader
    candidates : CandidateStore
    """

    name = "candidates"
    method = "delete"

    def __init__(
        self, finder: CandidateFinder, identities: IdentityReader, candidates: CandidateStore
    ):
        self._finder = finder
        self._identities = identities
        self._candidates = candidates

    def census(self, subject: Subject) -> Census:
        """Memberships of blocks, and pairs with others."""
        points = self._candidates.points(self._own(subject)).values()
        return Census(sum(len(point.blocks) + len(point.partners) for point in points))

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Search anew from each address; nobody being there, nothing stays."""
        for key in self._own(subject):
            if not time_left():
                return False
            self._finder.find(key)
            self._candidates.tidy(key)
        return True

    def collect(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """With how many others a likeness was seen, by which fields; nothing of the others."""
        points = self._candidates.points(subject.keys) if subject.keys else {}
        pairs = {edge_key(key, other) for key in points for other in points[key].partners}
        for _, made in sorted(self._candidates.candidates(sorted(pairs)).items()):
            yield {
                "record": "likeness",
                "found_at": made.found_at,
                "probability": made.probability,
                "fields": [
                    {"field": field, "agreement": level} for field, level, _ in made.reasons
                ],
            }

    def _own(self, subject: Subject) -> list[str]:
        """The addresses but for those at which somebody new is known: what is there is theirs."""
        if not subject.keys:
            return []
        records = self._identities.get_identifiers(subject.keys, consistent=True)
        return [
            key
            for key in subject.keys
            if key not in records or records[key].returned_after < subject.erased_before
        ]
