"""Record what people say about being written to, and tell what holds.

The ledger keeps every record for ever as it came, each with the hash of the one
before it; the state beside it is what a sender checks. Both are written in one
transaction, so there is no moment at which one says what the other does not know.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from enlace.domain.address_key import AddressKeys
from enlace.domain.consent import (
    AddressConsent,
    ConsentPolicy,
    ConsentRecord,
    Ruling,
    Suppression,
    evaluate,
)
from enlace.domain.interaction import Identifier
from enlace.domain.rules import Rules
from enlace.errors import AlreadyRecorded, Conflict, InvalidPayload, TemporaryFailure
from enlace.usecases.observe import sight

#: Bumped when the shape of a ledger entry changes.
SCHEMA_VERSION = "1"
_ATTEMPTS = 8


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
    """

    consent: AddressConsent
    etag: str = ""
    last_hash: str = ""


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What holds for one purpose on one channel.

    Parameters
    ----------
    purpose, channel : str
    ruling : Ruling
    record : dict or None
        The ledger entry that decided.
    """

    purpose: str
    channel: str
    ruling: Ruling
    record: dict[str, Any] | None


def consent_key(identifier: Identifier, keys: AddressKeys, rules: Rules) -> str:
    """The address key that consent belongs to.

    Raises
    ------
    InvalidPayload
        If the value is not valid for its kind: nobody can be written to there.
    """
    sighting, valid = sight(identifier, keys, rules)
    if not valid:
        raise InvalidPayload("identifier: the value is not valid for its kind")
    return sighting.key


class Consents:
    """The use case.

    Parameters
    ----------
    store : ConsentStore
    policy : ConsentPolicy
    now : callable
        Gives the current contract time.
    sleep : callable
        Waits some seconds between attempts at a contended address.
    """

    def __init__(
        self,
        store: ConsentStore,
        *,
        policy: ConsentPolicy,
        now: Callable[[], str],
        sleep: Callable[[float], None],
    ):
        self._store = store
        self._policy = policy
        self._now = now
        self._sleep = sleep

    def record(
        self,
        key: str,
        record: ConsentRecord,
        details: Mapping[str, Any] | None = None,
        *,
        stops: Mapping[str, str] | None = None,
    ) -> Answer:
        """Record what was said, once, and tell what holds now.

        Parameters
        ----------
        key : str
            Of the address.
        details : mapping
            Everything else that the ledger keeps: evidence, notice, who recorded it.
        stops : mapping of scope to reason, optional
            Suppressions that come with it (:class:`enlace.domain.consent.Suppression`).

        Raises
        ------
        TemporaryFailure
            If the store did not do its part.
        """
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, 0.01 * 2**attempt))
            before = self._store.get(key)
            after = before.consent.with_record(record)
            known = any(before.consent.stop(scope, record.channel) for scope in stops or ())
            for scope, reason in (stops or {}).items():
                after = after.with_suppression(scope, Suppression(reason, record.moment))
            extended = {**(details or {}), **({"stopped_before": known} if stops else {})}
            entry = ledger_entry(key, record, extended, before.last_hash)
            try:
                self._store.commit(key, before, after, entry)
            except AlreadyRecorded:
                after = before.consent
            except Conflict:
                continue
            return self._answer(key, after, record.purpose, record.channel)
        raise TemporaryFailure("others kept changing the same consent")

    def look_up(self, key: str, asked: tuple[tuple[str, str], ...] = ()) -> list[Answer]:
        """What holds for an address: whatever is on record, and what was asked for.

        Parameters
        ----------
        asked : tuple of (purpose, channel)

        Raises
        ------
        TemporaryFailure
            If the store did not do its part.
        """
        consent = self._store.get(key).consent
        wanted = sorted({*consent.purposes, *asked})
        return [self._answer(key, consent, purpose, channel) for purpose, channel in wanted]

    def _answer(self, key: str, consent: AddressConsent, purpose: str, channel: str) -> Answer:
        ruling = evaluate(consent, purpose, channel, now=self._now(), policy=self._policy)
        record = self._store.entry(key, ruling.event_id) if ruling.event_id else None
        return Answer(purpose, channel, ruling, record)


def ledger_entry(
    key: str, record: ConsentRecord, details: Mapping[str, Any], previous_hash: str
) -> dict[str, Any]:
    """One entry of the ledger, with its own hash.

    Who changes an entry later must change the hash of every later one.
    """
    entry = {
        **details,
        "schema_version": SCHEMA_VERSION,
        "address_key": key,
        **{name: getattr(record, name) for name in record.__slots__},
        "previous_hash": previous_hash,
    }
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {**entry, "hash": hashlib.sha256(text.encode()).hexdigest()}
