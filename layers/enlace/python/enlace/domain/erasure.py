"""An erasure: whom it is about, what each place held of them, and what had to stay.

The order is everything. First the fence goes up: from then on the resolver drops what is
older, and senders deny. Then every place is counted, once; what was counted is written
down; only then is anything deleted. So whoever resumes after a crash deletes what is left
and still certifies what there was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

#: The reason under which an erased address stays suppressed.
ERASURE = "erasure"
#: The ground of what a legal hold keeps, before the hold's id: see :class:`Kept`.
HOLD_GROUND = "legal hold "


@dataclass(frozen=True, slots=True)
class SubjectIdentifier:
    """One identifier of the subject.

    Parameters
    ----------
    key : str
        Address key.
    kind : str
        With scope, such as ``email`` or ``whatsapp_user:5511…``'s ``kind``.
    value, raw : str
        In clear: kept in the encrypted snapshot alone, and destroyed with it.
    """

    key: str
    kind: str
    value: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data a request is about, as far as it was known when the fence went up.

    Parameters
    ----------
    request_id : str
    erased_before : str
        Contract time; whatever was received by then goes.
    identifiers : tuple of SubjectIdentifier
    customer_ids : tuple of str
        Present and former ids that lead to the subject alone.
    located : mapping of name to tuple of str
        What one place knows and others need: ``messages`` (message ids), ``protocols``,
        ``mails`` (S3 keys of raw mail), ``attachments`` (S3 keys), ``interactions`` (ids).
    holds : mapping of (place, record id) to hold id
        Records that a legal hold keeps: see :class:`Kept`.
    """

    request_id: str
    erased_before: str
    identifiers: tuple[SubjectIdentifier, ...] = ()
    customer_ids: tuple[str, ...] = ()
    located: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holds: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """The address keys."""
        return tuple(identifier.key for identifier in self.identifiers)

    def ids(self, name: str) -> tuple[str, ...]:
        """What was located under a name; empty for none."""
        return tuple(self.located.get(name, ()))


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that stays, and why.

    Parameters
    ----------
    what : str
        In words, without personal data: ``consent records, pseudonymous``.
    count : int
    ground : str
        The law or decision that it rests on: ``LGPD art. 16 I``, ``legal hold <id>``.
    until : str
        Contract time or date at which it goes; "" where that is open.
    """

    what: str
    count: int
    ground: str
    until: str = ""


class Census(NamedTuple):
    """What a place holds of a subject, before anything is deleted.

    Parameters
    ----------
    found : int
        Items, objects, messages or contacts; those that stay are among them.
    kept : tuple of Kept
        What will stay.
    located : mapping of name to tuple of str
        See :class:`Subject`; what other places need to find theirs.
    """

    found: int
    kept: tuple[Kept, ...] = ()
    located: Mapping[str, tuple[str, ...]] = {}

    @property
    def retained(self) -> int:
        """How many stay."""
        return sum(kept.count for kept in self.kept)
