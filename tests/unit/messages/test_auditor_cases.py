"""What an auditor of consent asks about sending, by number, judged by what providers took.

What is to be seen of it beside that is asked of the HTTP API. 24 is in
``test_planning.py``, 25 in ``test_hours_and_caps.py``, 26 in ``usecases/test_deliver.py``, 32
and 33 with the pages.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.delivery import State
from enlace.domain.interaction import Identifier
from enlace.errors import InvalidPayload, TemporaryFailure
from enlace.rules import message_policy
from tests.unit.api.world import World
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


def api(scene: MessageScene) -> World:
    """The HTTP API on what the scene stores."""
    world = World(scene.store)
    world.consents.states_by_key = scene.consents.states_by_key
    world.consents.ledgers = scene.consents.ledgers
    return world


def emails(world: World, address: tuple[str, str]) -> dict[str, str]:
    """What the view of an address's customer says of marketing by e-mail, by address."""
    view = world.ask("POST", "/v1/customers/lookup", {"kind": address[0], "value": address[1]})
    return {one["contact_point"]["value"]: one["state"] for one in view["consents"]}


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
    for to in (ANA, BIA):
        assert sent(scene, to) == State.SENT
    assert scene.addresses() == ["bia@example.com", "bia@example.com"]


def test_case_28_a_no_stays_with_the_address_when_a_merge_is_undone(scene: MessageScene) -> None:
    both = ANA, BIA
    for address in both:
        scene.contact(address[1], address, channel="email")
        scene.says(address, "granted", channel="email")
    decision = scene.same(*both)
    scene.clock.forward(seconds=60)
    scene.says(ANA, "withdrawn", channel="email")
    one = {"ana@example.com": "denied", "bia@example.com": "granted"}
    assert [emails(api(scene), address) for address in both] == [one, one]
    scene.withdraw_decision(decision)
    assert [emails(api(scene), address) for address in both] == [
        {"ana@example.com": "denied"},
        {"bia@example.com": "granted"},
    ]
    assert sent(scene, ANA) == State.DENIED
    assert sent(scene, BIA) == State.SENT
    assert scene.addresses() == ["bia@example.com"]


def test_case_28_two_that_said_no_as_one_have_both_said_it(scene: MessageScene) -> None:
    both = ANA, BIA
    for address in both:
        scene.contact(address[1], address, channel="email")
        scene.says(address, "granted", channel="email")
    decision = scene.same(*both)
    scene.clock.forward(seconds=60)
    for address in both:
        scene.says(address, "withdrawn", channel="email")
    scene.withdraw_decision(decision)
    for address in both:
        assert emails(api(scene), address) == {address[1]: "denied"}
        assert sent(scene, address) == State.DENIED
    assert scene.taken == []


@pytest.mark.parametrize("actor", ["import", "agent"])
def test_case_30_a_list_that_says_yes_undoes_no_no_and_is_told_so(
    scene: MessageScene, actor: str
) -> None:
    two(scene)
    scene.clock.forward(days=4)
    about = {"identifier": {"kind": ANA[0], "value": ANA[1]}}
    yes = {**about, "channel": "email", "purpose": "marketing", "state": "granted", "actor": actor}
    told = api(scene).ask("POST", "/v1/consents", yes, 201)
    assert told["conflict"] is True and told["state"] == "denied"
    # What decided is the no of the person, and the list's yes is on record beside it.
    assert (told["record"]["actor"], told["record"]["state"]) == ("subject", "withdrawn")
    receipt = {**about, "consent_id": told["consent_id"]}
    assert api(scene).ask("POST", "/v1/consents/receipts", receipt)
    yes["identifier"] = {"kind": BIA[0], "value": BIA[1]}
    assert api(scene).ask("POST", "/v1/consents", yes, 201)["conflict"] is False
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


def flags(scene: MessageScene) -> list[str]:
    """What an agent is told at the start of a contact through the phone."""
    point = {"kind": PHONE[0], "value": PHONE[1]}
    asked = {"contact_point": point, "audience": "agent"}
    told: list[str] = api(scene).ask("POST", "/v1/context", asked)["flags"]
    return told


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
    # Somebody gets it to read, and whoever speaks with them sees that it is open.
    (case,) = scene.cases.open_of([scene.key_of(Identifier(*PHONE))])
    assert case.is_open
    assert "unclear_opt_out" in flags(scene)
    scene.clock.forward(seconds=60)
    scene.says(PHONE, "resumed", channel="sms", actor="agent")
    assert "unclear_opt_out" not in flags(scene)
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


@pytest.mark.parametrize("purpose", ["marketing", "transactional"])
@pytest.mark.parametrize(
    "down",
    [
        pytest.param(("stored",), id="when it is planned"),
        pytest.param(("get",), id="when it is to be sent"),
        pytest.param(("put_claims",), id="when the claim is written"),
        pytest.param(("stored", "get", "put_claims"), id="all the while"),
    ],
)
def test_case_42_while_nobody_knows_nothing_goes_out_and_later_it_does_once(
    scene: MessageScene, monkeypatch: pytest.MonkeyPatch, purpose: str, down: tuple[str, ...]
) -> None:
    two(scene)

    def fails(*_: Any, **__: Any) -> Any:
        raise TemporaryFailure("the store is down")

    message = scene.ask(BIA, purpose=purpose)
    with monkeypatch.context() as outage:
        for call in down:
            outage.setattr(scene.consents, call, fails)
        scene.run()
        assert scene.taken == []
        assert scene.state(message) == State.ACCEPTED
        waiting = list(scene.queue)
    for _ in range(2):
        scene.wait(seconds=600)
        # Queues may deliver a thing twice.
        scene.queue.extend(waiting)
    assert scene.addresses() == ["bia@example.com"]
    assert scene.state(message) == State.SENT
