"""What is said on the channels about being written to (cases 24, 34, 35, 36, 40)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from enlace.domain.consent import CONFIRMATION, ConsentPolicy, evaluate
from enlace.domain.envelope import Entry
from enlace.domain.interaction import Interaction, utc_text
from enlace.domain.opt_out import opt_out_in
from enlace.errors import TemporaryFailure
from enlace.usecases.consents import Consents
from enlace.usecases.follow_consents import FollowConsents
from local.memory_consents import MemoryConsents
from local.memory_store import MemoryStore
from tests.stores.builders import interaction, resolver
from tests.unit.usecases.fakes import event

PHONE = ("phone", "+5511987654321")
EMAIL = ("email", "joao@example.com")
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Scene:
    def __init__(self) -> None:
        self.store, self.consents = MemoryStore(), MemoryConsents()
        self.entries: list[Entry] = []
        self.now, self.count, self.bus_is_down = START, 0, False
        use_case = Consents(
            self.consents, policy=ConsentPolicy(), now=self.time, sleep=lambda seconds: None
        )
        self.follow = FollowConsents(
            use_case,
            timeline=self.store,
            bus=self,
            now=self.time,
            later=lambda seconds: utc_text(self.now + timedelta(seconds=seconds)),
        )

    def time(self) -> str:
        return utc_text(self.now)

    def publish_all(self, entries: list[Entry]) -> None:
        if self.bus_is_down:
            raise TemporaryFailure("the bus is down")
        self.entries += entries

    def recorded(self, point: tuple[str, ...], channel: str, **fields: Any) -> Any:
        """An interaction through the real resolver, and its event."""
        self.count += 1
        self.now += timedelta(minutes=1)
        made: Interaction = interaction(
            f"i-{self.count}", point, at=self.time(), channel=channel, **fields
        )
        done = resolver(self.store).resolve(made)
        return event(
            "interaction.recorded",
            {
                "interaction_id": made.id,
                "customer_id": done.customer_id,
                "channel": channel,
                "account": made.account,
                "type": made.type,
                "direction": made.direction,
                "occurred_at": done.occurred_at,
                "contact_point": {"kind": point[0], "key": done.contact_point},
                "timeline_key": done.timeline_key,
                "opt_out": opt_out_in(made),
            },
        )

    def text(self, text: str, point: tuple[str, ...] = PHONE, channel: str = "sms") -> str:
        return self.follow(self.recorded(point, channel, data={"text": text}))

    def allowed(self, purpose: str, channel: str) -> bool:
        (stored,) = self.consents.states_by_key.values()
        return evaluate(
            stored.consent, purpose, channel, now=self.time(), policy=ConsentPolicy()
        ).allowed

    def messages(self) -> list[dict[str, Any]]:
        details = [json.loads(e.detail) for e in self.entries if e.detail_type == "send.message.v1"]
        return [detail["data"] for detail in details]


def grant(scene: Scene, channel: str) -> None:
    scene.follow(
        scene.recorded(
            PHONE, channel, type_="consent.granted", data={"purpose": "marketing", "form": "site"}
        )
    )


def test_sair_by_sms_ends_what_is_sent_there_and_is_confirmed_once() -> None:
    scene = Scene()
    grant(scene, "sms")
    assert scene.allowed("marketing", "sms")
    assert scene.text("Sáir!") == "withdrawn: marketing on sms"
    assert not scene.allowed("marketing", "sms") and not scene.allowed("transactional", "sms")
    (confirmation,) = scene.messages()
    assert (confirmation["purpose"], confirmation["template"]) == (
        CONFIRMATION,
        "opt_out_confirmed",
    )
    assert scene.allowed(CONFIRMATION, "sms")
    scene.text("PARE")
    assert len(scene.messages()) == 1
    scene.now += timedelta(minutes=6)
    assert not scene.allowed(CONFIRMATION, "sms")


def test_a_redelivery_says_the_same_and_records_nothing_more() -> None:
    scene = Scene()
    stop = scene.recorded(PHONE, "sms", data={"text": "sair"})
    scene.bus_is_down = True
    with pytest.raises(TemporaryFailure):
        scene.follow(stop)
    scene.bus_is_down = False
    scene.follow(stop)
    first, scene.entries = scene.entries, []
    scene.follow(stop)
    assert [e.detail for e in scene.entries] == [e.detail for e in first]
    assert len(first) == 2
    (ledger,) = scene.consents.ledgers.values()
    assert len(ledger) == 1


def test_an_ambiguous_reply_pauses_marketing_until_somebody_has_read_it() -> None:
    scene = Scene()
    grant(scene, "sms")
    assert scene.text("cancelar agendamento") == "paused: marketing on sms"
    assert not scene.allowed("marketing", "sms") and scene.allowed("transactional", "sms")
    assert scene.messages() == []


def test_whatsapp_and_sms_of_one_number_have_words_of_their_own() -> None:
    scene = Scene()
    grant(scene, "sms")
    grant(scene, "whatsapp")
    scene.text("stop", channel="whatsapp")
    assert not scene.allowed("marketing", "whatsapp")
    assert scene.allowed("marketing", "sms") and scene.allowed("transactional", "whatsapp")


def test_nobody_opts_a_stranger_out() -> None:
    scene = Scene()
    assert scene.text("sair", (*PHONE, "stated")).startswith("nothing")
    assert scene.consents.states_by_key == {}


def test_a_complaint_stops_marketing_everywhere_and_a_dead_address_everything() -> None:
    scene = Scene()
    scene.follow(
        scene.recorded(
            (*EMAIL, "stated"),
            "email",
            type_="consent.withdrawn",
            data={"purpose": "marketing", "actor": "subject", "reason": "complaint"},
        )
    )
    assert not scene.allowed("marketing", "email") and not scene.allowed("marketing", "sms")
    assert scene.allowed("transactional", "email")
    failed = {"type_": "message.failed", "direction": "outbound"}
    data = {"reason": "bounce", "bounce_type": "Transient"}
    said = scene.follow(scene.recorded((*EMAIL, "stated"), "email", data=data, **failed))
    assert said.startswith("nothing") and scene.allowed("transactional", "email")
    data = {"reason": "bounce", "bounce_type": "Permanent"}
    scene.follow(scene.recorded((*EMAIL, "stated"), "email", data=data, **failed))
    assert not scene.allowed("transactional", "email")


def test_a_grant_counts_as_the_subjects_only_where_possession_is_proven() -> None:
    scene = Scene()
    scene.text("sair")
    data = {"purpose": "marketing"}
    granted = {"type_": "consent.granted", "data": data}
    scene.follow(scene.recorded((*PHONE, "stated"), "sms", **granted))
    assert not scene.allowed("marketing", "sms")
    scene.follow(scene.recorded(PHONE, "sms", **granted))
    assert scene.allowed("marketing", "sms")


def test_what_comes_late_counts_from_when_it_was_said() -> None:
    scene = Scene()
    stop = scene.recorded(PHONE, "sms", data={"text": "sair"})
    grant(scene, "sms")
    scene.follow(stop)
    assert scene.allowed("marketing", "sms")
