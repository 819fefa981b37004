"""What every store of consents must do: the suite that memory and moto run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.consent import AddressConsent, ConsentRecord, Moment, Suppression
from enlace.domain.send_claims import SendClaim
from enlace.errors import AlreadyRecorded, Conflict
from enlace.usecases.consent_ledger import ledger_entry
from enlace.usecases.consent_ports import StoredConsent

KEY = "email#0123456789012345678901"
NOW = "2026-11-20T12:00:00.000Z"
CLAIM = SendClaim("m-1/1", 1_795_176_000, 1_795_176_090, 1, True, "0a1b2c3d")
OTHER = SendClaim("m-2/1", 1_795_176_001, 0, 2, False, "4e5f6071")


def said(event_id: str, state: str = "granted", **fields: Any) -> ConsentRecord:
    values = {"actor": "subject", "occurred_at": NOW, "received_at": NOW, **fields}
    return ConsentRecord(event_id, "marketing", "email", state, **values)


class ConsentSuite:
    """Subclasses give a fresh ``store`` fixture."""

    @pytest.fixture
    def store(self) -> Any:
        raise NotImplementedError

    def commit(self, store: Any, record: ConsentRecord) -> StoredConsent:
        before = store.get(KEY)
        after = before.consent.with_record(record)
        store.commit(KEY, before, after, ledger_entry(KEY, record, {}, before.last_hash))
        return before

    def test_nothing_is_known_of_an_unknown_address(self, store: Any) -> None:
        assert store.get(KEY) == StoredConsent(AddressConsent())
        assert store.entry(KEY, "e-1") is None

    def test_state_and_ledger_come_back_as_they_were_written(self, store: Any) -> None:
        record = said("e-1", valid_until="2027-01-01T00:00:00.000Z", has_evidence=True)
        self.commit(store, record)
        stored = store.get(KEY)
        assert stored.consent == AddressConsent().with_record(record)
        assert store.entry(KEY, "e-1")["hash"] == stored.last_hash
        assert store.entry("phone#other", "e-1") is None

    def test_every_kind_of_state_survives_the_store(self, store: Any) -> None:
        consent = AddressConsent(erasing=True).with_suppression(
            "sms", Suppression("stop", Moment(NOW, NOW, "e-0"))
        )
        for number, state in enumerate(("requested", "denied", "granted")):
            consent = consent.with_record(said(f"e-{number}", state))
        record = said("e-9", "granted", has_evidence=True, notice_version="2026-1")
        consent = consent.with_record(record)
        store.commit(KEY, store.get(KEY), consent, ledger_entry(KEY, record, {}, ""))
        assert store.get(KEY).consent == consent

    def test_an_event_is_recorded_once(self, store: Any) -> None:
        self.commit(store, said("e-1"))
        with pytest.raises(AlreadyRecorded):
            self.commit(store, said("e-1", "withdrawn"))
        assert store.get(KEY).consent == AddressConsent().with_record(said("e-1"))

    def test_of_two_writers_one_reads_again(self, store: Any) -> None:
        before = self.commit(store, said("e-1"))
        record = said("e-2", "withdrawn")
        with pytest.raises(Conflict):
            entry = ledger_entry(KEY, record, {}, before.last_hash)
            store.commit(KEY, before, before.consent.with_record(record), entry)
        assert store.entry(KEY, "e-2") is None
        self.commit(store, record)
        assert store.entry(KEY, "e-2")["previous_hash"] == store.entry(KEY, "e-1")["hash"]

    def test_a_claim_holds_only_for_what_was_read(self, store: Any) -> None:
        nothing = store.get(KEY)
        store.put_claims(KEY, nothing, (CLAIM,))
        assert store.get(KEY) == replace(nothing, claims=(CLAIM,))
        with pytest.raises(Conflict):
            store.put_claims(KEY, nothing, (OTHER,))
        # A claim is no change of consent: whoever read before may still write, and keeps it.
        record = said("e-1", has_evidence=True)
        entry = ledger_entry(KEY, record, {}, "")
        store.commit(KEY, nothing, nothing.consent.with_record(record), entry)
        granted = store.get(KEY)
        assert granted.claims == (CLAIM,)
        with pytest.raises(Conflict):
            store.put_claims(KEY, replace(nothing, claims=(CLAIM,)), (OTHER, CLAIM))
        store.put_claims(KEY, granted, (OTHER, CLAIM))
        claimed = store.get(KEY)
        assert claimed.claims == (OTHER, CLAIM)
        self.commit(store, said("e-2", "withdrawn"))
        with pytest.raises(Conflict):
            store.put_claims(KEY, claimed, ())
        store.put_claims(KEY, store.get(KEY), ())
        assert store.get(KEY).claims == ()
        store.put_claims(KEY, store.get(KEY), (CLAIM,))
        assert store.get(KEY).claims == (CLAIM,)

    def test_several_addresses_come_in_one_answer(self, store: Any) -> None:
        assert store.stored([KEY, "phone#other"]) == {}
        store.put_claims(KEY, store.get(KEY), (CLAIM,))
        assert store.states([KEY]) == {}
        assert store.stored([KEY, "phone#other"]) == {KEY: store.get(KEY)}
        self.commit(store, said("e-1", has_evidence=True))
        assert store.states([KEY]) == {KEY: store.get(KEY).consent}
