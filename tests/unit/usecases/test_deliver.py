"""One message, once: crashes, redeliveries and lost acknowledgements."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.consent import ConsentRecord
from enlace.domain.delivery import MessageRecord, State
from enlace.domain.envelope import Event
from enlace.domain.interaction import Interaction, utc_text
from enlace.domain.message_policy import MessagePolicy
from enlace.domain.send_claims import SendClaim
from enlace.errors import (
    InvalidPayload,
    ProviderAmbiguous,
    ProviderRejected,
    ProviderUnavailable,
    TemporaryFailure,
)
from enlace.senders.sms import CHANNEL
from enlace.usecases.consent_ledger import ledger_entry
from enlace.usecases.deliver_message import DeliverMessage
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.send_gate import MAX_CALLS, UNKNOWN_OUTCOME, SendGate
from local.memory_consents import MemoryConsents
from local.memory_deliveries import MemoryDeliveries
from tests.unit.usecases.fakes import (
    Clock,
    Crash,
    Identities,
    Provider,
    event,
    identifier,
)

KEY = "phone#abc"


class Scene:
    """A sender of SMS with one known phone."""

    def __init__(self, *, idempotent: bool = False) -> None:
        self.clock = Clock()
        self.deliveries = MemoryDeliveries()
        self.provider = Provider(idempotent=idempotent)
        self.identities = Identities(
            {KEY: identifier(KEY, "phone", "+5511987654321", raw="+55 (11) 98765-4321")}
        )
        self.reports: dict[str, Interaction] = {}
        self.crash_in_report = False
        self.consents = MemoryConsents()
        self.deliver = DeliverMessage(
            CHANNEL,
            self.provider,
            identities=self.identities,
            deliveries=self.deliveries,
            templates=MessageTemplates(),
            gate=SendGate(
                self.consents,
                policy=MessagePolicy(),
                now=self.clock,
                idempotent=idempotent,
            ),
            report=self.report,
            account="+5511900000000",
            now=self.clock,
        )

    def report(self, interaction: Interaction) -> None:
        if self.crash_in_report:
            self.crash_in_report = False
            raise Crash
        self.reports[interaction.id] = interaction

    @property
    def state(self) -> State:
        return self.deliveries.records["m-1"].state

    @property
    def claims(self) -> tuple[SendClaim, ...]:
        return self.consents.get(KEY).claims

    def agree(self) -> None:
        """The address's owner wants news."""
        now = utc_text(self.clock())
        said = ConsentRecord(
            "e-1", "marketing", "sms", "granted", "subject", now, now, has_evidence=True
        )
        before = self.consents.get(KEY)
        entry = ledger_entry(KEY, said, {}, before.last_hash)
        self.consents.commit(KEY, before, before.consent.with_record(said), entry)

    def later(self) -> None:
        """Past every lease."""
        self.clock.forward(seconds=300)


def command(**changes: Any) -> Event:
    data: dict[str, Any] = {
        "message_id": "m-1",
        "customer_id": "c-1",
        "purpose": "transactional",
        "template": "protocol_opened",
        "language": "pt-BR",
        "channel": "sms",
        "contact_point": {"kind": "phone", "key": KEY},
        "data": {"protocol": "20261120-1234-5678-9"},
        "expires_at": "2026-11-21T12:00:00.000Z",
    }
    return event("send.message", {**data, **changes})


def test_it_is_sent_to_the_address_and_told() -> None:
    scene = Scene()
    record = scene.deliver(command())
    assert record.state == State.SENT
    (message,) = scene.provider.sent
    assert message.address == "+5511987654321"
    assert "20261120-1234-5678-9" in message.content.sms
    (told,) = scene.reports.values()
    assert (told.type, told.direction, told.source_id) == ("message.sent", "outbound", "m-1:sent")
    assert told.data["message_id"] == "m-1"
    assert told.data["provider_message_id"] == "p-1"


def test_a_redelivery_sends_nothing_and_tells_the_same() -> None:
    scene = Scene()
    scene.deliver(command())
    before = dict(scene.reports)
    scene.clock.forward(hours=1)
    scene.deliver(command())
    assert len(scene.provider.sent) == 1
    assert scene.reports == before


def test_a_crash_before_the_report_is_made_good() -> None:
    scene = Scene()
    scene.crash_in_report = True
    with pytest.raises(Crash):
        scene.deliver(command())
    scene.deliver(command())
    assert len(scene.provider.sent) == 1
    assert [told.type for told in scene.reports.values()] == ["message.sent"]


def test_a_crash_before_the_call_is_sent_after_the_lease_only() -> None:
    scene = Scene()
    scene.provider.script = [("before", Crash())]
    with pytest.raises(Crash):
        scene.deliver(command())
    with pytest.raises(TemporaryFailure):
        scene.deliver(command())
    assert scene.provider.sent == []
    scene.later()
    assert scene.deliver(command()).state == State.SENT
    assert len(scene.provider.sent) == 1


