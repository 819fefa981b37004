"""What recording consent, and asking for it, needs of a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from enlace.domain.consent import AddressConsent
from enlace.domain.send_claims import SendClaim


@dataclass(frozen=True, slots=True)
class StoredConsent:
    """The consent of an address as it was read.

    Parameters
    ----------
    consent : AddressConsent
    etag : str
        What the next write must still find; empty where nothing is stored.
    last_hash : str
        Of the newest ledger entry; empty for none.
    claims : tuple of SendClaim
        Messages that are on their way to the address, or lately went there.
    """

    consent: AddressConsent
    etag: str = ""
    last_hash: str = ""
    claims: tuple[SendClaim, ...] = ()


class ConsentStore(Protocol):
    """Where consents are kept."""

    def get(self, key: str) -> StoredConsent:
        """The consent of an address, read consistently."""

    def entry(self, key: str, event_id: str) -> dict[str, Any] | None:
        """One entry of the ledger."""

    def commit(
        self, key: str, before: StoredConsent, after: AddressConsent, entry: Mapping[str, Any]
    ) -> None:
        """Write state and entry, or neither.

        Raises
        ------
        AlreadyRecorded
            If the ledger has an entry of this event id.
        Conflict
            If the state is not as it was read.
        TemporaryFailure
            If the service did not answer.
        """
