"""The people of the planning tests, and what is on a message's record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.unit.messages.scene import MessageScene

PHONE = ("phone", "+5511987654321")
EMAIL = ("email", "joao@example.com")
OTHER = ("email", "maria@example.com")


def joao(scene: MessageScene) -> str:
    """Somebody with a phone and an e-mail address, both shown to be his."""
    scene.contact("1", PHONE, (*EMAIL, "proven"), channel="sms")
    customer_id = scene.contact("2", EMAIL, channel="email")
    scene.run()
    return customer_id


def why(scene: MessageScene, message: Any) -> list[tuple[str, str]]:
    return [(step.what, step.channel) for step in scene.deliveries.get(message.message_id).steps]


def at_night(scene: MessageScene) -> None:
    scene.clock.moment = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
