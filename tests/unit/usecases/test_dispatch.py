"""What an interaction calls for, and to whom it may be answered."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.delivery import State
from enlace.domain.envelope import Event
from enlace.domain.protocol import make_protocol
from enlace.errors import InvalidPayload, TemporaryFailure
from enlace.rules import default_rules
from enlace.senders.registry import sender_channels
from enlace.usecases.cases import CaseKeeper
from enlace.usecases.dispatch import Dispatch
from enlace.usecases.membership import Memberships
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.send_command import read_command
from local.memory_deliveries import MemoryDeliveries
from tests.stores.memory_cases import MemoryCases
from tests.unit.usecases.fakes import (
    Bus,
    Clock,
    Identities,
    event,
    identifier,
)
from tests.unit.usecases.planning import planner

AT = "2026-11-20T11:59:00.000Z"
ORDER = {"order_id": "A-1", "value": {"amount": 123456, "currency": "BRL"}}


class Timeline(dict[tuple[str, str], dict[str, Any]]):
    def get(self, pk: str, sk: str) -> dict[str, Any] | None:  # type: ignore[override]
        return super().get((pk, sk))


class Scene:
    def __init__(self) -> None:
        self.clock = Clock()
        self.timeline = Timeline()
        self.cases = MemoryCases()
        self.identities = Identities()
        self.messages = MemoryDeliveries()
        self.bus = Bus()
        self.dispatch = Dispatch(
            timeline=self.timeline,
            cases=self.cases,
            keeper=CaseKeeper(
                self.cases,
                Memberships(self.identities, default_rules(), today=lambda: "2026-11-20"),
                default_rules().cases,
                now=self.clock,
            ),
            messages=self.messages,
            planner=planner(
                store=self.identities,
                memberships=None,
                deliveries=self.messages,
                now=self.clock,
            ),
            channels=sender_channels(),
            bus=self.bus,
            now=self.clock,
        )

    def recorded(
        self,
        type_: str,
        *,
        kind: str = "phone",
        level: str = "proven",
        channel: str = "whatsapp",
        data: dict[str, Any] | None = None,
        traits: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Event:
        """An event whose interaction is in the timeline."""
        point = {"kind": kind, "key": f"{kind}#1"}
        fields = {
            "interaction_id": "i-1",
            "customer_id": "c-1",
            "channel": channel,
            "account": "a",
            "type": type_,
            "direction": "inbound",
            "occurred_at": AT,
            "contact_point": point,
            "timeline_key": f"{AT}#i-1",
            "protocol": None,
            **changes,
        }
        self.identities[point["key"]] = identifier(point["key"], kind, "value", f"c-{kind}")
        self.timeline[point["key"], fields["timeline_key"]] = {
            "contact_point": {"kind": kind, "level": level},
            "data": data or {},
            "traits": traits or {},
        }
        return event("interaction.recorded", fields)

    def only_message(self) -> Any:
        (record,) = self.messages.records.values()
        return record


def test_a_complaint_opens_a_case_and_is_answered_on_its_own_address() -> None:
    scene = Scene()
    scene.dispatch(scene.recorded("complaint.opened", traits={"locale": "es-MX"}))
    (opened,) = scene.bus.named("case.opened")
    assert opened.data["protocol"] == make_protocol("i-1", AT)
    assert opened.data["nature"] == "complaint"
    (asked,) = scene.bus.named("send.message")
    command = read_command(asked)
    assert (command.channel, command.key, command.language) == ("sms", "phone#1", "es")
    assert command.data["protocol"].replace("-", "") == opened.data["protocol"]
    assert command.expires_at == "2026-11-21T11:59:00.000Z"
    assert scene.only_message().state == State.ACCEPTED


def test_what_is_asked_for_can_be_rendered() -> None:
    scene = Scene()
    scene.dispatch(scene.recorded("complaint.opened"))
    scene.dispatch(scene.recorded("order.placed", kind="email", data=ORDER, interaction_id="i-2"))
    for asked in scene.bus.named("send.message"):
        command = read_command(asked)
        content = MessageTemplates().render(command.template, command.language, command.data)
        assert content.sms and content.html
    assert "R$ 1.234,56" in content.text


def test_the_same_event_again_changes_nothing() -> None:
    scene = Scene()
    recorded = scene.recorded("complaint.opened")
    scene.dispatch(recorded)
    before = dict(scene.bus.events)
    scene.dispatch(recorded)
    assert scene.bus.events.keys() == before.keys()
    assert len(scene.cases.by_protocol) == 1


def test_a_bus_that_refuses_is_tried_again_with_the_same_result() -> None:
    scene = Scene()
    scene.bus.refuse = 1
    recorded = scene.recorded("complaint.opened")
    with pytest.raises(TemporaryFailure):
        scene.dispatch(recorded)
    scene.dispatch(recorded)
    assert len(scene.bus.named("case.opened")) == len(scene.bus.named("send.message")) == 1
    assert len(scene.cases.by_protocol) == 1


def test_a_complaint_in_an_open_case_opens_no_other() -> None:
    scene = Scene()
    scene.dispatch(scene.recorded("complaint.opened"))
    (protocol,) = scene.cases.by_protocol
    scene.dispatch(scene.recorded("complaint.opened", interaction_id="i-2", protocol=protocol))
    assert len(scene.cases.by_protocol) == 1
    assert len(scene.bus.events) == 2


def test_naming_somebody_elses_protocol_gives_a_case_of_ones_own() -> None:
    scene = Scene()
    scene.dispatch(scene.recorded("complaint.opened"))
    (protocol,) = scene.cases.by_protocol
    scene.dispatch(
        scene.recorded("complaint.opened", kind="email", interaction_id="i-2", protocol=protocol)
    )
    assert len(scene.cases.by_protocol) == 2


@pytest.mark.parametrize("level", ["stated", "imported"])
def test_an_address_that_was_not_proven_gets_nothing(level: str) -> None:
    scene = Scene()
    scene.dispatch(scene.recorded("complaint.opened", level=level, channel="generic"))
    assert len(scene.bus.named("case.opened")) == 1
    assert scene.bus.named("send.message") == []
    assert scene.only_message().state == State.DENIED
    assert scene.only_message().reason == "the contact point was not proven"


@pytest.mark.parametrize(
    ("channel", "level", "asked"),
    [("shop", "imported", 1), ("generic", "stated", 1), ("segment", "stated", 0),
     ("site", "stated", 0), ("segment", "proven", 1)],
)  # fmt: skip
def test_only_the_companys_own_systems_vouch_for_an_orders_address(
    channel: str, level: str, asked: int
) -> None:
    scene = Scene()
    scene.dispatch(
        scene.recorded("order.placed", kind="email", level=level, channel=channel, data=ORDER)
    )
    assert len(scene.bus.named("send.message")) == asked


def test_a_kind_without_a_sender_is_recorded_as_denied() -> None:
    scene = Scene()
    scene.dispatch(scene.recorded("complaint.opened", kind="instagram:42"))
    assert len(scene.bus.named("case.opened")) == 1
    assert scene.only_message().reason == "no sender for this contact point kind"
    assert scene.bus.named("send.message") == []


def test_history_that_is_imported_writes_to_nobody() -> None:
    scene = Scene()
    scene.dispatch(
        scene.recorded("order.placed", data=ORDER, occurred_at="2025-01-01T00:00:00.000Z")
    )
    assert scene.only_message().reason == "too long ago"
    assert scene.bus.events == {}


def test_a_clock_that_runs_ahead_does_not_prolong_it() -> None:
    scene = Scene()
    scene.dispatch(
        scene.recorded("order.placed", data=ORDER, occurred_at="2030-01-01T00:00:00.000Z")
    )
    (asked,) = scene.bus.named("send.message")
    assert asked.data["expires_at"] == "2026-11-21T12:00:00.000Z"


@pytest.mark.parametrize(
    "data", [{}, {"order_id": "A"}, {**ORDER, "value": {"amount": -1, "currency": "BRL"}}]
)
def test_an_order_without_number_or_value_is_not_confirmed(data: dict[str, Any]) -> None:
    scene = Scene()
    scene.dispatch(scene.recorded("order.placed", data=data))
    assert scene.only_message().state == State.DENIED
    assert scene.bus.events == {}


def test_other_types_and_outbound_ones_are_left_alone() -> None:
    scene = Scene()
    scene.dispatch(scene.recorded("message.received"))
    scene.dispatch(scene.recorded("order.placed", data=ORDER, direction="outbound"))
    assert scene.bus.events == {} and scene.messages.records == {}


def test_an_interaction_that_is_there_no_more_was_erased() -> None:
    scene = Scene()
    recorded = scene.recorded("complaint.opened")
    scene.timeline.clear()
    assert scene.dispatch(recorded) == "nothing: erased"
    assert scene.bus.events == {} and scene.messages.records == {}


@pytest.mark.parametrize("field", ["type", "contact_point", "interaction_id", "timeline_key"])
def test_a_missing_field_is_poison(field: str) -> None:
    scene = Scene()
    recorded = scene.recorded("complaint.opened")
    del recorded.data[field]
    with pytest.raises(InvalidPayload):
        scene.dispatch(recorded)


def test_a_providers_report_reaches_the_record() -> None:
    scene = Scene()
    scene.dispatch(scene.recorded("complaint.opened"))
    message_id = scene.only_message().message_id
    data = {"message_id": message_id, "provider_message_id": "ses-1"}
    for type_, at in (("message.delivered", "13"), ("message.sent", "14")):
        scene.dispatch(
            scene.recorded(
                type_,
                data=data,
                direction="outbound",
                occurred_at=f"2026-11-20T{at}:00:00.000Z",
                interaction_id=at,
            )
        )
    record = scene.only_message()
    assert (record.state, record.provider_message_id) == (State.DELIVERED, "ses-1")
    assert record.settled_at == "2026-11-20T13:00:00.000Z"


def test_reports_about_other_messages_are_no_news() -> None:
    scene = Scene()
    said = scene.dispatch(scene.recorded("message.delivered", data={"message_id": "wamid.1"}))
    assert said == "nothing: no news"
    assert scene.messages.records == {}
