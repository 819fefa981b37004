"""X: both generations of its API tell the same things, once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from enlace.channels import x
from enlace.channels.base import Interaction, Request
from enlace.errors import InvalidPayload
from local.sign import sample
from tests.unit.channels.support import RECEIVED_AT, parse, parse_sample, secret_of


def challenge(query: str) -> Request:
    return Request("GET", "/webhooks/x", query, {}, b"", RECEIVED_AT)


def test_the_check_is_answered_as_documented() -> None:
    response = x.handshake(challenge("crc_token=challenge_string"), secret_of("x"))
    key = secret_of("x")["consumer_secret"].encode()
    digest = hmac.new(key, b"challenge_string", hashlib.sha256).digest()
    assert response is not None
    assert response.status == 200
    assert response.content_type == "application/json"
    assert json.loads(response.body) == {
        "response_token": "sha256=" + base64.b64encode(digest).decode()
    }


@pytest.mark.parametrize(
    "query",
    [
        "",
        "crc_token=",
        # Answering this would sign an event of the asker's own making.
        "crc_token=%7B%22for_user_id%22%3A%221%22%7D",
        "crc_token=" + "a" * 513,
        "crc_token=%FF",
    ],
)
def test_the_check_signs_nothing_that_could_be_an_event(query: str) -> None:
    with pytest.raises(InvalidPayload):
        x.handshake(challenge(query), secret_of("x"))


def test_a_message_is_the_same_through_both_apis() -> None:
    [new] = parse_sample("x", "xaa_dm_received")
    [old] = parse_sample("x", "aaa_direct_messages")
    assert (new.id, new.occurred_at, new.contact_point) == (
        old.id,
        old.occurred_at,
        old.contact_point,
    )
    assert new.traits == old.traits == {"name": "João da Silva", "x_username": "joao_reclama"}


def test_a_mention_is_the_same_through_both_apis() -> None:
    [new] = parse_sample("x", "xaa_mention")
    [old] = parse_sample("x", "aaa_mention")
    assert (new.id, new.occurred_at, new.data["text"]) == (
        old.id,
        old.occurred_at,
        old.data["text"],
    )


def test_encrypted_messages_are_known_but_not_read() -> None:
    [chat] = parse_sample("x", "xaa_chat_received")
    assert chat.data == {"encrypted": True}
    assert chat.contact_point.value == "2222222222222222222"


def test_our_own_posts_reposts_and_messages_are_no_contact() -> None:
    mention = sample("x", "xaa_mention")
    mention["data"]["payload"]["author_id"] = "1111111111111111111"
    assert parse("x", mention) == []
    repost = sample("x", "aaa_mention")
    repost["tweet_create_events"][0]["retweeted_status"] = {"id_str": "1"}
    assert parse("x", repost) == []
    sent = sample("x", "xaa_dm_received")
    sent["data"]["event_type"] = "dm.sent"
    assert parse("x", sent) == []


@pytest.mark.parametrize(
    "payload",
    [
        {"replay_job_status": {"job_id": "1", "job_state": "Complete"}},
        {"user_event": {"revoke": {}}},
        {"for_user_id": "1", "favorite_events": [{}]},
        {"data": {"event_type": "news.new", "filter": {"keyword": "x"}, "payload": {}}},
    ],
)
def test_other_events_are_passed_over(payload: dict[str, object]) -> None:
    assert parse("x", payload) == []


def test_long_posts_are_read_in_full() -> None:
    payload = sample("x", "aaa_mention")
    payload["tweet_create_events"][0]["extended_tweet"] = {"full_text": "@enlace_demo tudo"}
    [found] = parse("x", payload)
    assert isinstance(found, Interaction)
    assert found.data["text"] == "@enlace_demo tudo"
