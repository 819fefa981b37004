"""Nobody who said no is sent anything, whenever they say it (cases 24, 26, 27, 40, 42)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.consent import AddressConsent, ConsentPolicy, ConsentRecord
from enlace.errors import TemporaryFailure
from enlace.usecases.consents import StoredConsent, ledger_entry
from enlace.usecases.send_command import Command
from enlace.usecases.send_gate import SendGate
from local.memory_consents import MemoryConsents

KEY = "email#0123456789012345678901"
NOW = "2026-11-22T12:00:00.000Z"
COMMAND = Command("m-1", "c-1", "marketing", "newsletter", "en", "email", "email", KEY, {}, NOW)


def said(event_id: str, state: str, day: int, actor: str = "subject") -> ConsentRecord:
    at = f"2026-11-{day:02d}T12:00:00.000Z"
    return ConsentRecord(event_id, "marketing", "email", state, actor, at, at, has_evidence=True)


class Consents(MemoryConsents):
    """Lets somebody speak between the gate's reading and its writing."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[ConsentRecord] = []
        self.down = False

    def say(self, record: ConsentRecord) -> None:
        before = super().get(KEY)
        entry = ledger_entry(KEY, record, {}, before.last_hash)
        self.commit(KEY, before, before.consent.with_record(record), entry)

    def get(self, key: str) -> StoredConsent:
        if self.down:
            raise TemporaryFailure("the table is down")
        return super().get(key)

    def intend(self, key: str, before: StoredConsent, message_id: str, at: str) -> None:
        if self.meanwhile:
            self.say(self.meanwhile.pop(0))
        super().intend(key, before, message_id, at)


def gate(consents: Consents) -> SendGate:
    return SendGate(consents, policy=ConsentPolicy(), now=lambda: NOW)


def test_a_grant_lets_through_and_leaves_the_intent() -> None:
    consents = Consents()
    consents.say(said("e-1", "granted", 1))
    assert gate(consents)(COMMAND).allowed
    assert consents.intents == {KEY: ("m-1", NOW)}


def test_an_objection_while_the_gate_decides_is_seen() -> None:
    consents = Consents()
    consents.say(said("e-1", "granted", 1))
    consents.meanwhile = [said("e-2", "withdrawn", 2)]
    verdict = gate(consents)(COMMAND)
    assert (verdict.allowed, verdict.reason) == (False, "consent, step 4: withdrawn (e-2)")
    assert consents.intents == {}


def test_the_opted_out_still_get_what_is_not_marketing() -> None:
    consents = Consents()
    consents.say(said("e-1", "withdrawn", 1))
    assert gate(consents)(replace(COMMAND, purpose="transactional")).allowed
    assert not gate(consents)(COMMAND).allowed


def test_a_store_that_does_not_answer_sends_nothing() -> None:
    consents = Consents()
    consents.say(said("e-1", "granted", 1))
    consents.down = True
    with pytest.raises(TemporaryFailure):
        gate(consents)(COMMAND)
    assert consents.intents == {}


def test_an_address_whose_consent_never_rests_is_tried_later() -> None:
    consents = Consents()
    consents.meanwhile = [said(f"e-{n}", "granted", n + 1) for n in range(9)]
    consents.say(said("e", "granted", 1))
    with pytest.raises(TemporaryFailure):
        gate(consents)(COMMAND)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["granted", "denied", "withdrawn", "send"]),
            st.sampled_from(["subject", "import", "agent"]),
        ),
        max_size=12,
    )
)
def test_what_was_sent_was_allowed_when_it_was_sent(steps: list[tuple[str, str]]) -> None:
    consents, last_word = Consents(), ""
    denied_by_anybody = False
    for number, (step, actor) in enumerate(steps):
        if step != "send":
            consents.say(said(f"e-{number}", step, number + 1, actor))
            if step != "granted":
                last_word, denied_by_anybody = "no", True
            elif actor == "subject" or not denied_by_anybody:
                last_word = "yes"
            continue
        message = f"m-{number}"
        allowed = gate(consents)(replace(COMMAND, message_id=message)).allowed
        assert allowed == (last_word == "yes")
        assert (consents.intents.get(KEY, ("",))[0] == message) == allowed


def test_an_intent_where_nothing_was_said_hides_nothing() -> None:
    consents = Consents()
    assert gate(consents)(replace(COMMAND, purpose="transactional")).allowed
    assert consents.get(KEY).consent == AddressConsent()
