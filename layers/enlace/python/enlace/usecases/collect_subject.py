"""All that is held of a person, for whoever asks to see it or to take it along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.interaction import Identifier
from enlace.usecases.erasure_ports import Collecting, Found, Place
from enlace.usecases.restore_hold import RestoreHold


class CollectSubject:
    """The use case.

    Parameters
    ----------
    find : callable
        ``(identifier, whole_customer)`` to :class:`Found`.
    places : sequence of Place
        Those that can be collected from are.
    hold : RestoreHold, optional
        Says where tables may hold people who were erased.
    """

    def __init__(
        self,
        find: Callable[[SubjectIdentifier, bool], Found],
        places: Sequence[Place],
        *,
        hold: RestoreHold | None = None,
    ):
        self._find = find
        self._places = tuple(places)
        self._hold = hold

    def subject(self, request_id: str, key: str, named: Identifier, whole: bool) -> Subject:
        """Whom a request is about, with what the places need to find theirs.

        Raises
        ------
        RestoredTables
            If the erasures are to be done again first.
        TemporaryFailure
            If a store did not do its part.
        """
        if self._hold is not None:
            self._hold.check()
        asked = SubjectIdentifier(key, named.kind, named.value, named.value)
        found = self._find(asked, whole)
        subject = Subject(request_id, "", found.identifiers or (asked,), found.customer_ids)
        for place in self._places:
            more = place.census(subject).located
            located = dict(subject.located)
            for name, ids in more.items():
                located[name] = tuple(dict.fromkeys((*located.get(name, ()), *ids)))
            subject = replace(subject, located=located)
        return subject

    def records(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """Everything, place by place; each record says where it is held."""
        for place in self._places:
            collect = getattr(place, "collect", None)
            if collect is not None:
                collecting: Collecting = place  # type: ignore[assignment]
                for record in collecting.collect(subject):
                    yield {"held_in": place.name, **record}


def summary_of(records: Iterable[Mapping[str, Any]], recipients: Sequence[str]) -> dict[str, Any]:
    """The simplified answer: whether anything is held, what sorts of it, who gets it."""
    counts = Counter(record["record"] for record in records)
    return {
        "data_held": bool(counts),
        "records": dict(sorted(counts.items())),
        "recipients": list(recipients),
    }
