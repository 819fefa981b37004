"""What every record of messages must do: the memory's and DynamoDB's suite."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.delivery import Choice, MessageRecord, Request, State, Step
from enlace.domain.message_policy import Cap
from enlace.errors import TemporaryFailure

NOW = "2026-11-20T12:00:00.000Z"
LATER = "2026-11-20T13:00:00.000Z"
REQUEST = Request(
    "email#1",
    True,
    ("sms", "preferred"),
    {"protocol": "1", "n": 2},
    "2026-11-21T12:00:00.000Z",
    "es",
    600,
    ("attachments/m-1/0",),
)
MESSAGE = MessageRecord(
    "m-1",
    State.ACCEPTED,
    template="protocol_opened",
    version="shipped-1",
    purpose="transactional",
    customer_id="c-1",
    accepted_at=NOW,
    request=REQUEST,
)
SMS = Choice(1, "sms", "phone", "phone#1")
MAIL = Choice(2, "email", "email", "email#1")
STEPS = [Step(NOW, "skipped", "no consent", "email"), Step(NOW, "chosen", "named", "sms")]
CAPS = (Cap(24, 2), Cap(168, 3))
HOUR = 3600


def outcome(state: State, choice: Choice = SMS, **fields: Any) -> MessageRecord:
    steps = (Step(LATER, str(state), "", choice.channel),)
    return MessageRecord(
        "m-1",
        state,
        template="protocol_opened",
        purpose="transactional",
        customer_id="c-1",
        channel=choice.channel,
        contact_kind=choice.contact_kind,
        contact_key=choice.contact_key,
        attempt=choice.attempt,
        settled_at=LATER,
        steps=steps,
        **fields,
    )


class DeliverySuite:
    """Subclasses give a fresh ``table``."""

    @pytest.fixture
    def table(self) -> Any:
        raise NotImplementedError

    def test_what_is_accepted_comes_back_and_is_accepted_once(self, table: Any) -> None:
        assert table.get("m-1") is None
        assert table.accept(MESSAGE)
        assert not table.accept(replace(MESSAGE, purpose="marketing"))
        assert table.get("m-1") == MESSAGE

    def test_an_attempt_is_decided_once(self, table: Any) -> None:
        table.accept(MESSAGE)
        assert table.decide("m-1", SMS, STEPS) == SMS
        assert table.decide("m-1", MAIL._replace(attempt=1), STEPS) == SMS
        record = table.get("m-1")
        assert (record.state, record.attempt, record.channel) == (State.ACCEPTED, 1, "sms")
        assert (record.contact_kind, record.contact_key) == ("phone", "phone#1")
        assert record.steps == tuple(STEPS)
        with pytest.raises(TemporaryFailure):
            table.decide("m-1", MAIL._replace(attempt=3), STEPS)

    def test_the_next_attempt_opens_what_had_failed(self, table: Any) -> None:
        table.accept(MESSAGE)
        table.decide("m-1", SMS, [])
        table.settle(outcome(State.FAILED, reason="refused"))
        assert table.decide("m-1", MAIL, STEPS) == MAIL
        record = table.get("m-1")
        assert (record.state, record.attempt, record.channel) == (State.ACCEPTED, 2, "email")
        # The first channel's sender comes late: it does not speak for the second.
        assert table.settle(outcome(State.FAILED, reason="late")).attempt == 2
        assert table.get("m-1").state == State.ACCEPTED
        table.settle(outcome(State.SENT, MAIL, provider="ses", provider_message_id="p"))
        record = table.get("m-1")
        assert (record.state, record.provider_message_id) == (State.SENT, "p")
        assert [step.what for step in record.steps] == ["failed", "skipped", "chosen", "sent"]

    def test_what_is_put_off_waits_and_what_has_moved_on_is_not(self, table: Any) -> None:
        table.accept(MESSAGE)
        assert table.put_off(
            "m-1", State.DEFERRED, 0, at=NOW, reason="quiet", steps=STEPS, due_at=LATER
        )
        record = table.get("m-1")
        assert (record.state, record.due_at, record.settled_at) == (State.DEFERRED, LATER, "")
        assert not table.put_off("m-1", State.DENIED, 1, at=NOW, reason="no", steps=[])
        assert table.decide("m-1", SMS, []) == SMS
        assert table.get("m-1").due_at == ""
        assert not table.put_off("m-1", State.DENIED, 0, at=NOW, reason="no", steps=[])
        assert table.put_off("m-1", State.DENIED, 1, at=LATER, reason="no", steps=[])
        record = table.get("m-1")
        assert (record.state, record.reason, record.settled_at) == (State.DENIED, "no", LATER)
        assert not table.put_off("m-1", State.DEFERRED, 1, at=NOW, reason="", steps=[])
        assert not table.put_off("none", State.DENIED, 0, at=NOW, reason="", steps=[])

    def test_a_sender_enters_what_was_reserved_only(self, table: Any) -> None:
        table.accept(MESSAGE)
        settled = table.settle(outcome(State.SENT, provider="sns", provider_message_id="p"))
        assert settled.state == State.SENT
        record = table.get("m-1")
        assert (record.attempt, record.channel, record.contact_key) == (1, "sms", "phone#1")
        assert record.request == REQUEST and record.version == "shipped-1"

    def test_a_message_without_a_record_gets_one_when_it_ends(self, table: Any) -> None:
        table.settle(outcome(State.DENIED, reason="no"))
        record = table.get("m-1")
        assert (record.state, record.reason, record.template) == (
            State.DENIED,
            "no",
            "protocol_opened",
        )
        assert record.settled_at == LATER

    def test_how_it_ended_stands(self, table: Any) -> None:
        table.accept(MESSAGE)
        table.decide("m-1", SMS, [])
        table.settle(outcome(State.SENT, provider_message_id="p"))
        again = table.settle(outcome(State.FAILED, reason="x"))
        assert again.state == State.SENT and again.provider_message_id == "p"

    @pytest.mark.parametrize("decided", [True, False])
    def test_the_providers_own_word_comes_first(self, table: Any, decided: bool) -> None:
        table.accept(MESSAGE)
        if decided:
            table.decide("m-1", SMS, [])
        assert table.report("m-1", State.SENT, at=LATER, provider_message_id="ses-1")
        record = table.settle(outcome(State.FAILED, reason="timeout"))
        assert (record.state, record.provider_message_id) == (State.SENT, "ses-1")
        assert record.reported and (record.attempt, record.channel) == (1, "sms")
        assert table.get("m-1") == record

    def test_the_later_report_stands(self, table: Any) -> None:
        table.settle(outcome(State.SENT, provider_message_id="p"))
        assert table.report("m-1", State.DELIVERED, at=LATER)
        assert not table.report("m-1", State.FAILED, at=NOW)
        assert not table.report("m-1", State.SENT, at="2026-11-21T00:00:00.000Z")
        assert not table.report("m-1", State.DELIVERED, at=LATER)
        record = table.get("m-1")
        assert (record.state, record.provider_message_id) == (State.DELIVERED, "p")
        bounced = "2026-11-20T14:00:00.000Z"
        assert table.report("m-1", State.FAILED, at=bounced, reason="bounced")
        assert table.get("m-1").reason == "bounced"

    def test_an_earlier_channel_fails_late_and_is_no_news(self, table: Any) -> None:
        table.accept(MESSAGE)
        table.decide("m-1", SMS, [])
        table.settle(outcome(State.FAILED, reason="refused"))
        table.decide("m-1", MAIL, [])
        assert not table.report("m-1", State.FAILED, at=LATER, channel="sms")
        assert table.report("m-1", State.FAILED, at=LATER, channel="email")

    def test_what_was_read_was_delivered(self, table: Any) -> None:
        table.settle(outcome(State.SENT))
        assert table.report("m-1", State.DELIVERED, at=LATER, read=True)
        record = table.get("m-1")
        assert (record.state, record.read_at) == (State.DELIVERED, LATER)

    def data(self, table: Any) -> Any:
        request = table.get("m-1").request
        # All but the data stays: who asks again with the same key is told of this message.
        assert replace(request, data=REQUEST.data, forgotten=False) == REQUEST
        assert request.forgotten == (request.data == {})
        return request.data

    def test_data_stays_while_another_channel_may_need_it(self, table: Any) -> None:
        table.accept(MESSAGE)
        table.put_off("m-1", State.DEFERRED, 0, at=NOW, reason="", steps=[], due_at=LATER)
        table.decide("m-1", SMS, [])
        table.forget("m-1", 1)
        assert self.data(table) == REQUEST.data
        table.settle(outcome(State.SENT, provider_message_id="p"))
        table.report("m-1", State.DELIVERED, at=LATER)
        table.forget("m-1", 2)
        assert self.data(table) == REQUEST.data
        table.forget("m-1", 1)
        assert self.data(table) == {}
        table.forget("m-1", 1)
        assert table.get("m-1").state == State.DELIVERED

    @pytest.mark.parametrize("state", [State.SENT, State.FAILED])
    def test_data_goes_with_the_last_channel(self, table: Any, state: State) -> None:
        table.accept(MESSAGE)
        table.settle(outcome(state), last=True)
        assert self.data(table) == {}

    def test_data_goes_when_it_is_denied_or_read(self, table: Any) -> None:
        table.accept(MESSAGE)
        table.settle(outcome(State.DENIED))
        assert self.data(table) == {}
        for message_id, end in (
            ("m-2", lambda: table.put_off("m-2", State.DENIED, 0, at=NOW, reason="", steps=[])),
            ("m-3", lambda: table.report("m-3", State.DELIVERED, at=LATER, read=True)),
        ):
            table.accept(replace(MESSAGE, message_id=message_id))
            assert end()
            assert table.get(message_id).request.forgotten

    def test_unknown_messages_and_denied_ones_are_not_reported_about(self, table: Any) -> None:
        assert not table.report("other", State.DELIVERED, at=LATER)
        assert not table.report("other", State.SENT, at=LATER)
        assert table.get("other") is None
        table.accept(replace(MESSAGE, state=State.DENIED))
        assert not table.report("m-1", State.DELIVERED, at=LATER)

    def reserve(self, table: Any, message_id: str, now: int, **fields: Any) -> Choice | None:
        values = {"caps": CAPS, "counted": (), "now": now, **fields}
        choice = values.pop("choice", SMS)
        found: Choice | None = table.reserve("c-1", message_id, choice, **values)
        return found

    def test_a_person_gets_no_more_than_the_caps_allow(self, table: Any) -> None:
        assert self.reserve(table, "m-1", 0) == SMS
        assert self.reserve(table, "m-2", HOUR) == SMS
        assert self.reserve(table, "m-3", 2 * HOUR) is None
        assert self.reserve(table, "m-3", 24 * HOUR) == SMS
        # The day would have room again, the week has not.
        assert self.reserve(table, "m-4", 60 * HOUR) is None
        assert self.reserve(table, "m-4", 169 * HOUR) == SMS

    def test_the_same_attempt_finds_its_own_choice(self, table: Any) -> None:
        assert table.reserved("c-1", "m-1", 1) is None
        assert self.reserve(table, "m-1", 0) == SMS
        assert table.reserved("c-1", "m-1", 1) == SMS
        assert table.reserved("c-1", "m-1", 2) is None
        other = MAIL._replace(attempt=1)
        assert self.reserve(table, "m-1", 1, choice=other) == SMS
        # A further attempt at the same message counts once.
        assert self.reserve(table, "m-1", 2, choice=MAIL) == MAIL
        assert self.reserve(table, "m-2", 3) == SMS
        assert self.reserve(table, "m-3", 4) is None

    def test_what_the_addresses_got_counts_too_and_once(self, table: Any) -> None:
        assert self.reserve(table, "m-1", 10 * HOUR) == SMS
        counted = [("m-1", 10 * HOUR), ("m-8", 9 * HOUR)]
        assert self.reserve(table, "m-2", 11 * HOUR, counted=counted) is None
        old = [("m-1", 10 * HOUR), ("m-8", -24 * HOUR)]
        assert self.reserve(table, "m-2", 11 * HOUR, counted=old) == SMS
