"""The next channel: after a failure, after silence, and never otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.delivery import State
from enlace.errors import InvalidPayload, ProviderAmbiguous, ProviderRejected
from tests.unit.messages.people import EMAIL, PHONE, at_night, joao, why
from tests.unit.messages.scene import MessageScene


@pytest.fixture
def scene() -> MessageScene:
    return MessageScene()


def test_what_fails_goes_to_the_next_channel(scene: MessageScene) -> None:
    joao(scene)
    scene.providers["sms"].script = [("before", ProviderRejected("sms: no such number"))]
    message = scene.ask(PHONE, purpose="transactional", channels=("sms", "email"))
    scene.run()
    record = scene.deliveries.get(message.message_id)
    assert (record.state, record.channel, record.attempt) == (State.SENT, "email", 2)
    assert [name for name, *_ in scene.taken] == ["email"]
    whats = [what for what, _ in why(scene, message)]
    assert whats == ["chosen", "failed", "fallback", "chosen", "sent"]


def test_where_nothing_is_left_it_has_failed(scene: MessageScene) -> None:
    joao(scene)
    for name in ("sms", "email"):
        scene.providers[name].script = [("before", ProviderRejected(f"{name}: no"))]
    message = scene.ask(PHONE, purpose="transactional", channels=("sms", "email"))
    scene.run()
    record = scene.deliveries.get(message.message_id)
    assert (record.state, record.reason, record.attempt) == (State.FAILED, "email: no", 2)


def test_what_may_have_arrived_is_not_repeated_elsewhere(scene: MessageScene) -> None:
    joao(scene)
    for address, channel in ((EMAIL, "email"), (PHONE, "sms")):
        scene.says(address, "granted", channel=channel)
    scene.providers["email"].script = [("after", ProviderAmbiguous("email: timeout"))]
    message = scene.ask(EMAIL, channels=("email", "sms"))
    scene.run()
    assert scene.state(message) == State.FAILED
    assert [name for name, *_ in scene.taken] == ["email"]


def test_what_was_not_read_in_time_goes_to_the_next_channel(scene: MessageScene) -> None:
    joao(scene)
    message = scene.ask(PHONE, purpose="transactional", channels=("whatsapp", "sms"))
    scene.run()
    scene.wait(minutes=59)
    assert [name for name, *_ in scene.taken] == ["whatsapp"]
    scene.wait(minutes=1)
    assert [name for name, *_ in scene.taken] == ["whatsapp", "sms"]
    assert scene.deliveries.get(message.message_id).attempt == 2
    # And then no more: SMS has no time set, and nothing is left.
    scene.wait(hours=5)
    assert len(scene.taken) == 2


def reported(scene: MessageScene, message: Any, type_: str, channel: str) -> None:
    scene.contact(
        f"{type_}-{scene.now}",
        PHONE,
        channel=channel,
        type_=type_,
        direction="outbound",
        data={"message_id": message.message_id},
    )
    scene.run()


def test_what_was_read_needs_no_other_channel(scene: MessageScene) -> None:
    joao(scene)
    message = scene.ask(PHONE, purpose="transactional", channels=("whatsapp", "sms"))
    scene.run()
    scene.clock.forward(seconds=5)
    reported(scene, message, "message.delivered", "whatsapp")
    scene.clock.forward(seconds=5)
    reported(scene, message, "message.read", "whatsapp")
    scene.wait(hours=2)
    record = scene.deliveries.get(message.message_id)
    assert (record.state, len(scene.taken)) == (State.DELIVERED, 1)
    assert record.read_at


def test_a_late_failure_of_the_provider_goes_to_the_next_channel(scene: MessageScene) -> None:
    joao(scene)
    message = scene.ask(PHONE, purpose="transactional", channels=("sms", "email"))
    scene.run()
    scene.clock.forward(seconds=30)
    reported(scene, message, "message.failed", "sms")
    assert [name for name, *_ in scene.taken] == ["sms", "email"]
    # Told again, and late: it says nothing about the e-mail.
    scene.clock.forward(seconds=30)
    reported(scene, message, "message.failed", "sms")
    assert len(scene.taken) == 2 and scene.state(message) == State.SENT


def test_what_an_earlier_channel_carried_was_sent_whatever_is_denied_later(
    scene: MessageScene,
) -> None:
    joao(scene)
    scene.says(PHONE, "granted", channel="whatsapp")
    scene.says(EMAIL, "granted", channel="email")
    message = scene.ask(PHONE, channels=("whatsapp", "email"))
    scene.run()
    scene.clock.forward(hours=1)
    scene.queue.extend(scene.alarms.due(scene.now))
    # Planned anew, and the answer changes on the way.
    scene.deliver(scene.queue.popleft())
    scene.says(EMAIL, "withdrawn", channel="email")
    scene.run()
    record = scene.deliveries.get(message.message_id)
    assert (record.state, len(scene.taken)) == (State.SENT, 1)
    assert [step.what for step in record.steps][-1] == "denied"


def test_a_fall_back_that_would_ring_at_night_waits_for_the_morning(scene: MessageScene) -> None:
    joao(scene)
    scene.says(EMAIL, "granted", channel="email")
    scene.says(PHONE, "granted", channel="sms")
    at_night(scene)
    scene.providers["email"].script = [("before", ProviderRejected("email: no"))]
    message = scene.ask(EMAIL, channels=("email", "sms"))
    scene.run()
    assert scene.taken == [] and scene.state(message) == State.FAILED
    scene.wait(hours=10)
    assert scene.addresses() == ["+5511987654321"]
    record = scene.deliveries.get(message.message_id)
    assert (record.state, record.channel, record.attempt) == (State.SENT, "sms", 2)


def test_what_is_still_on_its_way_is_asked_about_again(scene: MessageScene) -> None:
    joao(scene)
    message = scene.ask(PHONE, purpose="transactional", channels=("whatsapp", "sms"))
    scene.deliver(scene.queue.popleft())
    # The sender's queue is long.
    command = scene.queue.popleft()
    scene.wait(hours=1)
    assert scene.taken == [] and scene.state(message) == State.ACCEPTED
    scene.queue.append(command)
    scene.run()
    scene.wait(minutes=5)
    assert [name for name, *_ in scene.taken] == ["whatsapp", "sms"]


@pytest.mark.parametrize("purpose", ["transactional", "marketing"])
def test_what_has_no_text_for_one_channel_goes_to_the_next(
    scene: MessageScene, monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    joao(scene)
    for address, channel in ((PHONE, "sms"), (EMAIL, "email")):
        scene.says(address, "granted", channel=channel)

    def broken(*_: Any, **__: Any) -> Any:
        raise InvalidPayload("[sms]: longer than 1000 characters")

    monkeypatch.setattr(scene.senders["sms"], "_render", broken)
    message = scene.ask(PHONE, purpose=purpose, channels=("sms", "email"))
    scene.run()
    assert scene.addresses() == ["joao@example.com"]
    assert scene.state(message) == State.SENT
    only = scene.ask(PHONE, purpose=purpose, channels=("sms",))
    scene.run()
    record = scene.deliveries.get(only.message_id)
    assert record is not None and record.state == State.FAILED
    assert record.reason == "no text: [sms]: longer than 1000 characters"
