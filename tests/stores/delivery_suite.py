"""What every record of messages must do: the fake's and DynamoDB's suite."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.delivery import MessageRecord, State
from tests.unit.usecases.fakes import Clock

MESSAGE = MessageRecord(
    "m-1",
    State.ACCEPTED,
    template="protocol_opened",
    purpose="transactional",
    channel="sms",
    customer_id="c-1",
    contact_key="phone#1",
)
LATER = "2026-11-20T13:00:00.000Z"


class DeliverySuite:
    """Subclasses give a fresh ``table`` that lives by ``clock``."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def table(self, clock: Clock) -> Any:
        raise NotImplementedError

    def test_accepting_again_changes_nothing(self, table: Any) -> None:
        table.accept(MESSAGE)
        table.settle(table.claim(MESSAGE), State.SENT, provider_message_id="p")
        table.accept(MESSAGE)
        assert table.get("m-1").state == State.SENT

    def test_a_denial_is_recorded_with_its_time(self, table: Any) -> None:
        table.accept(replace(MESSAGE, state=State.DENIED, reason="no"))
        record = table.get("m-1")
        assert (record.state, record.reason) == (State.DENIED, "no")
        assert record.settled_at == "2026-11-20T12:00:00.000Z"
        claim = table.claim(MESSAGE)
        assert not claim.mine and claim.record.state == State.DENIED

    @pytest.mark.parametrize("accepted", [True, False])
    def test_the_first_claim_is_sure_and_the_second_refused(
        self, table: Any, accepted: bool
    ) -> None:
        if accepted:
            table.accept(MESSAGE)
        first = table.claim(MESSAGE)
        assert first.mine and not first.doubtful
        assert first.record.attempts == 1
        assert first.record.contact_key == "phone#1"
        second = table.claim(MESSAGE)
        assert not second.mine and second.record.state == State.SENDING

    def test_a_lease_that_ran_out_is_taken_over_in_doubt(self, table: Any, clock: Clock) -> None:
        first = table.claim(MESSAGE)
        clock.forward(seconds=91)
        second = table.claim(MESSAGE)
        assert second.mine and second.doubtful and second.record.attempts == 2
        # The slow one may not enter a failure any more, but what is sent is sent.
        assert table.settle(first, State.FAILED, reason="x").state == State.SENDING
        assert table.settle(first, State.SENT, provider_message_id="p1").state == State.SENT
        assert table.settle(second, State.FAILED, reason="y").state == State.SENT
        assert table.get("m-1").provider_message_id == "p1"

    def test_a_release_makes_it_free_and_uncounted(self, table: Any) -> None:
        table.release(table.claim(MESSAGE))
        again = table.claim(MESSAGE)
        assert again.mine and not again.doubtful and again.record.attempts == 1

    def test_a_release_keeps_doubt(self, table: Any, clock: Clock) -> None:
        table.claim(MESSAGE)
        clock.forward(seconds=91)
        table.release(table.claim(MESSAGE))
        assert table.get("m-1").state == State.UNKNOWN
        assert table.claim(MESSAGE).doubtful

    def test_unknown_waits_for_evidence(self, table: Any, clock: Clock) -> None:
        table.settle(table.claim(MESSAGE), State.UNKNOWN, reason="timeout", provider="ses")
        assert not table.claim(MESSAGE).mine
        clock.forward(seconds=61)
        claim = table.claim(MESSAGE)
        assert claim.mine and claim.doubtful

    def test_evidence_settles_it(self, table: Any, clock: Clock) -> None:
        claim = table.claim(MESSAGE)
        assert table.report("m-1", State.SENT, at=LATER, provider_message_id="ses-1")
        record = table.settle(claim, State.UNKNOWN, reason="timeout")
        assert (record.state, record.provider_message_id) == (State.SENT, "ses-1")
        assert record.reported
        clock.forward(hours=1)
        assert not table.claim(MESSAGE).mine

    def test_the_later_report_stands(self, table: Any) -> None:
        table.settle(table.claim(MESSAGE), State.SENT, provider_message_id="p")
        assert table.report("m-1", State.DELIVERED, at=LATER)
        assert not table.report("m-1", State.FAILED, at="2026-11-20T12:30:00.000Z")
        assert not table.report("m-1", State.SENT, at="2026-11-21T00:00:00.000Z")
        assert not table.report("m-1", State.DELIVERED, at=LATER)
        record = table.get("m-1")
        assert (record.state, record.provider_message_id) == (State.DELIVERED, "p")
        bounced = "2026-11-20T14:00:00.000Z"
        assert table.report("m-1", State.FAILED, at=bounced, reason="bounced")
        assert table.get("m-1").reason == "bounced"

    def test_unknown_messages_and_denied_ones_are_not_reported_about(self, table: Any) -> None:
        assert not table.report("other", State.DELIVERED, at=LATER)
        assert not table.report("other", State.SENT, at=LATER)
        assert table.get("other") is None
        table.accept(replace(MESSAGE, state=State.DENIED))
        assert not table.report("m-1", State.DELIVERED, at=LATER)
