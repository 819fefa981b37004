"""Who said no is told to the CRM: whatever the order, once or often, and never taken back."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.consent import ConsentPolicy, ConsentRecord
from enlace.domain.consent_events import consent_changed
from enlace.domain.envelope import AddressRef
from enlace.errors import InvalidPayload
from enlace.usecases.consents import Consents
from enlace.usecases.crm_events import following
from enlace.usecases.push_suppressions import PushSuppressions
from local.memory_consents import MemoryConsents
from tests.stores.builders import customers, interaction
from tests.stores.forgetting import forget, key_of
from tests.unit.usecases.crm_scene import NOW, CrmScene
from tests.unit.usecases.fakes import event

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "joao@example.com")
OTHER = ("email", "ana@example.com")
AT = "2026-11-22T11:00:00.000Z"


class Scene(CrmScene):
    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self.consents = Consents(
            MemoryConsents(), policy=ConsentPolicy(), now=lambda: NOW, sleep=lambda _: None
        )
        crm = self.follow._crm
        self.push = PushSuppressions(
            crm,
            identities=self.store,
            mappings=self.mappings,
            consents=self.consents._store,
            policy=ConsentPolicy(),
            now=lambda: NOW,
        )
        self.follow = following(self.follow, self.push)  # type: ignore[assignment]
        self.said = 0

    def says(self, point: tuple[str, str], state: str, channel: str, **stops: str) -> None:
        self.said += 1
        at = AT.replace("11:00", f"11:{self.said:02d}")
        record = ConsentRecord(
            f"consent-{self.said}", "marketing", channel, state, "subject", at, at, True
        )
        holds = self.consents.record(key_of(point), record, stops=stops)
        changed = consent_changed(
            consent_id=record.event_id,
            contact_point=AddressRef(point[0], key_of(point)),
            purpose="marketing",
            channel=channel,
            said=state,
            actor="subject",
            allowed=holds.ruling.allowed,
            occurred_at=at,
            recorded_at=NOW,
            source="enlace.api_consents",
        )
        self.publish([changed])

    def customer(self, point: tuple[str, str]) -> str:
        (found,) = customers(self.store, point)
        assert found
        return found

    def flagged(self, point: tuple[str, str], channel: str = "email") -> bool:
        """Whether the CRM knows that the person does not want it."""
        fake: Any = self.crm
        if self.provider == "hubspot":
            return channel == "email" and point[1] in fake.unsubscribed
        if self.provider == "salesforce":
            field = {"email": "HasOptedOutOfEmail", "voice": "DoNotCall"}[channel]
            return any(
                contact.get(field)
                for contact in fake.records["Contact"].values()
                if contact["EnlaceCustomerId__c"] == self.customer(point)
            )
        told = fake.suppressed.get(self.customer(point), {})
        assert not told or told["purpose"] == "marketing"
        return channel in told.get("channels", ())


@pytest.fixture(params=["hubspot", "salesforce", "webhook"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


def test_a_no_is_told(scene: Scene) -> None:
    scene.happen(interaction("1", EMAIL))
    scene.deliver_all()
    assert not scene.flagged(EMAIL)
    scene.says(EMAIL, "withdrawn", "email")
    scene.deliver_all()
    assert scene.flagged(EMAIL)


@pytest.mark.parametrize("scope", ["email", "marketing", "all"])
def test_so_is_a_stop(scene: Scene, scope: str) -> None:
    scene.happen(interaction("1", EMAIL))
    scene.says(EMAIL, "objected", "email", **{scope: "objection"})
    scene.deliver_all()
    assert scene.flagged(EMAIL)


def test_a_dead_address_has_said_nothing(scene: Scene) -> None:
    scene.happen(interaction("1", EMAIL))
    scene.says(EMAIL, "granted", "email", email="hard_bounce")
    scene.deliver_all()
    assert not scene.flagged(EMAIL)


def test_before_there_is_a_contact_one_is_made(scene: Scene) -> None:
    scene.happen(interaction("1", EMAIL))
    recorded = list(scene.waiting)
    scene.says(EMAIL, "withdrawn", "email")
    (changed,) = [one for one in scene.waiting if one not in recorded]
    assert scene.deliver(changed) and scene.flagged(EMAIL)
    scene.deliver_all()
    # What was only stated for a no does not take from what the interaction proves.
    assert scene.view(scene.customer(EMAIL)).email == EMAIL[1]
    assert scene.flagged(EMAIL)


@pytest.mark.parametrize("state", ["granted", "requested", "paused", "expired", "signalled"])
def test_what_is_no_no_is_not_told(scene: Scene, state: str) -> None:
    scene.happen(interaction("1", EMAIL))
    scene.deliver_all()
    before = len(scene.crm.calls)
    scene.says(EMAIL, state, "email")
    scene.deliver_all()
    assert not scene.flagged(EMAIL) and len(scene.crm.calls) == before


def test_a_later_yes_takes_nothing_back_there(scene: Scene) -> None:
    scene.happen(interaction("1", EMAIL))
    scene.says(EMAIL, "withdrawn", "email")
    scene.deliver_all()
    scene.says(EMAIL, "granted", "email")
    scene.deliver_all()
    assert scene.flagged(EMAIL)


def test_events_late_and_twice_tell_what_holds_now(scene: Scene) -> None:
    scene.happen(interaction("1", EMAIL))
    scene.deliver_all()
    scene.says(EMAIL, "withdrawn", "email")
    scene.says(EMAIL, "granted", "email")
    for late in reversed(list(scene.waiting) * 2):
        scene.deliver(late)
    assert not scene.flagged(EMAIL), "they have said yes since"


def test_others_are_not_flagged(scene: Scene) -> None:
    for n, point in enumerate((EMAIL, OTHER)):
        scene.happen(interaction(str(n), point))
    scene.says(EMAIL, "withdrawn", "email")
    scene.deliver_all()
    assert scene.flagged(EMAIL) and not scene.flagged(OTHER)


def test_after_a_merge_the_flag_is_there_again(scene: Scene) -> None:
    scene.happen(interaction("1", PHONE))
    scene.happen(interaction("2", EMAIL))
    scene.says(EMAIL, "withdrawn", "email")
    scene.deliver_all()
    scene.same(PHONE, EMAIL)
    scene.deliver_all()
    assert scene.customer(PHONE) == scene.customer(EMAIL) and scene.flagged(EMAIL)


def test_after_a_split_the_new_contact_has_it(scene: Scene) -> None:
    scene.happen(interaction("1", PHONE))
    scene.happen(interaction("2", EMAIL))
    scene.same(PHONE, EMAIL)
    scene.says(EMAIL, "withdrawn", "email")
    scene.deliver_all()
    scene.withdraw(scene.decisions[0])
    scene.deliver_all()
    assert scene.customer(PHONE) != scene.customer(EMAIL) and scene.flagged(EMAIL)


@pytest.mark.parametrize("fault", [("before", 500), ("after", 500), ("before", 429)])
def test_what_the_crm_did_not_take_comes_again(scene: Scene, fault: tuple[str, int]) -> None:
    scene.happen(interaction("1", EMAIL))
    scene.deliver_all()
    scene.says(EMAIL, "withdrawn", "email")
    scene.crm.faults = [fault] * 3
    scene.deliver_all()
    assert scene.flagged(EMAIL)


def test_of_calls_those_crms_know_that_have_a_flag_for_them(scene: Scene) -> None:
    scene.happen(interaction("1", PHONE))
    scene.says(PHONE, "objected", "voice")
    scene.deliver_all()
    assert scene.flagged(PHONE, "voice") == (scene.provider != "hubspot")


def test_nobody_is_told_of_who_was_erased(scene: Scene) -> None:
    scene.happen(interaction("1", EMAIL))
    scene.deliver_all()
    scene.says(EMAIL, "withdrawn", "email")
    forget(scene.store, EMAIL, at=NOW)
    before = len(scene.crm.calls)
    scene.deliver_all()
    assert len(scene.crm.calls) == before


def test_no_address_stands_in_a_url(scene: Scene) -> None:
    scene.happen(interaction("1", EMAIL))
    scene.says(EMAIL, "withdrawn", "email")
    scene.deliver_all()
    assert not [path for _, path in scene.crm.calls if "joao" in path]


def test_a_crm_without_flags_is_told_nothing() -> None:
    scene = Scene("rd_station")
    scene.happen(interaction("1", EMAIL))
    scene.deliver_all()
    before = len(scene.crm.calls)
    scene.says(EMAIL, "withdrawn", "email")
    scene.deliver_all()
    assert len(scene.crm.calls) == before


@pytest.mark.parametrize("name", ["consent.changed", "customer.merged", "customer.split"])
def test_a_malformed_event_is_poison(scene: Scene, name: str) -> None:
    with pytest.raises(InvalidPayload):
        scene.push(event(name, {}))
