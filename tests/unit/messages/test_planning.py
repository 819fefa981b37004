"""Whom a message goes to, on which channel and when; every decision is on record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from enlace.domain.delivery import State
from enlace.errors import InvalidPayload, NotFound, ProviderAmbiguous, ProviderRejected
from enlace.usecases.request_message import AskedOtherwise
from tests.unit.messages.scene import MessageScene

PHONE = ("phone", "+5511987654321")
EMAIL = ("email", "joao@example.com")
OTHER = ("email", "maria@example.com")


@pytest.fixture
def scene() -> MessageScene:
    return MessageScene()


def joao(scene: MessageScene) -> str:
    """Somebody with a phone and an e-mail address, both shown to be his."""
    scene.contact("1", PHONE, (*EMAIL, "proven"), channel="sms")
    customer_id = scene.contact("2", EMAIL, channel="email")
    scene.run()
    return customer_id


def why(scene: MessageScene, message: Any) -> list[tuple[str, str]]:
    return [(step.what, step.channel) for step in scene.deliveries.get(message.message_id).steps]


def test_it_goes_to_the_address_that_was_named(scene: MessageScene) -> None:
    joao(scene)
    message = scene.ask(EMAIL, purpose="transactional")
    assert message.state == State.ACCEPTED
    scene.run()
    assert scene.addresses() == ["joao@example.com"]
    record = scene.deliveries.get(message.message_id)
    assert (record.state, record.channel, record.attempt) == (State.SENT, "email", 1)
    assert why(scene, message) == [("chosen", "email"), ("sent", "email")]


def test_asking_again_with_the_same_key_is_asking_once(scene: MessageScene) -> None:
    joao(scene)
    first = scene.ask(EMAIL, purpose="transactional", key="k")
    scene.run()
    scene.clock.forward(seconds=5)
    again = scene.ask(EMAIL, purpose="transactional", key="k")
    scene.run()
    assert again.message_id == first.message_id and again.state == State.SENT
    assert len(scene.taken) == 1
    with pytest.raises(AskedOtherwise):
        scene.ask(PHONE, purpose="transactional", key="k")
    with pytest.raises(AskedOtherwise):
        scene.ask(EMAIL, purpose="transactional", key="k", data={"protocol": "2"})


def test_an_address_that_nobody_has_seen_can_be_written_to(scene: MessageScene) -> None:
    message = scene.ask(OTHER, purpose="transactional")
    scene.run()
    assert scene.addresses() == ["maria@example.com"]
    assert scene.state(message) == State.SENT
    with pytest.raises(NotFound):
        scene.ask(("customer_id", "c" + "a" * 30), purpose="transactional")


@pytest.mark.parametrize("purpose", ["transactional", "marketing"])
def test_who_wrote_where_the_network_tells_no_time_is_written_to(
    scene: MessageScene, purpose: str
) -> None:
    # Twilio's text messages carry none, and own systems may leave it out.
    scene.contact("1", PHONE, (*EMAIL, "proven"), channel="sms", at=None)
    scene.contact("2", EMAIL, channel="email", at=None)
    scene.run()
    scene.says(EMAIL, "granted", channel="email")
    scene.clock.forward(hours=1)
    message = scene.ask(EMAIL, purpose=purpose)
    scene.run()
    assert scene.addresses() == ["joao@example.com"]
    assert scene.state(message) == State.SENT


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"to": ("email", "nobody")}, "identifier"),
        ({"to": ("x", "123"), "purpose": "transactional"}, "no sender"),
        ({"channels": ("pigeon",)}, "channels"),
        ({"channels": ()}, "channels"),
        ({"template": "order_confirmation"}, "purpose"),
        ({"purpose": "confirmation", "template": "newsletter", "data": {}}, "purpose"),
        ({"template": "no_such_template"}, "template"),
        (
            {
                "purpose": "transactional",
                "template": "protocol_continued",
                "data": {"nome": "segredo"},
            },
            "missing",
        ),
        ({"data": {"headline": {"segredo": 1}}}, "headline"),
        ({"language": "fr"}, "language"),
        ({"expires_at": "2026-11-01T00:00:00.000Z"}, "expires_at"),
    ],
)
def test_what_cannot_be_sent_is_told_at_once(
    scene: MessageScene, changes: dict[str, Any], names: str
) -> None:
    to = changes.pop("to", EMAIL)
    with pytest.raises(InvalidPayload, match=names) as caught:
        scene.ask(to, **changes)
    assert "segredo" not in str(caught.value)
    assert scene.deliveries.records == {} and not scene.queue


def test_the_customer_own_order_is_preference_then_last_use_then_cost(
    scene: MessageScene,
) -> None:
    customer = joao(scene)
    scene.ask(("customer_id", customer), purpose="transactional")
    scene.run()
    # The mail came last.
    assert [name for name, *_ in scene.taken] == ["email"]
    scene.clock.forward(seconds=60)
    scene.contact("3", PHONE, channel="sms")
    scene.ask(("customer_id", customer), purpose="transactional")
    scene.run()
    assert [name for name, *_ in scene.taken] == ["email", "sms"]
    scene.contact("4", PHONE, channel="sms", traits={"preferred_channel": "email"})
    scene.ask(("customer_id", customer), purpose="transactional")
    scene.run()
    assert [name for name, *_ in scene.taken] == ["email", "sms", "email"]


def test_whatsapp_is_for_those_who_wrote_there_or_by_name(scene: MessageScene) -> None:
    joao(scene)
    scene.ask(PHONE, purpose="transactional")
    scene.run()
    assert scene.taken[-1][0] == "sms"
    scene.ask(PHONE, purpose="transactional", channels=("whatsapp",))
    scene.run()
    assert scene.taken[-1][0] == "whatsapp"
    scene.clock.forward(seconds=60)
    scene.contact("3", PHONE, channel="whatsapp")
    scene.ask(PHONE, purpose="transactional")
    scene.run()
    assert scene.taken[-1][0] == "whatsapp"
    # What somebody asked for goes before it.
    scene.contact("4", PHONE, channel="whatsapp", traits={"preferred_channel": "email"})
    scene.ask(PHONE, purpose="transactional")
    scene.run()
    assert scene.taken[-1][0] == "email"


def test_only_the_proven_circle_of_the_address_is_written_to(scene: MessageScene) -> None:
    """Somebody states another's e-mail: what is meant for the phone never reaches that address."""
    scene.contact("1", PHONE, EMAIL, channel="sms")
    scene.run()
    message = scene.ask(PHONE, purpose="transactional", channels=("email", "sms"))
    scene.run()
    assert scene.addresses() == ["+5511987654321"]
    assert scene.deliveries.get(message.message_id).channel == "sms"
    message = scene.ask(PHONE, purpose="transactional", channels=("email",))
    scene.run()
    record = scene.deliveries.get(message.message_id)
    assert (record.state, len(scene.taken)) == (State.DENIED, 1)
    assert record.reason == "no address that the channels asked for reach"


