"""Every sample payload becomes interactions of the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from enlace.channels.base import Interaction
from enlace.domain.interaction import interaction_id, parse_interaction
from local.sign import EVENTS, function_events
from tests.unit.channels.support import SAMPLES, parse_sample


@pytest.mark.parametrize(("channel", "name"), SAMPLES)
def test_every_sample_fits_the_contract(channel: str, name: str) -> None:
    for interaction in parse_sample(channel, name):
        on_the_queue = json.loads(json.dumps(interaction.to_dict()))
        assert parse_interaction(on_the_queue, received_at="") == interaction
        assert interaction.id == interaction_id(
            interaction.channel, interaction.account, interaction.source_id or ""
        )


@pytest.mark.parametrize(("channel", "name"), SAMPLES)
def test_a_redelivery_is_recognised_by_id_and_time(channel: str, name: str) -> None:
    first, again = parse_sample(channel, name), parse_sample(channel, name)
    assert [(i.id, i.occurred_at) for i in first] == [(i.id, i.occurred_at) for i in again]
    assert len({i.id for i in first}) == len(first)


#: sample -> what each of its interactions is
EXPECTED: dict[tuple[str, str], list[tuple[str, str, str, str | None]]] = {
    ("whatsapp", "message_text"): [
        ("message.received", "phone", "proven", "2026-11-20T12:00:01.000Z")
    ],
    ("whatsapp", "message_username_only"): [
        (
            "message.received",
            "whatsapp_bsuid:102290129340398",
            "proven",
            "2026-11-20T12:00:20.000Z",
        )
    ],
    ("whatsapp", "statuses"): [
        ("message.sent", "phone", "stated", "2026-11-20T12:01:40.000Z"),
        ("message.delivered", "phone", "proven", "2026-11-20T12:01:41.000Z"),
        ("message.read", "phone", "proven", "2026-11-20T12:01:49.000Z"),
        ("message.failed", "phone", "stated", "2026-11-20T12:02:00.000Z"),
    ],
    ("whatsapp", "statuses_of_ours"): [
        ("message.delivered", "phone", "proven", "2026-11-20T12:05:01.000Z"),
        ("message.failed", "phone", "stated", "2026-11-20T12:05:20.000Z"),
        ("consent.withdrawn", "phone", "stated", "2026-11-20T12:05:20.000Z"),
    ],
    ("whatsapp", "user_preferences"): [
        ("consent.withdrawn", "phone", "proven", "2026-11-20T12:03:20.000Z")
    ],
    ("messenger", "message_text"): [
        ("message.received", "messenger:306800000000001", "proven", "2026-11-20T12:06:40.123Z")
    ],
    ("instagram", "comment"): [("comment.received", "instagram:17841400000000001", "proven", None)],
    ("instagram", "mention"): [
        ("mention.received", "instagram_mention:17841400000000001", "stated", None)
    ],
    ("x", "xaa_dm_received"): [("message.received", "x", "proven", "2026-11-20T12:10:00.372Z")],
    ("x", "xaa_mention"): [("mention.received", "x", "proven", "2026-11-20T21:23:23.000Z")],
    ("twilio_sms", "message"): [("message.received", "phone", "proven", None)],
    ("twilio_sms", "status_delivered"): [("message.delivered", "phone", "stated", None)],
    ("twilio_voice", "ringing"): [("call.started", "phone", "stated", "2026-11-20T12:40:00.000Z")],
    ("twilio_voice", "completed"): [("call.ended", "phone", "stated", "2026-11-20T12:43:03.000Z")],
    ("twilio_voice", "anonymous"): [],
    ("segment", "identify"): [
        ("customer.identified", "user_id", "stated", "2026-11-20T12:51:40.123Z")
    ],
    ("segment", "page"): [
        ("page.viewed", "anonymous_id:default", "stated", "2026-11-20T12:51:50.000Z")
    ],
    ("generic", "order_pos"): [("order.placed", "cpf", "stated", "2026-11-20T13:10:00.000Z")],
}


@pytest.mark.parametrize("key", EXPECTED, ids="/".join)
def test_samples_say_who_what_and_when(key: tuple[str, str]) -> None:
    found = [
        (i.type, i.contact_point.kind, i.contact_point.level, i.occurred_at)
        for i in parse_sample(*key)
    ]
    assert found == EXPECTED[key]


def test_the_lambda_events_are_current() -> None:
    """Stale copies: run ``python -m local.sign``."""
    for function, event in function_events().items():
        stored = json.loads((EVENTS / "functions" / f"{function}.json").read_text("utf-8"))
        assert stored == event, function


def test_what_cannot_change_in_a_redelivery_is_all_that_ids_are_made_of() -> None:
    one: list[Any] = parse_sample("whatsapp", "message_text")
    assert isinstance(one[0], Interaction)
    assert one[0].source_id == "wamid.HBgNNTUxMTk4NzY1MDAwMRUCABIYSAMPLE001"
    assert one[0].account == "106540352242922"
