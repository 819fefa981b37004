"""WhatsApp: whom a message comes from, what it says, what statuses tell."""

from __future__ import annotations

from typing import Any

from enlace.channels import whatsapp
from enlace.channels.base import Interaction, Rejected
from enlace.domain.interaction import Identifier
from local.sign import sample
from tests.unit.channels.support import parse, parse_sample, request_of, secret_of

BSUID = "whatsapp_bsuid:102290129340398"


def value_of(payload: Any) -> dict[str, Any]:
    value: dict[str, Any] = payload["entry"][0]["changes"][0]["value"]
    return value


def test_phone_and_user_id_are_proven_together() -> None:
    [message] = parse_sample("whatsapp", "message_text")
    assert message.contact_point == Identifier("phone", "+5511987650001", "proven")
    assert message.identifiers == (Identifier(BSUID, "BR.13491208655302741918", "proven"),)
    assert message.traits == {"name": "João da Silva"}
    assert message.data["text"] == "Bom dia! Meu pedido não chegou."


def test_a_user_who_hides_the_phone_is_known_by_the_user_id() -> None:
    [message] = parse_sample("whatsapp", "message_username_only")
    assert message.contact_point == Identifier(BSUID, "BR.13491208655302741919", "proven")
    assert message.identifiers == ()
    assert message.traits == {"name": "Ana Lima", "whatsapp_username": "ana.lima"}


def test_a_portfolio_scopes_the_user_ids_where_it_is_configured() -> None:
    request = request_of("whatsapp", sample("whatsapp", "message_username_only"))
    secret = {**secret_of("whatsapp"), "portfolio_id": "9001"}
    [message] = whatsapp.parse(request, secret)
    assert isinstance(message, Interaction)
    assert message.contact_point.kind == "whatsapp_bsuid:9001"


def test_every_message_of_every_entry_and_change_is_read() -> None:
    payload = sample("whatsapp", "message_text")
    other = sample("whatsapp", "message_image")
    payload["entry"][0]["changes"] += other["entry"][0]["changes"]
    payload["entry"] += sample("whatsapp", "message_username_only")["entry"]
    assert len(parse("whatsapp", payload)) == 3


def test_kinds_of_messages_keep_what_they_say() -> None:
    by_kind = {m.data["message_type"]: m for m in parse_sample("whatsapp", "messages_many")}
    assert by_kind["location"].data["location"]["latitude"] == -23.5505
    assert by_kind["interactive"].data["text"] == "Sim"
    assert by_kind["interactive"].conversation["reply_to"].startswith("wamid.")
    assert by_kind["button"].data["text"] == "Quero saber mais"
    assert by_kind["reaction"].data["reaction"]["emoji"] == "👍"
    assert by_kind["order"].data["order"]["product_items"][0]["quantity"] == 2
    assert by_kind["document"].data["attachments"][0]["filename"] == "contrato.pdf"
    assert by_kind["unsupported"].data["errors"][0]["code"] == 131051
    assert len(by_kind) == 9


def test_each_status_of_a_message_is_an_event_of_its_own() -> None:
    statuses = parse_sample("whatsapp", "statuses")
    assert statuses[0].source_id == ("wamid.HBgNNTUxMTk4NzY1MDAwMRUCABEYSAMPLE500:sent:1795176100")
    assert len({s.id for s in statuses}) == 4
    assert {s.direction for s in statuses} == {"outbound"}
    assert statuses[3].data["errors"][0]["code"] == 131026
    assert statuses[3].data["reason"] == "whatsapp: error 131026"


def test_a_status_names_the_message_that_we_sent() -> None:
    delivered, failed, _ = parse_sample("whatsapp", "statuses_of_ours")
    assert delivered.data["message_id"] == "96ecc061-b194-5118-ada9-a9e200efc015"
    assert delivered.data["provider_message_id"].startswith("wamid.")
    assert failed.data["message_id"] == "0064a8da-3ea0-50da-8a88-540bd17adc25"
    assert all("message_id" not in s.data for s in parse_sample("whatsapp", "statuses"))


def test_a_failure_because_marketing_was_stopped_withdraws_the_consent_too() -> None:
    _, failed, stop = parse_sample("whatsapp", "statuses_of_ours")
    assert (failed.type, failed.data["reason"]) == ("message.failed", "opted_out")
    assert (stop.type, stop.direction) == ("consent.withdrawn", "inbound")
    assert stop.data == {
        "channel": "whatsapp",
        "purpose": "marketing",
        "actor": "subject",
        "reason": "stop",
    }
    assert stop.contact_point == failed.contact_point
    assert stop.id != failed.id


def test_errors_of_any_shape_lose_no_status() -> None:
    payload = sample("whatsapp", "statuses_of_ours")
    status = value_of(payload)["statuses"][1]
    for errors in (None, [], [7], [{"code": "131050"}], [{}, {"code": 131050}]):
        status["errors"] = errors
        found = parse("whatsapp", payload)
        types = [item.type for item in found if isinstance(item, Interaction)]
        assert types[:2] == ["message.delivered", "message.failed"]
        assert ("consent.withdrawn" in types) == (errors == [{}, {"code": 131050}])


def test_a_changed_number_is_stated_and_never_proven() -> None:
    [change] = parse_sample("whatsapp", "phone_changed")
    assert change.type == "event.tracked"
    assert change.identifiers == (Identifier("phone", "+5511987650003", "stated"),)


def test_stopping_marketing_withdraws_consent_and_names_no_phone_in_its_id() -> None:
    [stop] = parse_sample("whatsapp", "user_preferences")
    assert (stop.data["channel"], stop.data["purpose"]) == ("whatsapp", "marketing")
    assert stop.contact_point.level == "proven"
    assert (stop.data["actor"], stop.data["reason"]) == ("subject", "stop")
    assert "5511987650001" not in (stop.source_id or "")
    payload = sample("whatsapp", "user_preferences")
    value_of(payload)["user_preferences"][0]["value"] = "resume"
    [resume] = parse("whatsapp", payload)
    assert isinstance(resume, Interaction)
    assert resume.type == "consent.granted"
    assert resume.contact_point.level == "proven"
    assert (resume.data["actor"], resume.data["reason"]) == ("subject", "resume")
    assert resume.id != stop.id


def test_one_bad_message_does_not_lose_the_others() -> None:
    payload = sample("whatsapp", "messages_many")
    messages = value_of(payload)["messages"]
    messages[0]["timestamp"] = "yesterday"
    messages[2] = "no object"
    del messages[4]["from"], messages[4]["from_user_id"]
    value_of(payload)["contacts"] = []
    found = parse("whatsapp", payload)
    assert [i for i, item in enumerate(found) if isinstance(item, Rejected)] == [0, 2, 4]
    assert found[0] == Rejected("timestamp: must be a Unix time", messages[0])


def test_fields_and_statuses_without_meaning_for_us_are_passed_over() -> None:
    payload = sample("whatsapp", "statuses")
    for status in value_of(payload)["statuses"]:
        status["status"] = "warning"
    assert parse("whatsapp", payload) == []
    payload["entry"][0]["changes"][0]["field"] = "account_update"
    assert parse("whatsapp", payload) == []