@pytest.mark.parametrize("failure", [Crash(), ProviderAmbiguous("fake: timeout")])
def test_a_lost_acknowledgement_is_not_sent_again_at_once(failure: BaseException) -> None:
    scene = Scene()
    scene.provider.script = [("after", failure)]
    with pytest.raises((Crash, TemporaryFailure)):
        scene.deliver(command())
    for _ in range(3):
        with pytest.raises(TemporaryFailure):
            scene.deliver(command())
    assert len(scene.provider.sent) == 1
    assert scene.reports == {}


@pytest.mark.parametrize("failure", [Crash(), ProviderAmbiguous("fake: timeout")])
def test_the_providers_own_report_settles_a_lost_acknowledgement(failure: BaseException) -> None:
    scene = Scene()
    scene.provider.script = [("after", failure)]
    with pytest.raises((Crash, TemporaryFailure)):
        scene.deliver(command())
    scene.deliveries.accept(MessageRecord("m-1", State.ACCEPTED, purpose="transactional"))
    assert scene.deliveries.report("m-1", State.DELIVERED, at="2026-11-20T12:00:05.000Z")
    scene.later()
    assert scene.deliver(command()).state == State.DELIVERED
    assert len(scene.provider.sent) == 1


@pytest.mark.parametrize("failure", [Crash(), ProviderAmbiguous("fake: timeout")])
def test_without_a_report_a_transactional_message_is_sent_again(failure: BaseException) -> None:
    scene = Scene()
    scene.provider.script = [("after", failure)]
    with pytest.raises((Crash, TemporaryFailure)):
        scene.deliver(command())
    scene.later()
    assert scene.deliver(command()).state == State.SENT
    assert [m.message_id for m in scene.provider.sent] == ["m-1", "m-1"]
    assert len(scene.reports) == 1


def test_without_any_answer_it_gives_up_after_a_few_attempts() -> None:
    scene = Scene()
    for _ in range(MAX_CALLS):
        scene.provider.script = [("after", ProviderAmbiguous("fake: timeout"))]
        with pytest.raises(TemporaryFailure):
            scene.deliver(command())
        scene.later()
    record = scene.deliver(command())
    assert record.state == State.FAILED and "unknown" in record.reason
    assert len(scene.provider.sent) == MAX_CALLS


@pytest.mark.parametrize("failure", [Crash(), ProviderAmbiguous("fake: timeout")])
def test_marketing_is_never_sent_twice(failure: BaseException) -> None:
    scene = Scene()
    scene.agree()
    news = command(
        purpose="marketing",
        template="newsletter",
        data={"headline": "a", "text": "b", "unsubscribe_url": "https://example.com/u"},
    )
    scene.provider.script = [("after", failure)]
    with pytest.raises((Crash, TemporaryFailure)):
        scene.deliver(news)
    scene.later()
    assert scene.deliver(news).state == State.FAILED
    assert len(scene.provider.sent) == 1


def test_an_idempotent_provider_is_simply_called_again() -> None:
    scene = Scene(idempotent=True)
    scene.provider.script = [("after", ProviderAmbiguous("fake: timeout"))]
    with pytest.raises(TemporaryFailure):
        scene.deliver(command())
    scene.later()
    assert scene.deliver(command()).state == State.SENT
    assert len(scene.provider.sent) == 1


def test_a_throttled_message_is_free_for_the_next_delivery_at_once() -> None:
    scene = Scene()
    scene.provider.script = [("before", ProviderUnavailable("fake: throttled"))] * 5
    for _ in range(5):
        with pytest.raises(ProviderUnavailable):
            scene.deliver(command())
    assert scene.claims == ()
    assert scene.deliver(command()).state == State.SENT
    assert [claim.calls for claim in scene.claims] == [1]


def test_a_throttle_after_a_doubtful_attempt_keeps_the_doubt() -> None:
    scene = Scene()
    scene.provider.script = [("after", ProviderAmbiguous("fake: timeout"))]
    with pytest.raises(TemporaryFailure):
        scene.deliver(command())
    scene.later()
    scene.provider.script = [("before", ProviderUnavailable("fake: throttled"))]
    with pytest.raises(ProviderUnavailable):
        scene.deliver(command())
    assert [(claim.calls, claim.lease_until) for claim in scene.claims] == [(1, 0)]


def test_a_refusal_is_final_and_told() -> None:
    scene = Scene()
    scene.provider.script = [("before", ProviderRejected("fake: InvalidParameter"))]
    record = scene.deliver(command())
    assert (record.state, record.reason) == (State.FAILED, "fake: InvalidParameter")
    (told,) = scene.reports.values()
    assert told.type == "message.failed" and told.data["reason"] == "fake: InvalidParameter"
    scene.deliver(command())
    assert scene.provider.sent == []


