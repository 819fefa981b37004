"""Whom a message goes to and on which channel; every decision is on record."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.delivery import State
from enlace.errors import InvalidPayload, NotFound, ProviderRejected
from enlace.usecases.request_message import AskedOtherwise
from tests.unit.messages.people import EMAIL, OTHER, PHONE, joao, why
from tests.unit.messages.scene import MessageScene


@pytest.fixture
def scene() -> MessageScene:
    return MessageScene()


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
