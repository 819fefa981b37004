"""Record what people say about being written to, and tell what holds.

The ledger keeps every record for ever as it came, each with the hash of the one
before it; the state beside it is what a sender checks. Both are written in one
transaction, so there is no moment at which one says what the other does not know.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from enlace.domain.address_key import AddressKeys
from enlace.domain.consent import (
    SUBJECT,
    AddressConsent,
    ConsentPolicy,
    ConsentRecord,
    Moment,
    PurposeState,
    Ruling,
    Suppression,
    evaluate,
)
from enlace.domain.consent_words import DENIALS
from enlace.domain.interaction import Identifier
from enlace.domain.reduced_consent import reduced_entry
from enlace.domain.rules import Rules
from enlace.domain.send_gate import MARKETING
from enlace.errors import AlreadyRecorded, Conflict, InvalidPayload, TemporaryFailure
from enlace.usecases.consent_ledger import ledger_entry
from enlace.usecases.consent_ports import ConsentStore
from enlace.usecases.double_opt_in import as_request, confirmations
from enlace.usecases.observe import sight

#: A browser that says the same again within this time says nothing new.
_SAME_SIGNAL = timedelta(hours=24)
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What holds for one purpose on one channel.

    Parameters
    ----------
    purpose, channel : str
    ruling : Ruling
    record : dict or None
        The ledger entry that decided.
    said : str
        What was recorded: a yes may have become a request.
    asks : bool
        The address is to be asked, this once, to confirm it.
    ignored : bool
        It was said before the address was erased, and nothing was recorded.
    """

    purpose: str
    channel: str
    ruling: Ruling
    record: dict[str, Any] | None
    said: str = ""
    asks: bool = False
    ignored: bool = False


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
        proven: bool = True,
    ) -> Answer:
        """Record what was said, once, and tell what holds now.

        At an address that was erased, what is older counts no more: a yes is ignored, and of
        a no only that it was said is kept. A newer yes that did not come through the address
        is a request there, on any channel.

        Parameters
        ----------
        key : str
            Of the address.
        details : mapping
            Everything else that the ledger keeps: evidence, notice, who recorded it.
        stops : mapping of scope to reason, optional
            Suppressions that come with it (:class:`enlace.domain.consent.Suppression`).
        proven : bool
            It came through the address itself. Of what did not, a yes is only a request
            on channels of double opt-in, and where somebody was erased.

        Raises
        ------
        TemporaryFailure
            If the store did not do its part.
        """
        given = record
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, 0.01 * 2**attempt))
            before = self._store.get(key)
            erased = before.consent.erased_before
            older = bool(erased) and before.consent.is_older(given)
            if older and given.state not in DENIALS:
                holds = self._answer(key, before.consent, given.purpose, given.channel)
                return replace(holds, said=given.state, ignored=True)
            record = self._believed(before.consent, given, proven=proven)
            extended = dict(details or {})
            if record.state == "requested":
                record, asks = as_request(before.consent, record, self._policy)
                extended["asks"] = asks
            after = before.consent.with_record(record)
            if erased and proven and _is_own_yes(record):
                after = after.with_return(record.channel, record.moment)
            if stops:
                known = (before.consent.stop(scope, record.channel) for scope in stops)
                extended["stopped_before"] = any(known)
                for scope, reason in stops.items():
                    after = after.with_suppression(scope, Suppression(reason, record.moment))
            entry = ledger_entry(key, record, extended, before.last_hash)
            if older:
                entry = reduced_entry(entry, erased)
            try:
                self._store.commit(key, before, after, entry)
            except AlreadyRecorded:
                after = before.consent
                entry = self._store.entry(key, record.event_id) or entry
            except Conflict:
                continue
            holds = self._answer(key, after, record.purpose, record.channel)
            return replace(holds, said=entry["state"], asks=bool(entry.get("asks")))
        raise TemporaryFailure("others kept changing the same consent")

    def confirm(
        self,
        key: str,
        channel: str,
        event_id: str,
        details: Mapping[str, Any] | None = None,
        *,
        purpose: str = "",
    ) -> list[Answer]:
        """Record that an address confirms what waits for it, as its link says.

        Parameters
        ----------
        purpose : str
            The one that is confirmed; "" for every one that waits on the channel.
        event_id : str
            Of the confirmation; the same again records nothing more.

        Returns
        -------
        list of Answer
            What holds for each purpose that waited; empty where nothing does in time.
        """
        known = self._store.get(key).consent
        return [
            self.record(key, said, {**confirms, **(details or {})})
            for said, confirms in confirmations(
                known, channel, event_id, purpose=purpose, now=self._now(), policy=self._policy
            )
        ]

    def restart(
        self, key: str, record: ConsentRecord, details: Mapping[str, Any] | None = None
    ) -> Answer | None:
        """Record a word such as *START*: it lifts the stop that another word made, there.

        It is an opt-in to marketing only for whoever had opted in before; the others get
        the messages that need none.

        Returns
        -------
        Answer or None
            None where no such word stands on the channel.
        """
        consent = self._store.get(key).consent
        known = self._store.entry(key, record.event_id)
        if known is None:
            stop = consent.stop(record.channel, record.channel)
            if stop is None or stop.reason != "stop":
                return None
            state = consent.purposes.get((MARKETING, record.channel), PurposeState())
            opted_in = state.grant or state.hearsay
            record = replace(record, purpose=MARKETING if opted_in else "delivery")
        else:
            record = replace(record, purpose=known["purpose"])
        return self.record(key, replace(record, state="granted", narrow=True), details)

    def signal(
        self, key: str, record: ConsentRecord, details: Mapping[str, Any] | None = None
    ) -> Answer | None:
        """Record a browser's signals; None where it says what it said within a day.

        Every page view carries them, and the ledger is for ever.
        """
        known = self._store.get(key).consent.signals
        if all(_said_before(known.get(name), word, record) for name, word in record.signals):
            return None
        return self.record(key, record, details)

    def entry(self, key: str, event_id: str) -> dict[str, Any] | None:
        """One entry of an address's ledger, as it was written.

        Raises
        ------
        TemporaryFailure
            If the store did not do its part.
        """
        return self._store.entry(key, event_id)

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

    def _believed(
        self, consent: AddressConsent, record: ConsentRecord, *, proven: bool
    ) -> ConsentRecord:
        """The record, or the request that a yes is until the address itself confirms it."""
        if record.state != "granted" or proven:
            return record
        erased = bool(consent.erased_before) and not consent.has_returned(record.channel)
        doubtful = erased or record.channel in self._policy.double_opt_in
        return replace(record, state="requested") if doubtful else record

    def _answer(self, key: str, consent: AddressConsent, purpose: str, channel: str) -> Answer:
        ruling = evaluate(consent, purpose, channel, now=self._now(), policy=self._policy)
        record = self._store.entry(key, ruling.event_id) if ruling.event_id else None
        return Answer(purpose, channel, ruling, record)


def _is_own_yes(record: ConsentRecord) -> bool:
    said = record.state == "granted" and record.actor == SUBJECT and record.has_evidence
    return said and not record.narrow


def _said_before(known: tuple[Moment, str] | None, word: str, record: ConsentRecord) -> bool:
    if known is None or known[1] != word or known[0].event_id == record.event_id:
        return False
    since, now = (datetime.fromisoformat(m.occurred_at) for m in (known[0], record.moment))
    return now - since < _SAME_SIGNAL
