"""An erased address: marketing stays stopped until the address itself says yes again."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from enlace.domain.consent import (
    MARKETING_ONLY,
    OPT_IN,
    AddressConsent,
    ConsentPolicy,
    ConsentRecord,
    Moment,
    Suppression,
    evaluate,
)
from enlace.domain.consent_document import from_document, to_document
from enlace.domain.reduced_consent import reduced_consent
from enlace.usecases.consent_ledger import ledger_entry
from enlace.usecases.consents import Consents
from local.memory_consents import MemoryConsents

KEY = "email#0123456789012345678901"
POLICY = ConsentPolicy()


def at(day: int) -> str:
    return f"2026-11-{day:02d}T12:00:00.000Z"


ERASED = Suppression("erasure", Moment(at(10), at(10), "r-1"))


def said(state: str = "granted", day: int = 12, **fields: Any) -> ConsentRecord:
    values = {
        "purpose": "marketing",
        "channel": "email",
        "actor": "subject",
        "occurred_at": at(day),
        "received_at": at(day),
        "has_evidence": True,
        "event_id": f"{state}-{day}-{fields.get('channel', '')}{fields.get('actor', '')}",
        **fields,
    }
    return ConsentRecord(state=state, **values)


class World:
    """Somebody said yes and was erased; the address is anybody's again."""

    def __init__(self) -> None:
        self.store, self.day = MemoryConsents(), 20
        self.consents = Consents(
            self.store, policy=POLICY, now=lambda: at(self.day), sleep=lambda seconds: None
        )
        self.consents.record(KEY, said(day=1))
        known = self.store.get(KEY)
        left = reduced_consent(known.consent.with_suppression(MARKETING_ONLY, ERASED), at(10))
        entry = ledger_entry(KEY, said("objected", 10, actor="system"), {}, known.last_hash)
        self.store.commit(KEY, known, left, entry)

    def ruling(self, purpose: str = "marketing", channel: str = "email") -> tuple[bool, int]:
        consent = self.store.get(KEY).consent
        found = evaluate(consent, purpose, channel, now=at(self.day), policy=POLICY)
        return found.allowed, found.step


@pytest.fixture
def world() -> World:
    return World()


def test_whoever_signs_up_anew_gets_what_they_need_and_no_marketing(world: World) -> None:
    """Case 10."""
    assert world.ruling() == (False, 2)
    assert world.ruling("transactional") == (True, 10)
    assert world.ruling("transactional", "sms") == (True, 10)


@pytest.mark.parametrize(
    "record",
    [
        said(actor="import"),
        said(actor="agent"),
        said(actor="provider"),
        said(has_evidence=False),
        # A word such as START takes a word back, and says no more.
        said(narrow=True),
    ],
)
@pytest.mark.parametrize("proven", [True, False])
def test_no_list_nor_anybody_elses_word_lifts_it(
    world: World, record: ConsentRecord, proven: bool
) -> None:
    world.consents.record(KEY, record, proven=proven)
    assert world.ruling() == (False, 2)


def test_the_addresss_own_yes_lifts_it_on_its_channel_alone(world: World) -> None:
    assert world.consents.record(KEY, said()).ruling.allowed
    assert world.ruling() == (True, 9)
    world.consents.record(KEY, said(actor="agent", channel="sms"))
    assert world.ruling(channel="sms") == (False, 2)
    # The fence is put up again for the same erasure: who came back since stays.
    stored = world.store.get(KEY)
    assert stored.consent.with_suppression(MARKETING_ONLY, ERASED) == stored.consent


def test_a_yes_in_the_addresss_name_is_asked_about_and_counts_once_confirmed(world: World) -> None:
    answer = world.consents.record(KEY, said(), proven=False)
    assert (answer.said, answer.asks) == ("requested", True)
    assert world.ruling() == (False, 2)
    world.day = 13
    assert world.ruling(OPT_IN) == (True, 5)
    (confirmed,) = world.consents.confirm(KEY, "email", "c-1")
    assert confirmed.ruling.allowed and world.ruling() == (True, 9)
    # From then on the address is like any other.
    world.consents.record(KEY, said(day=14), proven=False)
    assert world.ruling() == (True, 9)