def test_marketing_is_denied_at_the_gate_and_the_provider_not_called() -> None:
    scene = Scene()
    record = scene.deliver(
        command(
            purpose="marketing",
            template="newsletter",
            data={"headline": "a", "text": "b", "unsubscribe_url": "https://example.com/u"},
        )
    )
    assert record.state == State.DENIED
    assert record.reason == "consent, step 0: no consent on record"
    assert scene.claims == ()
    assert scene.provider.sent == [] and scene.reports == {}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "not known"),
        (identifier(KEY, "email", "joao@example.com"), "channel"),
        (identifier(KEY, "phone", "+5511999999999", blocked=True), "blocked"),
    ],
)
def test_addresses_that_may_not_be_written_to(record: Any, reason: str) -> None:
    scene = Scene()
    scene.identities.clear()
    if record:
        scene.identities[KEY] = record
    result = scene.deliver(command())
    assert result.state == State.DENIED and reason in result.reason
    assert scene.provider.sent == []


def test_it_is_not_sent_after_it_expired() -> None:
    scene = Scene()
    scene.clock.forward(days=2)
    assert scene.deliver(command()).reason == "expired"
    assert scene.provider.sent == []


def test_a_text_that_cannot_be_made_is_told_as_a_failure() -> None:
    scene = Scene()
    for _ in range(2):
        record = scene.deliver(command(data={"nome": "segredo"}))
        assert record.state == State.FAILED and "unknown ['nome']" in record.reason
    assert "segredo" not in str(scene.deliveries.records)
    (told,) = scene.reports.values()
    assert (told.type, told.data["reason"]) == ("message.failed", record.reason)
    assert scene.claims == () and scene.provider.sent == []


def test_a_doubtful_call_stays_doubtful_when_there_is_no_text_any_more() -> None:
    scene = Scene()
    scene.agree()
    scene.provider.script = [("after", ProviderAmbiguous("?"))]
    with pytest.raises(TemporaryFailure):
        scene.deliver(command(purpose="marketing"))
    scene.later()
    record = scene.deliver(command(purpose="marketing", data={"nome": "x"}))
    assert record.state == State.FAILED and record.reason == UNKNOWN_OUTCOME


def test_a_channel_that_takes_no_files_sends_the_text() -> None:
    scene = Scene()
    assert scene.deliver(command(attachments=["attachments/m-1/0"])).state == State.SENT
    (message,) = scene.provider.sent
    assert message.attachments == ()


@pytest.mark.parametrize(
    "change", [{"channel": "email"}, {"purpose": 3}, {"data": []}, {"contact_point": {}}]
)
def test_unusable_commands_are_poison(change: dict[str, Any]) -> None:
    scene = Scene()
    with pytest.raises(InvalidPayload):
        scene.deliver(command(**change))
    assert scene.deliveries.records == {}


def test_a_denied_message_stays_denied_whatever_is_reported() -> None:
    scene = Scene()
    scene.clock.forward(days=2)
    scene.deliver(command())
    assert not scene.deliveries.report("m-1", State.DELIVERED, at="2026-11-23T00:00:00.000Z")
    assert scene.state == State.DENIED


def test_a_command_that_another_channel_has_overtaken_is_dropped() -> None:
    scene = Scene()
    scene.deliveries.accept(
        MessageRecord("m-1", State.ACCEPTED, purpose="transactional", channel="email", attempt=2)
    )
    assert scene.deliver(command()).attempt == 2
    assert scene.provider.sent == [] and scene.reports == {}


def test_the_same_address_on_another_channel_is_another_attempt() -> None:
    scene = Scene()
    scene.deliver(command())
    scene.deliver(command(attempt=2))
    assert len(scene.provider.sent) == 2
    assert [told.source_id for told in scene.reports.values()] == ["m-1:sent", "m-1:sent:2"]


def test_what_was_decided_on_the_way_is_entered_with_the_outcome() -> None:
    scene = Scene()
    scene.deliver(command(why=[["2026-11-20T12:00:00.000Z", "chosen", "named", "sms"]]))
    steps = scene.deliveries.records["m-1"].steps
    assert [(step.what, step.channel) for step in steps] == [("chosen", "sms"), ("sent", "sms")]


def test_an_objection_between_gate_and_provider_sees_the_claim() -> None:
    """Case 26: what is under way when somebody objects is this one message, and it is on record."""
    scene = Scene()
    scene.agree()
    news = command(
        purpose="marketing",
        template="newsletter",
        data={"headline": "a", "text": "b", "unsubscribe_url": "https://example.com/u"},
    )
    send = scene.provider.send

    def object_meanwhile(message: Any) -> str:
        now = utc_text(scene.clock())
        said = ConsentRecord("e-2", "marketing", "sms", "withdrawn", "subject", now, now)
        before = scene.consents.get(KEY)
        assert [claim.intent for claim in before.claims] == ["m-1/1"]
        entry = ledger_entry(KEY, said, {}, before.last_hash)
        scene.consents.commit(KEY, before, before.consent.with_record(said), entry)
        return send(message)

    scene.provider.send = object_meanwhile  # type: ignore[method-assign]
    assert scene.deliver(news).state == State.SENT
    scene.provider.send = send  # type: ignore[method-assign]
    later = scene.deliver(command(**{**news.data, "message_id": "m-2"}))
    assert later.state == State.DENIED and "step 4: withdrawn (e-2)" in later.reason
    assert len(scene.provider.sent) == 1
