"""Contact points that nobody has come through for so long: their history, and then themselves.

The clock is a contact point's newest interaction. What was said through it goes when that has
run out. The address goes too, unless evidence ties it to one through which somebody still
comes: then it is the company's customer's, who is about. What was only ever stated, such as a
tax number, has no clock of its own, and goes when nobody is left who stated it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from enlace.domain.erasure import HOLD_GROUND, Subject, SubjectIdentifier
from enlace.domain.records import IdentifierRecord
from enlace.errors import TemporaryFailure
from enlace.usecases.erasure_ports import Place
from enlace.usecases.forget_identifiers import ForgetIdentifiers
from enlace.usecases.ports import IdentityReader
from enlace.usecases.purge import Page, Purged
from enlace.usecases.rows import Row, Rows

#: Of the subject of a retention, where an erasure has its request's.
RETENTION = "retention"
#: Contact points that are being forgotten: what finds likenesses must follow, crash or not.
FORGETTING = "job#purge_retention:forgetting"


class ContactPoints(Protocol):
    """What is asked about contact points; every method raises ``TemporaryFailure``."""

    def page(
        self, shard: int, shards: int, cursor: str, cutoff: str
    ) -> tuple[int, tuple[str, ...], str]:
        """How many were looked at, the keys of those first seen by the cutoff, and a cursor."""

    def newest(self, key: str, *, consistent: bool) -> str:
        """When the newest interaction came or went; "" where there is none."""

    def has_rest(self, key: str) -> bool:
        """Whether anything was added up there of interactions, pins aside."""

    def tidy(self, key: str) -> None:
        """Delete what stands beside interactions that are no more."""

    def settled(self, key: str) -> bool:
        """Whether nobody writes any more under the data keys that :meth:`shred` deletes.

        Where timelines are sealed, the first answer is no, and sees to it that the next one,
        a day later, is yes.
        """

    def shred(self, key: str) -> None:
        """Delete the data keys of interactions that are no more."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """How a contact point stands.

    Parameters
    ----------
    has_history : bool
        Interactions, all of which have run out, or what was added up of them.
    is_known : bool
        Somebody who is about is tied to it.
    """

    has_history: bool
    is_known: bool

    @property
    def is_due(self) -> bool:
        return self.has_history or not self.is_known


class OldContacts:
    """Finds contact points that have run out.

    Parameters
    ----------
    points : ContactPoints
    identities : IdentityReader
    """

    def __init__(self, points: ContactPoints, identities: IdentityReader, *, shards: int = 4):
        self.shards = shards
        self._points = points
        self._identities = identities

    def page(self, shard: int, cursor: str, cutoff: str) -> Page:
        """See :class:`enlace.usecases.purge.Purgeable`."""
        looked_at, keys, cursor = self._points.page(shard, self.shards, cursor, cutoff)
        records = self._identities.get_identifiers(keys, consistent=False) if keys else {}
        due = (
            key
            for key, record in sorted(records.items())
            if (standing := self.standing(record, cutoff)) and standing.is_due
        )
        return Page(looked_at, tuple(due), cursor)

    def standing(
        self, record: IdentifierRecord, cutoff: str, *, consistent: bool = False
    ) -> _Standing | None:
        """None for one whose time has not run out."""
        if record.pointer.first_seen > cutoff:
            return None
        newest = self._points.newest(record.key, consistent=consistent)
        if newest > cutoff:
            return None
        # Without interactions: a run before this one was cut off before it had added up anew.
        has_history = bool(newest) or self._points.has_rest(record.key)
        return _Standing(has_history, self._is_known(record, cutoff))

    def _is_known(self, record: IdentifierRecord, cutoff: str) -> bool:
        others: Iterable[str] = record.seen
        if id_ := record.pointer.component:
            for component in self._identities.get_components([id_], consistent=True).values():
                others = component.nodes.keys() - {record.key}
        return any(self._points.newest(key, consistent=True) > cutoff for key in sorted(others))


class ExpireContacts:
    """Implements :class:`enlace.usecases.purge.Purgeable`.

    Parameters
    ----------
    points : ContactPoints
    identities : IdentityReader
    places : sequence of Place
        The timeline first; the others are erased before it, since it leads to theirs.
    likenesses : Place
        Erased when the identity is gone.
    forget : ForgetIdentifiers
    holds : callable
        Legal holds in force: ``(place, record id)`` to hold id.
    rows : Rows
    """

    name = "timeline"

    def __init__(
        self,
        points: ContactPoints,
        identities: IdentityReader,
        *,
        places: Sequence[Place],
        likenesses: Place,
        forget: ForgetIdentifiers,
        holds: Callable[[], Mapping[tuple[str, str], str]],
        rows: Rows,
        shards: int = 4,
    ):
        self._old = OldContacts(points, identities, shards=shards)
        self.shards = shards
        self._points = points
        self._identities = identities
        self._places = places
        self._likenesses = likenesses
        self._forget = forget
        self._holds = holds
        self._rows = rows

    def page(self, shard: int, cursor: str, cutoff: str) -> Page:
        """See :class:`enlace.usecases.purge.Purgeable`."""
        if not cursor:
            # Where nothing else is due, nobody would come to it any more.
            self._finish()
        return self._old.page(shard, cursor, cutoff)

    def purge(self, due: Sequence[str], cutoff: str) -> Purged:
        """Delete histories, and forget who has nobody left."""
        holds, found = self._holds(), Purged(0)
        for key, record in sorted(self._identities.get_identifiers(due, consistent=True).items()):
            standing = self._old.standing(record, cutoff, consistent=True)
            if standing is None or not standing.is_due or not self._points.settled(key):
                continue
            subject = self._subject(record, standing, cutoff, holds)
            if subject is None:
                found = found._replace(held=found.held + 1)
                continue
            if standing.has_history:
                for place in (*self._places[1:], self._places[0]):
                    _done(place.erase(subject, _always))
                self._points.shred(key)
            # What came in meanwhile, or long after its time, keeps it alive.
            if not standing.is_known and not self._points.newest(key, consistent=True):
                self._forget_one(key)
            found = found._replace(deleted=found.deleted + 1)
        return found

    def _subject(
        self,
        record: IdentifierRecord,
        standing: _Standing,
        cutoff: str,
        holds: Mapping[tuple[str, str], str],
    ) -> Subject | None:
        """Whose history it is, and what other places have of it; None while a hold is on it."""
        identifier = SubjectIdentifier(record.key, record.kind, record.value, record.raw)
        ids = () if standing.is_known else (record.birth,)
        subject = Subject(RETENTION, cutoff, (identifier,), ids, holds=holds)
        for place in self._places:
            census = place.census(subject)
            if any(kept.ground.startswith(HOLD_GROUND) for kept in census.kept):
                return None
            subject = replace(subject, located={**subject.located, **census.located})
        return subject

    def _forget_one(self, key: str) -> None:
        intent = self._rows.get(FORGETTING, key) or self._rows.put([Row(FORGETTING, key)])[0]
        self._finish_one(intent.sk)

    def _finish(self) -> None:
        """What a run before this one was cut off at."""
        for intent in self._rows.under(FORGETTING, ""):
            self._finish_one(intent.sk)

    def _finish_one(self, key: str) -> None:
        # Somebody may have come back between the two runs.
        if not self._points.newest(key, consistent=True):
            _done(self._forget([key], erased_before=None))
            self._points.tidy(key)
            self._points.shred(key)
            subject = Subject(RETENTION, "", (SubjectIdentifier(key, "", ""),))
            _done(self._likenesses.erase(subject, _always))
        self._rows.delete(FORGETTING, key)


def _always() -> bool:
    return True


def _done(done: bool) -> None:
    if not done:
        raise TemporaryFailure("not all is done yet")
