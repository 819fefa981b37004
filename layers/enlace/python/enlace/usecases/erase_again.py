"""After a restore from a backup: do the erasures again that the backup does not know of.

The journal says which addresses were erased, and when. What was received by then goes again,
and whoever came back as a new customer since stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.records import IdentifierRecord
from enlace.errors import NotFound
from enlace.usecases.certify_erasure import JOURNAL
from enlace.usecases.erasure_ports import Fence, Place
from enlace.usecases.erasure_rows import holds_of
from enlace.usecases.rows import Rows


class Marks(Protocol):
    """See :class:`enlace.aws.restore_marks.RestoreMarks`."""

    def behind(self) -> tuple[int, int]: ...

    def mark(self, number: int) -> None: ...


class Identities(Protocol):
    """Look-up of identifiers."""

    def get_identifiers(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord]: ...


class EraseAgain:
    """The use case; parameters as for :class:`enlace.usecases.erase_subject.EraseSubject`.

    ``places`` are stores of ours only: nothing outside was restored.
    """

    def __init__(
        self,
        rows: Rows,
        marks: Marks,
        *,
        fence: Fence,
        identities: Identities,
        identity: Place,
        places: Sequence[Place],
        now: Callable[[], str],
    ):
        self._rows = rows
        self._marks = marks
        self._fence = fence
        self._identities = identities
        self._identity = identity
        self._places = tuple(places)
        self._now = now
        self.counts: Counter[str] = Counter()

    def run(self, time_left: Callable[[], bool] = lambda: True) -> bool:
        """Do what there is to do again, the oldest first, while there is time.

        Returns
        -------
        bool
            Whether nothing is left to do, and traffic may go on.

        Raises
        ------
        TemporaryFailure
            If a store did not do its part; the next run goes on.
        """
        done, all_ = self._marks.behind()
        for number in range(done + 1, all_ + 1):
            row = self._rows.get(JOURNAL, f"{number:09d}")
            if row is None:
                raise NotFound(f"the journal lacks entry {number}")
            if not time_left() or not self._again(row.body, time_left):
                return False
            self._marks.mark(number)
            self.counts["erased_again"] += 1
        return True

    def _again(self, entry: Mapping[str, Any], time_left: Callable[[], bool]) -> bool:
        keys, before = list(entry["keys"]), str(entry["erased_before"])
        known = self._identities.get_identifiers(keys, consistent=True)
        # Whoever came back behind the fence is somebody else.
        restored = {key: one for key, one in known.items() if one.returned_after < before}
        self._fence.raise_at(keys, before, entry["request_id"])
        subject = Subject(
            entry["request_id"],
            before,
            tuple(self._identifier(key, restored.get(key)) for key in keys),
            tuple(
                sorted({id_ for one in restored.values() for id_ in (one.birth, one.customer_id)})
            ),
            # What a legal hold kept from the erasure, it keeps from this one.
            holds=holds_of(self._rows, self._now()),
        )
        if restored and not self._identity.erase(subject, time_left):
            return False
        located: dict[str, tuple[str, ...]] = {}
        for place in self._places:
            subject = replace(subject, located=located)
            for name, ids in place.census(subject).located.items():
                located = {**located, name: tuple(dict.fromkeys((*located.get(name, ()), *ids)))}
        subject = replace(subject, located=located)
        if not all(place.erase(subject, time_left) for place in self._places):
            return False
        self._fence.lower(keys)
        return True

    def _identifier(self, key: str, record: IdentifierRecord | None) -> SubjectIdentifier:
        if record is None:
            return SubjectIdentifier(key, key.partition("#")[0], "")
        return SubjectIdentifier(key, record.kind, record.value, record.raw)
