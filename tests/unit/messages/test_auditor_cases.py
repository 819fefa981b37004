"""What an auditor of consent asks about sending, by number, judged by what providers took.

24 and 25 are in ``test_planning.py``, 26 in ``usecases/test_deliver.py``, 32 and 33 with the
pages, 42 in ``consent/test_send_gate.py``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.delivery import State
from enlace.errors import InvalidPayload
from enlace.rules import message_policy
from tests.unit.messages.scene import MessageScene

ANA = ("email", "ana@example.com")
BIA = ("email", "bia@example.com")
PHONE = ("phone", "+5511987654321")


@pytest.fixture
def scene() -> MessageScene:
    return MessageScene()


def sent(scene: MessageScene, to: tuple[str, str], **fields: Any) -> State:
    message = scene.ask(to, **fields)
    scene.run()
    return scene.state(message)


def two(scene: MessageScene) -> None:
    """One who said no and one who said yes."""
    for address in (ANA, BIA):
        scene.contact(address[1], address, channel="email")
    scene.says(ANA, "withdrawn", channel="email")
    scene.says(BIA, "granted", channel="email")
    scene.run()


def test_case_27_a_merge_makes_nobody_mailable(scene: MessageScene) -> None:
    two(scene)
    scene.same(ANA, BIA)
    # Asked about Ana, it may go to her other address, which said yes, and never to this one.
    for to in (ANA, BIA):
        assert sent(scene, to) == State.SENT
    assert set(scene.addresses()) == {"bia@example.com"}


def test_case_27_nor_does_evidence(scene: MessageScene) -> None:
    two(scene)
    scene.contact("login", ANA, (*BIA, "proven"), channel="email")
    scene.run()
    sent(scene, ANA)
    assert set(scene.addresses()) <= {"bia@example.com"}


def test_case_28_a_no_stays_with_the_address_when_a_merge_is_undone(scene: MessageScene) -> None:
    for address in (ANA, BIA):
        scene.contact(address[1], address, channel="email")
        scene.says(address, "granted", channel="email")
    decision = scene.same(ANA, BIA)
    scene.clock.forward(seconds=60)
    scene.says(ANA, "withdrawn", channel="email")
    scene.withdraw_decision(decision)
    assert sent(scene, ANA) == State.DENIED
    assert sent(scene, BIA) == State.SENT
    assert scene.addresses() == ["bia@example.com"]


@pytest.mark.parametrize("actor", ["import", "agent"])
def test_case_30_a_list_that_says_yes_undoes_no_no(scene: MessageScene, actor: str) -> None:
    two(scene)
    scene.clock.forward(days=1)
    scene.says(ANA, "granted", channel="email", actor=actor)
    assert sent(scene, ANA) == State.DENIED and scene.taken == []


@pytest.mark.parametrize("word", ["stop.", "Sáir", "PARE!"])
def test_case_34_a_word_ends_it_and_is_confirmed_once(scene: MessageScene, word: str) -> None:
    scene.contact("1", PHONE, channel="sms")
    scene.says(PHONE, "granted", channel="sms")
    for number in range(2):
        scene.clock.forward(seconds=60)
        scene.contact(f"stop{number}", PHONE, channel="sms", data={"text": word})
        scene.run()
    assert sent(scene, PHONE) == State.DENIED
    assert [message.template for _, message, _ in scene.taken] == ["opt_out_confirmed"]


@pytest.mark.parametrize("text", ["sair mais cedo", "cancelar agendamento"])
def test_case_35_a_word_with_a_complement_is_read_by_somebody(
    scene: MessageScene, text: str
) -> None:
    scene.contact("1", PHONE, channel="sms")
    scene.says(PHONE, "granted", channel="sms")
    scene.clock.forward(seconds=60)
    scene.contact("2", PHONE, channel="sms", data={"text": text})
    scene.run()
    message = scene.ask(PHONE)
    scene.run()
    record = scene.deliveries.get(message.message_id)
    assert record is not None and "paused until somebody has read it" in record.reason
    assert "marketing" not in {message.purpose for _, message, _ in scene.taken}
    scene.clock.forward(seconds=60)
    scene.says(PHONE, "resumed", channel="sms", actor="agent")
    assert sent(scene, PHONE) == State.SENT


def test_case_36_whatsapp_and_sms_have_words_of_their_own(scene: MessageScene) -> None:
    scene.contact("1", PHONE, channel="whatsapp")
    for channel in ("whatsapp", "sms"):
        scene.says(PHONE, "granted", channel=channel)
    scene.clock.forward(seconds=60)
    scene.contact("2", PHONE, channel="whatsapp", data={"text": "SAIR"})
    scene.run()
    assert sent(scene, PHONE, channels=("whatsapp",)) == State.DENIED
    assert sent(scene, PHONE, channels=("sms",)) == State.SENT
    news = [name for name, message, _ in scene.taken if message.purpose == "marketing"]
    assert news == ["sms"]


def test_case_39_an_opt_in_that_nobody_confirms_is_asked_for_once_and_no_yes() -> None:
    policy = message_policy()
    consent = replace(policy.consent, double_opt_in=frozenset({"email"}))
    scene = MessageScene(replace(policy, consent=consent))
    for number in range(3):
        scene.contact(
            f"form{number}",
            (*ANA, "stated"),
            channel="form",
            type_="consent.granted",
            data={"channel": "email", "purpose": "marketing", "actor": "subject"},
        )
        scene.run()
        scene.clock.forward(seconds=60)
    message = scene.ask(ANA)
    scene.run()
    record = scene.deliveries.get(message.message_id)
    assert record is not None and "step 5" in record.reason
    assert len([m for _, m, _ in scene.taken if m.template == "confirm_opt_in"]) == 1
    assert "marketing" not in {m.purpose for _, m, _ in scene.taken}


def test_case_40_a_password_reaches_who_opted_out_and_an_offer_does_not(
    scene: MessageScene,
) -> None:
    two(scene)
    assert sent(scene, ANA, purpose="transactional") == State.SENT
    assert sent(scene, ANA) == State.DENIED
    with pytest.raises(InvalidPayload, match="purpose"):
        scene.ask(ANA, purpose="transactional", template="newsletter")
    assert [message.template for _, message, _ in scene.taken] == ["protocol_opened"]
