"""Consents in memory; passes the suite that the consent table passes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from enlace.domain.consent import AddressConsent
from enlace.errors import AlreadyRecorded, Conflict
from enlace.usecases.consents import StoredConsent


class MemoryConsents:
    """Implements :class:`enlace.usecases.consents.ConsentStore`."""

    def __init__(self) -> None:
        self.states_by_key: dict[str, StoredConsent] = {}
        self.ledgers: dict[str, dict[str, dict[str, Any]]] = {}
        self.intents: dict[str, tuple[str, str]] = {}

    def get(self, key: str) -> StoredConsent:
        """The consent of an address."""
        return self.states_by_key.get(key, StoredConsent(AddressConsent()))

    def states(self, keys: Collection[str]) -> dict[str, AddressConsent]:
        """The consents of several addresses."""
        return {key: self.states_by_key[key].consent for key in keys if key in self.states_by_key}

    def entry(self, key: str, event_id: str) -> dict[str, Any] | None:
        """One entry of the ledger."""
        return self.ledgers.get(key, {}).get(event_id)

    def intend(self, key: str, before: StoredConsent, message_id: str, at: str) -> None:
        """Note that a message is about to go out."""
        if self.get(key).etag != before.etag:
            raise Conflict("not as it was read")
        self.intents[key] = (message_id, at)

    def commit(
        self, key: str, before: StoredConsent, after: AddressConsent, entry: Mapping[str, Any]
    ) -> None:
        """Write state and entry, or neither."""
        if entry["event_id"] in self.ledgers.get(key, {}):
            raise AlreadyRecorded([])
        if self.get(key).etag != before.etag:
            raise Conflict("not as it was read")
        self.ledgers.setdefault(key, {})[entry["event_id"]] = dict(entry)
        self.states_by_key[key] = StoredConsent(after, entry["hash"], entry["hash"])
