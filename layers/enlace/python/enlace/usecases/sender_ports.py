"""What sending a message needs of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from enlace.domain.delivery import MessageRecord
from enlace.domain.outgoing import NO_LINKS, Content, Links, Outgoing
from enlace.domain.records import IdentifierRecord
from enlace.usecases.send_command import Command


class MessageProvider(Protocol):
    """An adapter to a provider.

    ``wants_last_inbound``, where an adapter has it and it is true, asks for
    :attr:`enlace.domain.outgoing.Outgoing.last_inbound_at`.
    """

    #: For records and reports.
    name: str
    #: Whether the provider drops a repetition of the same message id.
    idempotent: bool

    def send(self, message: Outgoing) -> str:
        """Hand a message over; gives the provider's id for it.

        Raises
        ------
        ProviderUnavailable
            If the provider certainly did not take it; later may do.
        ProviderRejected
            If it never will.
        ProviderAmbiguous
            If the acknowledgement was lost.
        """


class Identities(Protocol):
    """Look-up of identifiers."""

    def get_identifiers(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord]:
        """Known identifiers by address key."""


class Deliveries(Protocol):
    """Records of messages."""

    def get(self, message_id: str) -> MessageRecord | None:
        """A message's record, read consistently."""

    def settle(self, message: MessageRecord, *, last: bool = False) -> MessageRecord:
        """Enter how an attempt ended; gives what the record says now."""


class Templates(Protocol):
    """The texts."""

    def render(
        self,
        name: str,
        language: str,
        data: Mapping[str, Any],
        *,
        version: str = "",
        links: Links = NO_LINKS,
        extra: Mapping[str, str] = ...,
    ) -> Content:
        """Fill a template."""


class LinksOf(Protocol):
    """Makes the links of a message: where its recipient can say no, or yes."""

    def __call__(self, command: Command) -> Links:
        """The links of a message."""

    def confirm(self, command: Command) -> str:
        """The address of the page on which a double opt-in is confirmed; "" for none."""
