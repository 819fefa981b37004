"""Enter in the ledger what has ended, and purge requests that nobody confirmed.

The evaluation denies what has ended from that very moment; this is the record of it. Of a
request that was never confirmed nothing is kept that tells who asked, how or from where: the
address may have been anybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from enlace.domain.consent import ConsentRecord
from enlace.domain.consent_ends import expired, next_end, unconfirmed, without_request
from enlace.errors import AlreadyRecorded, Conflict, TemporaryFailure
from enlace.usecases.consent_ledger import ledger_entry
from enlace.usecases.consent_ports import ConsentStore, StoredConsent
from enlace.usecases.purge import Page, Purged

_ATTEMPTS = 8
#: Of the ledger entry of an end: the entry that it ends.
ENDS = "ends"


class ConsentEnds(Protocol):
    """The index of ends. Every method raises ``TemporaryFailure``."""

    def page(self, cursor: str, until: str) -> tuple[tuple[str, ...], str]:
        """Address keys of which something ends by then, and where to go on; "" at the end."""

    def correct(self, key: str, before: StoredConsent, ends_at: str) -> None:
        """Say when the next end is; raises ``Conflict`` if the consent is not as it was read."""

    def reduce_requests(self, key: str, purpose: str, channel: str, until: str, at: str) -> None:
        """Take all that is personal out of the requests that ended by then unconfirmed."""


class ExpireConsents:
    """Implements :class:`enlace.usecases.purge.Purgeable`.

    Parameters
    ----------
    store : ConsentStore
    ends : ConsentEnds
    now : callable
        Gives the current contract time.
    sleep : callable
        Waits some seconds between attempts at a contended address.
    """

    name = "consents"
    shards = 1

    def __init__(
        self,
        store: ConsentStore,
        ends: ConsentEnds,
        *,
        now: Callable[[], str],
        sleep: Callable[[float], None],
    ):
        self._store = store
        self._ends = ends
        self._now = now
        self._sleep = sleep

    def page(self, shard: int, cursor: str, cutoff: str) -> Page:
        """See :class:`enlace.usecases.purge.Purgeable`; the index gives what is due alone."""
        keys, cursor = self._ends.page(cursor, cutoff)
        return Page(len(keys), keys, cursor)

    def purge(self, due: Sequence[str], cutoff: str) -> Purged:
        """End what has ended of each address."""
        return Purged(sum(self._end_all(key, cutoff) for key in due))

    def _end_all(self, key: str, until: str) -> int:
        ended = conflicts = 0
        while True:
            before = self._store.get(key)
            try:
                if not self._end_one(key, before, until):
                    # An erasure, or an older version, may have left a wrong word in the index.
                    self._ends.correct(key, before, next_end(before.consent))
                    return ended
                ended += 1
            except (AlreadyRecorded, Conflict):
                conflicts += 1
                if conflicts == _ATTEMPTS:
                    raise TemporaryFailure("others kept changing the same consent") from None
                self._sleep(0.01 * 2**conflicts)

    def _end_one(self, key: str, before: StoredConsent, until: str) -> bool:
        """End one thing; whether there was any."""
        for record in expired(before.consent, until):
            self._commit(key, before, record, record.event_id.removeprefix("expired-"))
            return True
        for record in unconfirmed(before.consent, until):
            asked = record.event_id.removeprefix("expired-")
            # First, because the index leads here only as long as the state says that it waits.
            self._ends.reduce_requests(key, record.purpose, record.channel, until, self._now())
            self._commit(key, before, record, asked, purge=True)
            return True
        return False

    def _commit(
        self,
        key: str,
        before: StoredConsent,
        record: ConsentRecord,
        ends: str,
        *,
        purge: bool = False,
    ) -> None:
        after = (
            without_request(before.consent, record.purpose, record.channel)
            if purge
            else before.consent.with_record(record)
        )
        self._store.commit(
            key, before, after, ledger_entry(key, record, {ENDS: ends}, before.last_hash)
        )
