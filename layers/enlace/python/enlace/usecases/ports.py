"""What the use cases need from the outside, as protocols.

The DynamoDB adapters (:mod:`enlace.aws`) and the memory store of the laptop
tools pass one and the same test suite.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from enlace.domain.component import Component
from enlace.domain.records import (
    CustomerHint,
    Document,
    IdentifierRecord,
    Pointer,
    TimelineItem,
    Tombstone,
)


@dataclass(frozen=True, slots=True)
class CreateRecord:
    """Store an identifier for the first time; one that has a fence, in its tombstone's place."""

    record: IdentifierRecord


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """Move an identifier's pointer if it is still ``before``, and renew its own part.

    Parameters
    ----------
    own : tuple of two IdentifierRecord, optional
        Before and after; ``seen`` and ``traits`` are written if they, and the fence,
        are still as before.
    """

    key: str
    before: Pointer
    after: Pointer
    own: tuple[IdentifierRecord, IdentifierRecord] | None = None


@dataclass(frozen=True, slots=True)
class ForgetRecord:
    """Remove an identifier if it is still as ``before``.

    Parameters
    ----------
    erased_before : str
        The tombstone that stays in its place; "" where nothing does.
    """

    before: IdentifierRecord
    erased_before: str = ""


@dataclass(frozen=True, slots=True)
class PutComponent:
    """Write, or with ``after`` None delete, a component if it is still as ``before``."""

    after: Component | None
    before: Component | None


@dataclass(frozen=True, slots=True)
class PutDocument:
    """Write an aggregate beside a timeline, if it is still as ``before``."""

    after: Document
    before: Document | None


@dataclass(frozen=True, slots=True)
class PutEntry:
    """Write, or with ``after`` None delete, a small entry if it is still as ``before``.

    Parameters
    ----------
    key : str
        ``decision#<id>`` (the audit log of operators' decisions), ``decided#<address key>``
        (the decisions about an identifier), ``rules#active``, ``job#<name>`` (how far a job
        has come), ``forgotten#<address key>`` (effects still to be told).
    """

    key: str
    after: dict[str, Any] | None
    before: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class PutInteraction:
    """Record an interaction, once."""

    item: TimelineItem


Write = (
    CreateRecord
    | UpdateRecord
    | ForgetRecord
    | PutComponent
    | PutDocument
    | PutEntry
    | PutInteraction
)
"""Every write is conditional: it happens only to what was read."""


class IdentityReader(Protocol):
    """Reads of identities."""

    def get_identifiers(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord]:
        """Known identifiers by address key; unknown keys are absent."""

    def get_components(
        self, ids: Iterable[str], *, consistent: bool = False
    ) -> dict[str, Component]:
        """Components by id; unknown ids are absent."""


class Store(IdentityReader, Protocol):
    """Reads and writes of identities and timelines."""

    def get_states(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord | Tombstone]:
        """Known identifiers, and the tombstones of erased ones, by address key."""

    def is_pinned(self, pk: str, interaction_id: str) -> bool:
        """Whether an interaction has left a pin: it was received before."""

    def get_entry(self, key: str) -> dict[str, Any] | None:
        """An entry by its key, read consistently."""

    def get_documents(self, pk: str, sks: Sequence[str]) -> dict[str, Document]:
        """Aggregates of a contact point by sort key, read consistently."""

    def put_hint(self, key: str, hint: CustomerHint | None) -> None:
        """Tell an identifier's record what its customer looks like; None takes it back."""

    def pin_time(self, pk: str, interaction_id: str, moment: str) -> str:
        """The time of the first receipt of an interaction whose vendor sends none."""

    def commit(self, writes: Sequence[Write]) -> None:
        """Make all writes, or none.

        Raises
        ------
        AlreadyRecorded
            If the interaction among the writes is recorded; carries its effects.
        Conflict
            If anything else is not as it was read.
        TemporaryFailure
            If the service did not answer, or throttled.
        """


class WalkedStore(Store, Protocol):
    """A store whose every identity can be looked at, one after another."""

    def scan(
        self, cursor: str | None, limit: int
    ) -> tuple[list[IdentifierRecord | Component], str | None]:
        """Some identifiers and components, and where to go on; None at the end.

        Each is found once, in an order of the store's own; what is written meanwhile
        may be missed, or found as it was a moment ago.

        Parameters
        ----------
        cursor : str or None
            As the last call gave it; None to begin.
        limit : int
            Items to look at; fewer may come, even none before the end.
        """


class TimelineReader(Protocol):
    """Reads of timelines."""

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The stored body of one interaction."""

    def page(
        self, pk: str, *, before: str | None, since: str | None, limit: int
    ) -> list[TimelineItem]:
        """Interactions of one contact point, newest first, below ``before`` (a sort key)."""


class Publisher(Protocol):
    """The bus."""

    def publish(self, entries: Sequence[Any]) -> set[int]:
        """Publish entries; gives the positions of those that were not accepted."""
