"""Events keep their ids through repetitions, and readers get what builders wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from enlace.domain import events, message_events
from enlace.domain.envelope import AddressRef, Cause, Entry, envelope, read_event
from enlace.domain.interaction import Identifier, Interaction
from enlace.domain.protocol import format_protocol, make_protocol
from enlace.errors import InvalidPayload

AT = "2026-11-20T12:00:00.000Z"
LATER = "2026-11-20T12:00:09.000Z"
PHONE = AddressRef("phone", "phone#AAECAwQFBgcICQoLDA0ODw")
INTERACTION = Interaction(
    id="3e1d6d12-7d9c-5db6-8e12-2d5b8a9f6f01",
    channel="whatsapp",
    account="5511",
    type="message.received",
    contact_point=Identifier("phone", "+5511987654321", "proven"),
    occurred_at=None,
    received_at=AT,
    traits={"name": "João"},
    data={"text": "olá"},
)
CAUSE = Cause("interaction_id", INTERACTION.id)


def recorded(recorded_at: str = AT, **changes: Any) -> Entry:
    return events.interaction_recorded(
        replace(INTERACTION, **changes),
        customer_id="c1",
        contact_point=PHONE,
        timeline_key=f"{AT}#x",
        occurred_at=AT,
        recorded_at=recorded_at,
    )


def merged(**changes: Any) -> Entry:
    arguments: dict[str, Any] = {
        "customer_id": "c1",
        "merged": ["c3", "c2"],
        "cause": CAUSE,
        "evidence": [("b#2", "b#3", "stated"), ("a#1", "a#2", "proven")],
        "identifiers": {"c2": ["b#3", "b#2"], "c1": ["a#1"]},
        "occurred_at": AT,
        "recorded_at": AT,
    }
    return events.customer_merged(**{**arguments, **changes})


def test_an_entry_is_what_put_events_wants() -> None:
    request = recorded().to_put_events("the-bus")
    detail = json.loads(request.pop("Detail"))
    assert request == {
        "EventBusName": "the-bus",
        "Source": "enlace.resolve_identity",
        "DetailType": "interaction.recorded.v1",
    }
    assert detail["metadata"] == {
        "id": recorded().event_id,
        "schema_version": "1.0",
        "occurred_at": AT,
        "recorded_at": AT,
        "correlation_id": INTERACTION.id,
        "causation_id": INTERACTION.id,
    }
    assert detail["data"]["occurred_at"] == AT


def test_events_carry_no_clear_values() -> None:
    text = recorded().detail
    assert not any(value in text for value in ("987654321", "João", "olá"))


def test_a_repetition_has_the_same_id_whenever_it_is_made() -> None:
    assert recorded().event_id == recorded(recorded_at=LATER).event_id
    assert recorded().event_id != recorded(id="another").event_id
    assert merged() == merged(merged=["c2", "c3"], evidence=[*_edges()][::-1])


def _edges() -> list[tuple[str, str, str]]:
    return [("b#2", "b#3", "stated"), ("a#1", "a#2", "proven")]


def test_other_causes_and_other_outcomes_have_other_ids() -> None:
    conciliation = Cause("conciliation_id", INTERACTION.id)
    ids = {
        merged().event_id,
        merged(cause=conciliation).event_id,
        merged(merged=["c2"]).event_id,
        merged(customer_id="c9").event_id,
    }
    assert len(ids) == 4


def test_a_customer_is_born_once_whoever_tells_it() -> None:
    def born(cause: Cause) -> Entry:
        return events.customer_created(
            customer_id="c1", identifier=PHONE, cause=cause, occurred_at=AT, recorded_at=AT
        )

    assert born(CAUSE).event_id == born(Cause("interaction_id", "another")).event_id


def test_a_split_lists_its_parts_in_one_order() -> None:
    parts = [("c2", ["b#2", "b#1"]), ("c1", ["a#1"])]
    one, two = (
        events.customer_split(
            customer_id="c1", into=into, cause=CAUSE, occurred_at=AT, recorded_at=AT
        )
        for into in (parts, parts[::-1])
    )
    assert one == two
    assert [p["customer_id"] for p in json.loads(one.detail)["data"]["into"]] == ["c1", "c2"]


def test_a_fall_back_to_another_address_is_another_command_for_the_same_message() -> None:
    def command(channel: str, point: AddressRef) -> Entry:
        return message_events.send_message(
            message_id=message_events.message_id(INTERACTION.id, "protocol_opened"),
            customer_id="c1",
            purpose="transactional",
            template="protocol_opened",
            language="pt-BR",
            channel=channel,
            contact_point=point,
            data={},
            expires_at=LATER,
            occurred_at=AT,
            recorded_at=AT,
            correlation_id=INTERACTION.id,
            causation_id=INTERACTION.id,
        )

    sms, mail = command("sms", PHONE), command("email", AddressRef("email", "email#1"))
    assert sms.event_id != mail.event_id
    ids = {json.loads(entry.detail)["data"]["message_id"] for entry in (sms, mail)}
    assert len(ids) == 1
    assert message_events.message_id(INTERACTION.id, "newsletter") not in ids


def test_text_that_utf_8_cannot_hold_still_goes_through() -> None:
    entry = envelope("demo.happened", {"text": "\ud800"}, **_metadata())
    entry.detail.encode()
    assert json.loads(entry.detail)["data"] == {"text": "\ud800"}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_know_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        envelope("demo.happened", {"n": number}, **_metadata())


def _metadata() -> dict[str, str]:
    names = ("source", "event_id", "occurred_at", "recorded_at", "correlation_id", "causation_id")
    return dict.fromkeys(names, "x")


def test_reading_gives_what_was_written_and_ignores_the_rest() -> None:
    entry = recorded()
    body = {
        "version": "0",
        "source": entry.source,
        "detail-type": entry.detail_type,
        "detail": {**json.loads(entry.detail), "new": 1},
        "later": "field",
    }
    event = read_event(json.dumps(body))
    assert event == read_event(body)
    assert (event.name, event.major, event.source) == ("interaction.recorded", 1, entry.source)
    assert event.event_id == entry.event_id
    assert event.data == json.loads(entry.detail)["data"]


GOOD = {
    "source": "enlace.x",
    "detail-type": "a.b.v1",
    "detail": {"metadata": {"id": "1"}, "data": {}},
}


@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{}",
        json.dumps({**GOOD, "detail-type": "a.b"}),
        json.dumps({**GOOD, "detail-type": "a.b.vx"}),
        json.dumps({**GOOD, "detail-type": ".v1"}),
        json.dumps({**GOOD, "detail-type": 1}),
        json.dumps({**GOOD, "source": None}),
        json.dumps({**GOOD, "detail": "text"}),
        json.dumps({**GOOD, "detail": {"metadata": {"id": 1}, "data": {}}}),
        json.dumps({**GOOD, "detail": {"metadata": {}, "data": {}}}),
        json.dumps({**GOOD, "detail": {"metadata": {"id": "1"}, "data": []}}),
        json.dumps({**GOOD, "detail": {"metadata": {"id": "1"}}}),
    ],
)
def test_what_is_no_event_is_refused_without_quoting_it(message: str) -> None:
    assert read_event(GOOD).name == "a.b"
    with pytest.raises(InvalidPayload) as caught:
        read_event(message)
    assert str(caught.value) == "not an event of the bus"
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize("said", [None, "", "joao@example.com", "9" * 100_000, "20261120123456780"])
def test_only_a_possible_protocol_number_goes_on(said: str | None) -> None:
    entry = events.interaction_recorded(
        INTERACTION,
        customer_id="c1",
        contact_point=PHONE,
        timeline_key="k",
        occurred_at=AT,
        recorded_at=AT,
        protocol=said,
    )
    assert json.loads(entry.detail)["data"]["protocol"] is None


def test_a_dictated_protocol_number_goes_on_in_plain_digits() -> None:
    protocol = make_protocol(INTERACTION.id, AT)
    entry = events.interaction_recorded(
        INTERACTION,
        customer_id="c1",
        contact_point=PHONE,
        timeline_key="k",
        occurred_at=AT,
        recorded_at=AT,
        protocol=format_protocol(protocol),
    )
    assert json.loads(entry.detail)["data"]["protocol"] == protocol
