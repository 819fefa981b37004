"""Messenger and Instagram: what is a contact, and what only comes from ourselves."""

from __future__ import annotations

from enlace.channels.base import Interaction, Rejected
from enlace.domain.interaction import Identifier
from local.sign import sample
from tests.unit.channels.support import parse, parse_sample


def test_messenger_reads_every_kind_and_drops_our_own_echo() -> None:
    found = parse_sample("messenger", "messages_many")
    assert [(i.type, i.source_id) for i in found if not i.type.endswith("read")] == [
        ("message.received", "m_SAMPLE0002"),
        ("message.received", "m_SAMPLE0003"),
        ("message.received", "m_SAMPLE0901:react:1795176412000"),
        ("message.delivered", "m_SAMPLE0901:delivered"),
        ("message.delivered", "m_SAMPLE0902:delivered"),
        ("message.received", "m_SAMPLE0004"),
    ]
    assert "m_SAMPLE0903" not in {i.source_id for i in found}
    image, start = found[0], found[1]
    assert image.data["attachments"] == [
        {"type": "image", "url": "https://cdn.example.com/foto.jpg"}
    ]
    assert start.data == {"text": "Começar", "payload": "START"}


def test_the_page_scopes_the_sender() -> None:
    payload = sample("messenger", "message_text")
    other = sample("messenger", "message_text")
    other["entry"][0]["id"] = "999"
    payload["entry"] += other["entry"]
    first, second = parse("messenger", payload)
    assert isinstance(first, Interaction) and isinstance(second, Interaction)
    assert first.contact_point == Identifier(
        "messenger:306800000000001", "7300000000000001", "proven"
    )
    assert second.contact_point.kind == "messenger:999"
    # One mid under two pages is two messages.
    assert first.id != second.id


def test_a_read_receipt_without_a_message_id_does_not_name_the_reader_in_its_id() -> None:
    read = next(i for i in parse_sample("messenger", "messages_many") if i.type == "message.read")
    assert "7300000000000001" not in (read.source_id or "")
    assert read.occurred_at == "2026-11-20T12:06:53.900Z"


def test_instagram_messages_mentions_edits_and_deletions() -> None:
    found = parse_sample("instagram", "messages_many")
    assert [(i.type, i.source_id) for i in found] == [
        ("mention.received", "aWdfSAMPLE0002"),
        ("event.tracked", "aWdfSAMPLE0002:deleted"),
        ("message.received", "aWdfSAMPLE0001:edit:1"),
        ("message.read", "aWdfSAMPLE0901:read"),
    ]


def test_instagram_comments_of_both_kinds_of_apps() -> None:
    [comment] = parse_sample("instagram", "comment")
    [answer] = parse_sample("instagram", "comment_instagram_login")
    for found in (comment, answer):
        assert found.type == "comment.received"
        assert found.contact_point == Identifier(
            "instagram:17841400000000001", "910000000000001", "proven"
        )
        assert found.traits == {"instagram_username": "joao.reclama"}
        # Only the notification has a time, and a redelivery may have another.
        assert found.occurred_at is None
    assert answer.conversation["reply_to"] == comment.source_id


def test_our_own_comment_is_no_contact() -> None:
    payload = sample("instagram", "comment")
    author = payload["entry"][0]["changes"][0]["value"]["from"]
    author["self_ig_scoped_id"] = "2105722729836161"
    assert parse("instagram", payload) == []
    del author["self_ig_scoped_id"]
    author["id"] = payload["entry"][0]["id"]
    assert parse("instagram", payload) == []


def test_a_bad_item_does_not_lose_its_neighbours() -> None:
    payload = sample("messenger", "messages_many")
    payload["entry"][0]["messaging"][0]["message"]["mid"] = {"not": "text"}
    found = parse("messenger", payload)
    assert [type(i) for i in found].count(Rejected) == 1
    assert len(found) == len(parse_sample("messenger", "messages_many"))


def test_what_another_app_handles_is_recorded_too() -> None:
    payload = sample("messenger", "message_text")
    entry = payload["entry"][0]
    entry["standby"] = entry.pop("messaging")
    [found] = parse("messenger", payload)
    assert isinstance(found, Interaction)
    assert found.source_id == "m_SAMPLE0001"