def test_a_customer_of_several_people_is_not_guessed_at(scene: MessageScene) -> None:
    scene.contact("1", PHONE, ("cpf", "52998224725"), channel="sms")
    customer = scene.contact("2", OTHER, ("cpf", "52998224725"), channel="email")
    scene.run()
    message = scene.ask(("customer_id", customer), purpose="transactional")
    scene.run()
    assert scene.taken == []
    assert "name the address" in scene.deliveries.get(message.message_id).reason
    # An operator has verified it: now they are one person to their messages too.
    scene.same(PHONE, OTHER)
    scene.ask(("customer_id", customer), purpose="transactional")
    scene.run()
    assert len(scene.taken) == 1


def test_of_stated_addresses_the_one_that_somebody_showed_to_be_theirs(
    scene: MessageScene,
) -> None:
    customer = scene.contact("1", PHONE, EMAIL, channel="sms")
    scene.run()
    scene.ask(("customer_id", customer), purpose="transactional")
    scene.run()
    assert scene.addresses() == ["+5511987654321"]


def test_marketing_needs_a_yes_and_says_why_not(scene: MessageScene) -> None:
    joao(scene)
    message = scene.ask(EMAIL)
    scene.run()
    record = scene.deliveries.get(message.message_id)
    assert (record.state, record.reason) == (
        State.DENIED,
        "consent, step 0: no consent on record",
    )
    scene.says(EMAIL, "granted", channel="email")
    message = scene.ask(EMAIL)
    scene.run()
    assert scene.state(message) == State.SENT
    assert [(m.purpose, m.template) for _, m, _ in scene.taken] == [("marketing", "newsletter")]


