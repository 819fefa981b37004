"""What a sender remembers of a customer in the CRM, and what it needs to follow them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from enlace.domain.crm import Activity, Contact
from enlace.domain.records import IdentifierRecord, TimelineItem


@dataclass(frozen=True, slots=True)
class Mapping:
    """One customer's contact in the CRM.

    Parameters
    ----------
    contact_id : str
        The CRM's id; "" where it has no contact (yet, or any more).
    merged_into : str
        The customer into whose contact it is being, or has been, merged; "" while
        it has its own.
    levels : dict of address key to level
        The identifiers that the CRM was shown, each at its highest level.
    points : frozenset of str
        Contact points whose activities are, or are about to be, on the contact:
        what has to be moved when they get another customer.
    version : int
        0 while nothing is stored.
    holder, held_until : str, float
        Who settles the customer, and until when at most (seconds since 1970).
    """

    customer_id: str
    contact_id: str = ""
    merged_into: str = ""
    levels: dict[str, str] = field(default_factory=dict)
    points: frozenset[str] = frozenset()
    version: int = 0
    holder: str = ""
    held_until: float = 0.0


class Crm(Protocol):
    """An adapter to a CRM. Every call is the same when made twice, one after the other.

    ``makes_twice``, where an adapter has it and it is true, says that two senders at the same
    time may make the same contact or activity twice: the CRM has no unique keys, so what is
    written is looked for first. Then one sender writes a customer at a time.
    """

    name: str

    def begin(self, cause: str) -> None:
        """Name the event that the calls after this belong to."""

    def upsert_contact(self, contact: Contact) -> str:
        """Create or update a customer's contact; gives the CRM's id for it."""

    def find_contact(self, customer_id: str) -> str | None:
        """The CRM's id of a customer's contact; None if it has none."""

    def own_contact(self, contact_id: str, customer_id: str) -> str | None:
        """The CRM's id now of a customer's contact; None if it is gone or merged away."""

    def merge_contacts(self, primary: str, other: str, points: Collection[str]) -> str:
        """Merge ``other`` into ``primary``; gives the id of the result.

        Parameters
        ----------
        points : collection of str
            Contact points whose activities may stand on ``other``, for a CRM that
            cannot merge and has to be told what to move.
        """

    def record(self, activity: Activity) -> str:
        """Write an activity once; gives its id in the CRM."""

    def find_activities(self, point: str, interaction_ids: Sequence[str]) -> list[str]:
        """CRM ids of what holds those interactions of a contact point, as far as it has them.

        One id may hold several: some CRMs keep a contact point's activities in one
        record, which is moved as a whole.
        """

    def attach(self, activity_ids: Sequence[str], contact_id: str) -> None:
        """Show activities on a contact."""

    def detach(self, activity_ids: Sequence[str], contact_id: str) -> None:
        """No longer show them on it."""


class Mappings(Protocol):
    """The stored mappings of one CRM."""

    def get(self, customer_id: str) -> Mapping:
        """A customer's mapping; an empty one where there is none."""

    def save(self, mapping: Mapping) -> None:
        """Write it, if it is still at its version; else ``Conflict``."""

    def show(self, keys: Iterable[str], customer_id: str) -> None:
        """Note that a customer's contact shows, or is about to show, these identifiers."""

    def progress(self, event_id: str) -> str:
        """How far a split has been followed; "" at the beginning."""

    def save_progress(self, event_id: str, cursor: str) -> None:
        """Remember how far."""


class Identities(Protocol):
    """Look-up of identifiers."""

    def get_identifiers(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord]:
        """Known identifiers by address key."""


class Timeline(Protocol):
    """Recorded interactions."""

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The stored body of one interaction."""

    def page(
        self, pk: str, *, before: str | None, since: str | None, limit: int
    ) -> Sequence[TimelineItem]:
        """Interactions of one contact point, newest first, below ``before``."""
