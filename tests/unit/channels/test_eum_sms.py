"""SMS through End User Messaging: incoming texts and what became of ours."""

from __future__ import annotations

import copy
from typing import Any

import botocore.session
import pytest

from enlace.channels import eum_sms
from enlace.domain.interaction import Identifier, Interaction, parse_interaction
from enlace.errors import InvalidPayload
from local.sign import sample
from tests.unit.channels.support import RECEIVED_AT

MESSAGE_ID = "7d9a1c2e-3f4b-5a6c-8d7e-9f0a1b2c3d4e"
PERSON = "+5511987654321"


def read(name: str, **changes: Any) -> list[Interaction]:
    return eum_sms.parse(copy.deepcopy(sample("eum_sms", name)) | changes, RECEIVED_AT)


def test_a_text_comes_from_whoever_holds_the_number() -> None:
    [text] = read("message")
    assert (text.channel, text.type, text.direction) == ("sms", "message.received", "inbound")
    assert text.contact_point == Identifier("phone", PERSON, "proven")
    assert text.account == "+551140028922"
    assert text.source_id == "cae173d2-66b9-564c-8309-21f858e9fb84"
    assert text.conversation == {"reply_to": "862a8790-60c0-4430-9b2b-658bdeb00001"}
    assert text.data["text"] == "Quero saber do meu pedido"
    # AWS gives no time: the first receipt's is pinned.
    assert text.occurred_at is None


@pytest.mark.parametrize("body", ["SAIR", "", "\u00e7"])
def test_whatever_was_written_arrives(body: str) -> None:
    [text] = read("message", messageBody=body)
    assert text.data["text"] == body


@pytest.mark.parametrize("name", ["message", "queued", "delivered", "invalid", "unreachable"])
def test_samples_fit_the_contract_and_are_known_again(name: str) -> None:
    [first], [again] = read(name), read(name)
    assert parse_interaction(first.to_dict(), received_at=RECEIVED_AT) == first
    assert (first.id, first.occurred_at) == (again.id, again.occurred_at)


def test_a_delivery_joins_our_message() -> None:
    [delivered] = read("delivered")
    assert (delivered.type, delivered.direction) == ("message.delivered", "outbound")
    assert delivered.contact_point == Identifier("phone", PERSON, "stated")
    assert delivered.source_id == f"{MESSAGE_ID}:delivered"
    assert delivered.occurred_at == "2026-11-20T13:39:03.000Z"
    assert delivered.data == {
        "message_id": MESSAGE_ID,
        "template": "protocol_opened",
        "purpose": "transactional",
        "provider": "eum",
        "provider_message_id": "862a8790-60c0-4430-9b2b-658bdeb00001",
        "segments": 1,
    }


def test_a_number_that_does_not_exist_is_a_permanent_bounce() -> None:
    [failed] = read("invalid")
    assert failed.type == "message.failed"
    assert (failed.data["reason"], failed.data["bounce_type"]) == ("bounce", "Permanent")


def test_that_it_was_taken_is_told_once() -> None:
    ids = set()
    for kind in ("TEXT_QUEUED", "TEXT_PENDING", "TEXT_SENT"):
        [taken] = read("queued", eventType=kind, eventTimestamp=1795181940000 + len(ids))
        assert (taken.type, taken.occurred_at) == ("message.sent", None)
        ids.add(taken.id)
    assert len(ids) == 1


def test_every_kind_of_event_that_aws_documents_is_read() -> None:
    model = botocore.session.get_session().get_service_model("pinpoint-sms-voice-v2")
    # The model lacks TEXT_PROTECT_BLOCKED, which the user guide has.
    kinds = {kind for kind in model.shape_for("EventType").enum if kind.startswith("TEXT_")}
    kinds = (kinds | {"TEXT_PROTECT_BLOCKED"}) - {"TEXT_ALL"}
    told: dict[str, set[str]] = {}
    for kind in kinds:
        [outcome] = read("delivered", eventType=kind)
        told.setdefault(outcome.type, set()).add(kind.removeprefix("TEXT_"))
    assert told == {
        "message.sent": {"QUEUED", "PENDING", "SENT"},
        "message.delivered": {"DELIVERED", "SUCCESSFUL"},
        "message.failed": {
            "BLOCKED",
            "CARRIER_BLOCKED",
            "CARRIER_UNREACHABLE",
            "INVALID",
            "INVALID_MESSAGE",
            "PROTECT_BLOCKED",
            "SPAM",
            "TTL_EXPIRED",
            "UNKNOWN",
            "UNREACHABLE",
        },
    }


def test_only_a_number_that_does_not_exist_stops_the_address() -> None:
    for kind in ("TEXT_UNREACHABLE", "TEXT_BLOCKED", "TEXT_UNKNOWN", "TEXT_INVALID_MESSAGE"):
        [failed] = read("unreachable", eventType=kind)
        assert failed.data["reason"] == kind.removeprefix("TEXT_").lower()
        assert "bounce_type" not in failed.data


def test_texts_of_other_systems_name_nobody_in_their_id() -> None:
    [delivered] = read("delivered", context=None)
    assert delivered.source_id is not None
    assert PERSON not in delivered.source_id
    assert delivered.source_id.startswith("862a8790-60c0-4430-9b2b-658bdeb00001:")


@pytest.mark.parametrize("kind", ["VOICE_COMPLETED", "MEDIA_DELIVERED", "REGISTRATION", "TEXT_NEW"])
def test_other_kinds_settle_nothing(kind: str) -> None:
    assert eum_sms.parse({"eventType": kind}, RECEIVED_AT) == []


@pytest.mark.parametrize("event", [None, [], {}, {"eventType": 1}, {"inboundMessageId": ""}])
def test_anything_else_is_refused(event: Any) -> None:
    with pytest.raises(InvalidPayload):
        eum_sms.parse(event, RECEIVED_AT)
