"""When a message may ring, how many a person gets, and when it is too late."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from enlace.domain.delivery import State
from tests.unit.messages.people import EMAIL, OTHER, PHONE, at_night, joao
from tests.unit.messages.scene import MessageScene


@pytest.fixture
def scene() -> MessageScene:
    return MessageScene()


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
