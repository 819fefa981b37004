"""What the use cases about cases need from the outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from enlace.domain.case import Case, Change, Contact
from enlace.domain.records import TimelineItem


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an interaction before it is looked at.

    Parameters
    ----------
    contact : Contact or None
        It belongs to a case already: an earlier delivery saw to that.
    referred : tuple of str
        Protocol numbers of the cases that it replies to.
    """

    contact: Contact | None
    referred: tuple[str, ...]


class CaseReader(Protocol):
    """Reads of cases; consistent, since what is decided on them is written."""

    def find(self, protocol: str) -> Case | None:
        """The case of a number."""

    def open_of(self, contact_keys: Sequence[str]) -> list[Case]:
        """The open cases that these contact points opened, newest first."""


class Cases(CaseReader, Protocol):
    """Service cases."""

    def look_up(self, interaction_id: str, references: Sequence[str]) -> Known:
        """What an interaction belongs to already, and what its references name."""

    def opened_last(self, contact_key: str) -> str:
        """The number of the case that a contact point opened last, or "" (a guard)."""

    def open(
        self,
        *,
        contact_key: str,
        contact_kind: str,
        interaction_id: str,
        customer_id: str,
        nature: str,
        opened_at: str,
        level: str = "",
        channel: str = "",
        type_: str = "complaint.opened",
        direction: str = "inbound",
        follows: str = "",
        related: Sequence[str] = (),
        references: Sequence[str] = (),
        opened_last: str | None = None,
    ) -> Case:
        """Open the interaction's case, or find it again.

        Parameters
        ----------
        opened_last : str, optional
            What :meth:`opened_last` was when it was decided that no other case will do.

        Raises
        ------
        Conflict
            If the contact point opened another case meanwhile.
        """

    def join(self, contact: Contact, references: Sequence[str] = ()) -> Contact:
        """Put an interaction into a case's thread, once.

        Returns
        -------
        Contact
            As it stands: an earlier delivery may have put it elsewhere.
        """

    def change(self, case: Case, change: Change) -> Case:
        """Enter a change, once; gives the case after it.

        Raises
        ------
        Conflict
            If the case is no longer as it was read.
        """

    def told(self, protocol: str, contact_key: str, message_id: str) -> str:
        """Who told a contact point the number first: this message's id, or an earlier one's."""

    def case_of_message(self, message_id: str) -> str | None:
        """The number of the case that a message of ours was about."""

    def refer(self, reference: str, protocol: str) -> None:
        """Let a reference lead to a case."""


class CaseThreads(Protocol):
    """Reads of a case's thread and history."""

    def contacts(
        self, protocol: str, *, before: str | None, limit: int
    ) -> tuple[list[Contact], bool]:
        """Contacts, newest first, below ``before`` (a timeline key), and whether there are more."""

    def changes(self, protocol: str, limit: int) -> list[Change]:
        """The latest changes, newest first."""


class Interactions(Protocol):
    """Recorded interactions."""

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The stored body of one interaction."""

    def page(
        self, pk: str, *, before: str | None, since: str | None, limit: int
    ) -> list[TimelineItem]:
        """Interactions of one contact point, newest first, below ``before`` (a sort key)."""