def test_the_next_channel_is_taken_where_the_first_is_denied(scene: MessageScene) -> None:
    joao(scene)
    scene.says(EMAIL, "granted", channel="email")
    scene.says(PHONE, "withdrawn", channel="sms")
    message = scene.ask(PHONE, channels=("sms", "email"))
    scene.run()
    assert scene.addresses() == ["joao@example.com"]
    assert why(scene, message) == [("skipped", "sms"), ("chosen", "email"), ("sent", "email")]


def test_case_24_an_objection_while_it_waits_is_heard(scene: MessageScene) -> None:
    joao(scene)
    scene.says(EMAIL, "granted", channel="email")
    message = scene.ask(EMAIL)
    # Planned, and on its way to the sender.
    scene.deliver(scene.queue.popleft())
    scene.says(EMAIL, "withdrawn", channel="email")
    scene.run()
    record = scene.deliveries.get(message.message_id)
    assert scene.taken == [] and record.state == State.DENIED
    assert "step 4: withdrawn" in record.reason


def at_night(scene: MessageScene) -> None:
    scene.clock.moment = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def test_what_rings_waits_for_the_morning(scene: MessageScene) -> None:
    joao(scene)
    scene.says(PHONE, "granted", channel="sms")
    at_night(scene)
    message = scene.ask(PHONE)
    scene.run()
    record = scene.deliveries.get(message.message_id)
    # Nine in the morning of a Friday in São Paulo.
    assert (record.state, record.due_at) == (State.DEFERRED, "2026-11-20T12:00:00.000Z")
    assert "step 8" in record.reason and scene.taken == []
    scene.wait(hours=9)
    assert scene.taken == []
    scene.wait(hours=1)
    assert scene.state(message) == State.SENT and len(scene.taken) == 1


def test_case_25_an_objection_while_it_is_put_off_is_heard(scene: MessageScene) -> None:
    joao(scene)
    scene.says(PHONE, "granted", channel="sms")
    at_night(scene)
    message = scene.ask(PHONE)
    scene.run()
    scene.contact("sair", PHONE, channel="sms", data={"text": "Sáir!"})
    scene.run()
    scene.wait(hours=11)
    record = scene.deliveries.get(message.message_id)
    assert record.state == State.DENIED and "step 3: stop" in record.reason
    assert [m.template for _, m, _ in scene.taken] == ["opt_out_confirmed"]


def test_what_people_wait_for_does_not_wait(scene: MessageScene) -> None:
    joao(scene)
    at_night(scene)
    scene.ask(PHONE, purpose="transactional")
    scene.run()
    assert scene.addresses() == ["+5511987654321"]


def test_e_mail_rings_nowhere(scene: MessageScene) -> None:
    joao(scene)
    scene.says(EMAIL, "granted", channel="email")
    at_night(scene)
    scene.ask(EMAIL)
    scene.run()
    assert scene.addresses() == ["joao@example.com"]


def test_hours_are_those_of_where_the_recipient_is(scene: MessageScene) -> None:
    # Nine in São Paulo, seven in Rio Branco, noon in Lisbon.
    scene.clock.moment = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
    for number, due in (
        ("+5511987654321", ""),
        ("+5568987654321", "2026-11-19T14:00:00.000Z"),
        ("+351912345678", ""),
        ("+81312345678", "2026-11-20T00:00:00.000Z"),
    ):
        phone = ("phone", number)
        scene.contact(number, phone, channel="sms")
        scene.says(phone, "granted", channel="sms")
        message = scene.ask(phone)
        scene.run()
        assert scene.deliveries.get(message.message_id).due_at == due, number