def test_an_objection_that_is_heard_of_late_is_lifted_by_no_stated_yes(world: World) -> None:
    world.consents.record(KEY, said())
    world.consents.record(KEY, said(day=16), proven=False)
    objected = said("objected", 14, purpose="news")
    world.consents.record(KEY, objected, stops={MARKETING_ONLY: "objection"})
    assert world.ruling() == (False, 2)


def test_an_imports_yes_asks_nobody(world: World) -> None:
    answer = world.consents.record(KEY, said(actor="import"), proven=False)
    assert (answer.said, answer.asks) == ("requested", False)


@pytest.mark.parametrize(("occurred", "received"), [(1, 1), (9, 12), (10, 10), (10, 12), (28, 10)])
@pytest.mark.parametrize("state", ["granted", "requested", "paused"])
def test_what_is_older_comes_back_by_no_replay(
    world: World, occurred: int, received: int, state: str
) -> None:
    before = world.store.get(KEY)
    old = said(state, event_id="old", occurred_at=at(occurred), received_at=at(received))
    answer = world.consents.record(KEY, old, {"evidence": {"text": "meu segredo"}})
    assert answer.ignored and not answer.asks
    assert world.store.get(KEY) == before and world.store.entry(KEY, "old") is None
    # Nor behind a newcomer's own yes to something else.
    world.consents.record(KEY, said(purpose="news"))
    world.consents.record(KEY, old)
    assert not world.ruling()[0]


def test_an_old_no_is_kept_and_nothing_else_of_it(world: World) -> None:
    late = said("withdrawn", 9, event_id="late")
    details = {"evidence": {"text": "meu segredo"}, "recorded_by": "ana@example.com"}
    answer = world.consents.record(KEY, late, details, stops={"sms": "stop"})
    assert not answer.ignored
    entry = json.dumps(world.store.entry(KEY, "late"))
    assert "segredo" not in entry and "ana@" not in entry and "withdrawn" in entry
    assert world.ruling("transactional", "sms") == (False, 3)


def test_what_a_newcomer_objects_to_stays_so_in_any_order() -> None:
    objected = Suppression("objection", Moment(at(14), at(14), "o-1"))

    def yes(consent: AddressConsent, day: int) -> AddressConsent:
        record = said(day=day)
        return consent.with_record(record).with_return("email", record.moment)

    steps = [
        lambda consent: consent.with_suppression(MARKETING_ONLY, ERASED),
        lambda consent: consent.with_suppression(MARKETING_ONLY, objected),
        lambda consent: yes(consent, 12),
    ]
    found = []
    for order in permutations(steps):
        consent = AddressConsent()
        for step in order:
            consent = step(consent)
        assert from_document(to_document(consent)) == consent
        found.append(consent)
    assert all(one == found[0] for one in found)
    stopped = evaluate(found[0], "marketing", "email", now=at(20), policy=POLICY)
    assert (stopped.allowed, stopped.step, stopped.reason) == (False, 2, "erasure")
    # A yes that is no more than stated does not do; the address's own does.
    stated = found[0].with_record(said(day=16))
    assert not evaluate(stated, "marketing", "email", now=at(20), policy=POLICY).allowed
    assert evaluate(yes(found[0], 16), "marketing", "email", now=at(20), policy=POLICY).allowed


def test_another_erasure_ends_what_a_newcomer_had_said(world: World) -> None:
    world.consents.record(KEY, said())
    again = Suppression("erasure", Moment(at(13), at(13), "r-2"))
    consent = reduced_consent(
        world.store.get(KEY).consent.with_suppression(MARKETING_ONLY, again), at(13)
    )
    assert consent.erased_before == at(13) and not consent.returned and not consent.purposes
