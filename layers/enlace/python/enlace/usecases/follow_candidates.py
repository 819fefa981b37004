"""Keeps candidates in step with what the bus tells: likenesses, merges and splits."""

from __future__ import annotations

from enlace.domain.envelope import Event
from enlace.domain.events import CONTACT_POINT_DESCRIBED, CUSTOMER_MERGED, CUSTOMER_SPLIT
from enlace.errors import InvalidPayload
from enlace.usecases.candidate_ports import CandidateStore
from enlace.usecases.find_candidates import CandidateFinder
from enlace.usecases.ports import IdentityReader
from enlace.usecases.relist_candidates import relist


class FollowCandidates:
    """A consumer of the bus; parameters as for its two use cases."""

    def __init__(self, finder: CandidateFinder, store: IdentityReader, candidates: CandidateStore):
        self._finder = finder
        self._store = store
        self._candidates = candidates

    def __call__(self, event: Event) -> str:
        """Search, or list anew; gives what was done, in counts.

        Raises
        ------
        InvalidPayload
            If it is none of the events that this consumer wants, or lacks a field.
        TemporaryFailure
            If a store did not do its part.
        """
        try:
            if (event.name, event.major) == (CONTACT_POINT_DESCRIBED, 1):
                found = self._finder.find(event.data["contact_point"]["key"])
                return f"{found.compared} compared, {found.kept} kept, {found.dropped} dropped"
            if (event.name, event.major) == (CUSTOMER_MERGED, 1):
                parts = event.data["identifiers"].values()
            elif (event.name, event.major) == (CUSTOMER_SPLIT, 1):
                parts = [part["identifiers"] for part in event.data["into"]]
            else:
                raise InvalidPayload(f"not for this consumer: {event.name}.v{event.major}")
            keys = {key for part in parts for key in part}
        except (KeyError, TypeError, AttributeError):
            raise InvalidPayload("the event lacks a field") from None
        return f"{relist(self._store, self._candidates, keys)} listed anew"