def test_what_somebody_said_of_their_zone_goes_before_their_number(scene: MessageScene) -> None:
    scene.clock.moment = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
    scene.contact("1", PHONE, channel="sms", traits={"timezone": "Asia/Tokyo"})
    scene.says(PHONE, "granted", channel="sms")
    message = scene.ask(PHONE)
    scene.run()
    assert scene.deliveries.get(message.message_id).due_at == "2026-11-20T00:00:00.000Z"


def test_a_person_gets_so_much_and_no_more_on_all_addresses(scene: MessageScene) -> None:
    joao(scene)
    scene.says(EMAIL, "granted", channel="email")
    scene.says(PHONE, "granted", channel="sms")
    messages = [scene.ask(to) for to in (EMAIL, PHONE, EMAIL, PHONE, EMAIL)]
    scene.run()
    assert len(scene.taken) == 3
    capped = [scene.deliveries.get(m.message_id) for m in messages if scene.state(m) != State.SENT]
    assert {(record.state, record.reason) for record in capped} == {(State.DENIED, "frequency cap")}
    # Not of what they wait for.
    for _ in range(3):
        scene.ask(EMAIL, purpose="transactional")
    scene.run()
    assert len(scene.taken) == 6
    scene.wait(hours=25)
    assert scene.state(scene.ask(EMAIL)) == State.ACCEPTED
    scene.run()
    assert len(scene.taken) == 7


def test_what_two_customers_got_counts_for_the_one_that_they_are(scene: MessageScene) -> None:
    for number, address in enumerate((EMAIL, OTHER)):
        scene.contact(str(number), address, channel="email")
        scene.says(address, "granted", channel="email")
        for _ in range(2):
            scene.ask(address)
    scene.run()
    assert len(scene.taken) == 4
    scene.same(EMAIL, OTHER)
    message = scene.ask(EMAIL)
    scene.run()
    assert scene.deliveries.get(message.message_id).reason == "frequency cap"


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


def test_it_expires(scene: MessageScene) -> None:
    joao(scene)
    message = scene.ask(EMAIL, purpose="transactional")
    scene.clock.forward(hours=25)
    scene.run()
    record = scene.deliveries.get(message.message_id)
    assert (record.state, record.reason, scene.taken) == (State.DENIED, "expired", [])


def test_what_cannot_ring_before_it_expires_is_denied_at_once(scene: MessageScene) -> None:
    joao(scene)
    scene.says(PHONE, "granted", channel="sms")
    at_night(scene)
    message = scene.ask(PHONE, expires_at="2026-11-20T10:00:00.000Z")
    scene.run()
    assert scene.deliveries.get(message.message_id).reason == "expires before it may ring"


def test_it_speaks_the_customer_language_unless_told(scene: MessageScene) -> None:
    scene.contact("1", EMAIL, channel="email", traits={"locale": "es-MX"})
    scene.run()
    scene.ask(EMAIL, purpose="transactional")
    scene.ask(EMAIL, purpose="transactional", language="en")
    scene.run()
    assert [m.language for _, m, _ in scene.taken] == ["es", "en"]


def test_who_said_no_to_the_provider_has_said_no(scene: MessageScene) -> None:
    joao(scene)
    scene.says(PHONE, "granted", channel="sms")
    scene.clock.forward(seconds=60)
    scene.providers["sms"].script = [("before", ProviderRejected("opted_out"))]
    scene.ask(PHONE, channels=("sms",))
    scene.run()
    message = scene.ask(PHONE, channels=("sms",))
    scene.run()
    assert scene.taken == []
    assert "step 3: stop" in scene.deliveries.get(message.message_id).reason


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
