"""Nobody who said no is sent anything, whenever they say it (cases 24, 26, 27, 40, 42)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.consent import AddressConsent, ConsentRecord
from enlace.domain.delivery import UNKNOWN_OUTCOME, State
from enlace.domain.message_policy import MessagePolicy
from enlace.domain.send_claims import SendClaim
from enlace.errors import TemporaryFailure
from enlace.usecases.consent_ledger import ledger_entry
from enlace.usecases.consent_ports import StoredConsent
from enlace.usecases.send_command import Command
from enlace.usecases.send_gate import LEASE_SECONDS, SendGate
from local.memory_consents import MemoryConsents
from tests.unit.usecases.fakes import Clock

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

    def put_claims(self, key: str, before: StoredConsent, claims: Iterable[SendClaim]) -> None:
        if self.meanwhile:
            self.say(self.meanwhile.pop(0))
        super().put_claims(key, before, claims)

    @property
    def claimed(self) -> list[str]:
        return [claim.message_id for claim in self.get(KEY).claims]


def gate(consents: Consents, clock: Clock | None = None, *, idempotent: bool = False) -> SendGate:
    return SendGate(consents, policy=MessagePolicy(), now=clock or Clock(), idempotent=idempotent)


def test_a_grant_lets_through_and_leaves_the_intent() -> None:
    consents = Consents()
    consents.say(said("e-1", "granted", 1))
    assert gate(consents).enter(COMMAND).claim
    assert consents.claimed == ["m-1"]


def test_an_objection_while_the_gate_decides_is_seen() -> None:
    consents = Consents()
    consents.say(said("e-1", "granted", 1))
    consents.meanwhile = [said("e-2", "withdrawn", 2)]
    passage = gate(consents).enter(COMMAND)
    assert (passage.claim, passage.state) == (None, State.DENIED)
    assert passage.reason == "consent, step 4: withdrawn (e-2)"
    assert consents.claimed == []


def test_the_opted_out_still_get_what_is_not_marketing() -> None:
    consents = Consents()
    consents.say(said("e-1", "withdrawn", 1))
    assert gate(consents).enter(replace(COMMAND, purpose="transactional")).claim
    assert not gate(consents).enter(replace(COMMAND, message_id="m-2")).claim


def test_a_store_that_does_not_answer_sends_nothing() -> None:
    consents = Consents()
    consents.say(said("e-1", "granted", 1))
    consents.down = True
    with pytest.raises(TemporaryFailure):
        gate(consents).enter(COMMAND)
    consents.down = False
    assert consents.claimed == []


def test_an_address_whose_consent_never_rests_is_tried_later() -> None:
    consents = Consents()
    consents.meanwhile = [said(f"e-{n}", "granted", n + 1) for n in range(9)]
    consents.say(said("e", "granted", 1))
    with pytest.raises(TemporaryFailure):
        gate(consents).enter(COMMAND)


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
        allowed = gate(consents).enter(replace(COMMAND, message_id=message)).claim is not None
        assert allowed == (last_word == "yes")
        assert (message in consents.claimed) == allowed


def test_an_intent_where_nothing_was_said_hides_nothing() -> None:
    consents = Consents()
    assert gate(consents).enter(replace(COMMAND, purpose="transactional")).claim
    assert consents.get(KEY).consent == AddressConsent()


def test_of_two_senders_one_has_it() -> None:
    consents = Consents()
    consents.say(said("e-1", "granted", 1))
    assert gate(consents).enter(COMMAND).claim
    with pytest.raises(TemporaryFailure):
        gate(consents).enter(COMMAND)
    # Another message to the same address is another matter.
    assert gate(consents).enter(replace(COMMAND, message_id="m-2")).claim
    assert sorted(consents.claimed) == ["m-1", "m-2"]


def test_what_nobody_knows_of_is_repeated_where_that_does_no_harm() -> None:
    consents, clock = Consents(), Clock()
    consents.say(said("e-1", "granted", 1))
    protocol = replace(COMMAND, message_id="m-2", purpose="transactional")
    for command in (COMMAND, protocol):
        assert gate(consents, clock).enter(command).claim
    clock.forward(seconds=LEASE_SECONDS + 1)
    passage = gate(consents, clock).enter(COMMAND)
    assert (passage.claim, passage.state, passage.reason) == (None, State.FAILED, UNKNOWN_OUTCOME)
    assert gate(consents, clock, idempotent=True).enter(COMMAND).claim
    again = gate(consents, clock).enter(protocol).claim
    assert again and again.calls == 2


def test_of_a_doubtful_one_nobody_says_that_it_was_never_sent() -> None:
    consents, clock = Consents(), Clock()
    protocol = replace(COMMAND, purpose="transactional")
    gate(consents, clock).enter(protocol)
    clock.forward(seconds=LEASE_SECONDS + 1)
    before = consents.get(KEY)
    erasing = replace(before.consent, erasing=True)
    record = said("e-1", "denied", 1)
    consents.commit(KEY, before, erasing, ledger_entry(KEY, record, {}, before.last_hash))
    passage = gate(consents, clock).enter(protocol)
    assert (passage.claim, passage.state) == (None, State.FAILED)
    assert "step 1" in passage.reason
