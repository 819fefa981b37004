"""Consents in memory; passes the suite that the consent table passes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from enlace.domain.consent import AddressConsent
from enlace.domain.send_claims import SendClaim
from enlace.errors import AlreadyRecorded, Conflict
from enlace.usecases.consent_ports import StoredConsent


class MemoryConsents:
    """Implements :class:`enlace.usecases.consent_ports.ConsentStore`."""

    def __init__(self) -> None:
        self.states_by_key: dict[str, StoredConsent] = {}
        self.ledgers: dict[str, dict[str, dict[str, Any]]] = {}

    def get(self, key: str) -> StoredConsent:
        """The consent of an address."""
        return self.states_by_key.get(key, StoredConsent(AddressConsent()))

    def states(self, keys: Collection[str]) -> dict[str, AddressConsent]:
        """The consents of several addresses."""
        return {key: kept.consent for key, kept in self.stored(keys).items() if kept.etag}

    def stored(self, keys: Collection[str], *, consistent: bool = True) -> dict[str, StoredConsent]:
        """Consents and claims of several addresses."""
        return {key: self.states_by_key[key] for key in keys if key in self.states_by_key}

    def entry(self, key: str, event_id: str) -> dict[str, Any] | None:
        """One entry of the ledger."""
        return self.ledgers.get(key, {}).get(event_id)

    def put_claims(self, key: str, before: StoredConsent, claims: Iterable[SendClaim]) -> None:
        """Write the claims, if nothing has changed."""
        kept = self.get(key)
        if (kept.etag, kept.claims) != (before.etag, before.claims):
            raise Conflict("not as it was read")
        self.states_by_key[key] = replace(kept, claims=tuple(claims))

    def commit(
        self, key: str, before: StoredConsent, after: AddressConsent, entry: Mapping[str, Any]
    ) -> None:
        """Write state and entry, or neither."""
        if entry["event_id"] in self.ledgers.get(key, {}):
            raise AlreadyRecorded([])
        if self.get(key).etag != before.etag:
            raise Conflict("not as it was read")
        self.ledgers.setdefault(key, {})[entry["event_id"]] = dict(entry)
        kept = self.get(key)
        self.states_by_key[key] = StoredConsent(after, entry["hash"], entry["hash"], kept.claims)
