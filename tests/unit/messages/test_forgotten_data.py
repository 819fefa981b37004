"""What people were told leaves the record as soon as no channel can need it any more."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.delivery import Request, State
from tests.unit.messages.scene import MessageScene
from tests.unit.messages.test_fallbacks import PHONE, joao, reported, scene

__all__ = ["scene"]


def ask(scene: MessageScene, *channels: str) -> Any:
    joao(scene)
    message = scene.ask(PHONE, purpose="transactional", channels=channels)
    assert scene.deliveries.get(message.message_id).request.data
    scene.run()
    return message


def request(scene: MessageScene, message: Any) -> Request:
    found: Request = scene.deliveries.get(message.message_id).request
    assert found.forgotten == (not found.data)
    return found


def told(scene: MessageScene, message: Any, type_: str) -> None:
    """By the provider of the channel that it went out on last."""
    scene.clock.forward(seconds=5)
    reported(scene, message, type_, scene.taken[-1][0])


def test_one_channel_needs_it_once(scene: MessageScene) -> None:
    assert request(scene, ask(scene, "sms")).forgotten


@pytest.mark.parametrize("channels", [("whatsapp", "sms"), ("preferred",)])
def test_it_stays_while_another_channel_may_need_it(scene: MessageScene, channels: Any) -> None:
    assert request(scene, ask(scene, *channels)).data


def test_it_goes_with_the_last_channel(scene: MessageScene) -> None:
    message = ask(scene, "whatsapp", "sms")
    scene.wait(hours=2)
    assert [name for name, *_ in scene.taken] == ["whatsapp", "sms"]
    assert request(scene, message).forgotten


def test_it_goes_once_it_was_read(scene: MessageScene) -> None:
    message = ask(scene, "whatsapp", "sms")
    told(scene, message, "message.delivered")
    assert request(scene, message).data
    told(scene, message, "message.read")
    assert request(scene, message).forgotten


def test_it_goes_when_nobody_can_be_told_otherwise(scene: MessageScene) -> None:
    message = ask(scene, "whatsapp", "email", "sms")
    told(scene, message, "message.failed")
    told(scene, message, "message.failed")
    told(scene, message, "message.failed")
    assert scene.deliveries.get(message.message_id).state == State.FAILED
    assert request(scene, message).forgotten
    # A word that comes later finds nothing to send.
    count = len(scene.taken)
    told(scene, message, "message.failed")
    assert len(scene.taken) == count


def test_it_goes_when_a_look_finds_no_other_way(scene: MessageScene) -> None:
    message = ask(scene, "preferred")
    for _ in range(4):
        told(scene, message, "message.failed")
    assert request(scene, message).forgotten
