"""The CRM follows customers: whatever the order, what it shows ends up right."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from dataclasses import replace
from typing import Any

import pytest
import urllib3

from enlace.domain.envelope import Event
from enlace.domain.interaction import Interaction
from enlace.errors import EnlaceError, InvalidPayload, TemporaryFailure
from enlace.rules import default_rules
from tests.stores.builders import customers, interaction
from tests.stores.laws import POOL
from tests.unit.api.world import ISSUER, World
from tests.unit.usecases.crm_scene import CrmScene
from tests.unit.usecases.fakes import event

PHONE = ("phone", "+5511987654321")
EMAIL = ("email", "joao@example.com")
INSTAGRAM = ("instagram:loja", "178414")


def one(scene: CrmScene, identifier: tuple[str, str]) -> str:
    (customer,) = customers(scene.store, identifier)
    assert customer is not None
    return customer


def test_an_interaction_becomes_a_contact_with_a_note() -> None:
    scene = CrmScene()
    scene.happen(
        interaction(
            "1", PHONE, EMAIL, traits={"name": "João da Silva"}, data={"text": "<b>Olá</b> & tchau"}
        )
    )
    scene.deliver_all()
    contact = scene.contact(one(scene, PHONE))
    assert contact.properties["phone"] == PHONE[1]
    assert contact.properties["firstname"] == "João da Silva"
    # Stated only: shown to the agent with its level, never as an address to mail.
    assert "email" not in contact.properties
    assert contact.properties["enlace_identifiers"].splitlines() == [
        "email joao@example.com (stated)",
        "phone +5511987654321 (proven)",
    ]
    (note,) = scene.hubspot.notes.values()
    assert "&lt;b&gt;Olá&lt;/b&gt; &amp; tchau" in note["hs_note_body"]
    assert scene.shown() == scene.truth()


def test_a_redelivery_adds_nothing() -> None:
    scene = CrmScene()
    made = scene.happen(interaction("1", PHONE))
    for again in (*made, *made):
        scene.deliver(again)
    assert len(scene.hubspot.contacts) == len(scene.hubspot.notes) == 1


def test_behaviour_does_not_bury_the_history() -> None:
    scene = CrmScene()
    scene.happen(interaction("1", ("anonymous_id:site", "x"), type_="page.viewed"))
    scene.deliver_all()
    assert scene.hubspot.calls == []


def test_a_name_is_taken_from_proven_contacts_only() -> None:
    scene = CrmScene()
    scene.happen(interaction("1", (*EMAIL, "stated"), traits={"name": "Outra Pessoa"}))
    scene.deliver_all()
    assert "firstname" not in scene.contact(one(scene, EMAIL)).properties


def merged_scene() -> CrmScene:
    scene = CrmScene()
    scene.happen(interaction("1", PHONE))
    scene.happen(interaction("2", EMAIL, at="2026-11-20T13:00:00.000Z"))
    scene.happen(interaction("3", EMAIL, at="2026-11-20T14:00:00.000Z"))
    scene.deliver_all()
    scene.same(PHONE, EMAIL)
    return scene


def test_a_merge_is_followed() -> None:
    scene = merged_scene()
    assert len(scene.hubspot.contacts) == 2
    scene.deliver_all()
    assert len(scene.hubspot.contacts) == 1
    assert scene.shown() == scene.truth()
    assert len(scene.shown()[one(scene, PHONE)]) == 3


def test_a_merge_that_is_delivered_again_merges_nothing_more() -> None:
    scene = merged_scene()
    (merged,) = list(scene.waiting)
    scene.deliver_all()
    before = dict(scene.hubspot.contacts)
    scene.deliver(merged)
    assert scene.hubspot.contacts == before


def test_a_split_gives_each_its_own_contact_and_history_back() -> None:
    scene = merged_scene()
    scene.deliver_all()
    scene.withdraw(scene.decisions[0])
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    assert len(scene.hubspot.contacts) == 2
    phone, email = scene.contact(one(scene, PHONE)), scene.contact(one(scene, EMAIL))
    assert phone.properties["phone"] == PHONE[1] and not phone.properties.get("email")
    assert not email.properties.get("phone")
    # HubSpot keeps the merged e-mail on the survivor; it stays legible as an identifier.
    assert "email joao@example.com (proven)" in email.properties["enlace_identifiers"]


def shown_contacts(scene: CrmScene) -> dict[str, dict[str, str]]:
    """Each customer's contact as an agent reads it; the CRM's own ids may change."""
    return {
        contact.properties["enlace_customer_id"]: {
            name: value for name, value in contact.properties.items() if value
        }
        for contact in scene.hubspot.contacts.values()
    }


def decided(
    scene: CrmScene, api: World, method: str, path: str, body: Any = None
) -> dict[str, Any]:
    """A request of an operator, whose events go to the CRM sender as the bus brings them."""
    response = api.call(method, path, body)
    assert response.status in (200, 201), response.body
    scene.publish(api.bus.entries)
    api.bus.entries = []
    answer: dict[str, Any] = json.loads(response.body)
    return answer


@pytest.mark.parametrize("order", ["in order", "reversed", "the split alone late"])
def test_a_decision_and_its_end_leave_the_crm_as_it_was(order: str) -> None:
    """Decide, let the CRM follow, withdraw, let it follow: every contact, address and note."""
    scene = CrmScene()
    scene.happen(interaction("1", PHONE, INSTAGRAM, traits={"name": "João da Silva"}))
    scene.happen(
        interaction("2", ("phone", "+551133334444"), ("user_id", "u-2", "proven")),
    )
    for n in range(3):
        at = f"2026-11-20T13:00:0{n}.000Z"
        scene.happen(interaction(f"e{n}", ("phone", "+551133334444"), at=at))
        scene.happen(interaction(f"i{n}", INSTAGRAM, at=at))
    scene.deliver_all()
    before, notes = shown_contacts(scene), scene.shown()
    assert len(before) == 2

    api = World(scene.store)
    kinds = [{"kind": kind, "value": value} for kind, value in (PHONE, ("user_id", "u-2"))]
    body = {"decision": "same", "a": kinds[0], "b": kinds[1], "reason": "r"}
    made = decided(scene, api, "POST", "/v1/conciliations", body)
    if order == "in order":
        scene.deliver_all()
        assert len(shown_contacts(scene)) == 1
        assert scene.shown() == scene.truth()
    decided(scene, api, "DELETE", f"/v1/conciliations/{made['conciliation_id']}")
    if order == "reversed":
        scene.waiting.reverse()
    scene.deliver_all()
    assert scene.shown() == notes == scene.truth()
    assert shown_contacts(scene) == before


def test_a_decision_that_waits_does_nothing_in_the_crm_until_it_is_approved() -> None:
    scene = CrmScene()
    scene.happen(interaction("1", PHONE))
    scene.happen(interaction("2", EMAIL, at="2026-11-20T13:00:00.000Z"))
    scene.deliver_all()
    before, notes = shown_contacts(scene), scene.shown()
    api = World(scene.store, replace(default_rules(), approval_above=1))
    kinds = [{"kind": kind, "value": value} for kind, value in (PHONE, EMAIL)]
    body = {"decision": "same", "a": kinds[0], "b": kinds[1], "reason": "r"}
    response = api.call("POST", "/v1/conciliations", body)
    assert (response.status, api.bus.entries) == (202, [])
    path = f"/v1/conciliations/{json.loads(response.body)['conciliation_id']}"
    claims = {"sub": "bia", "iss": ISSUER, "roles": "agent"}
    assert api.call("POST", f"{path}/approve", claims=claims).status == 200
    scene.publish(api.bus.entries)
    scene.deliver_all()
    assert len(shown_contacts(scene)) == 1
    api.bus.entries = []
    decided(scene, api, "DELETE", path)
    scene.deliver_all()
    assert scene.shown() == notes
    assert shown_contacts(scene).keys() == before.keys()


def test_after_a_split_new_activities_go_to_their_own() -> None:
    scene = merged_scene()
    scene.deliver_all()
    scene.withdraw(scene.decisions[0])
    scene.deliver_all()
    scene.happen(interaction("9", EMAIL, at="2026-11-21T14:00:00.000Z"))
    scene.deliver_all()
    assert scene.shown() == scene.truth()


def test_a_merge_that_arrives_after_its_split_is_not_carried_out() -> None:
    scene = merged_scene()
    (merged,) = list(scene.waiting)
    (split,) = scene.withdraw(scene.decisions[0])
    assert scene.deliver(split) and scene.deliver(merged)
    assert len(scene.hubspot.contacts) == 2
    assert scene.shown() == scene.truth()
    assert not any("merge" in path for _, path in scene.hubspot.calls)


def test_a_merge_that_arrives_before_anything_else() -> None:
    scene = CrmScene()
    scene.happen(interaction("1", PHONE))
    scene.happen(interaction("2", EMAIL, at="2026-11-20T13:00:00.000Z"))
    (merged,) = scene.same(PHONE, EMAIL)
    assert scene.deliver(merged)
    scene.deliver_all()
    assert len(scene.hubspot.contacts) == 1
    assert scene.shown() == scene.truth()


def test_a_customer_that_merges_while_its_activity_is_written() -> None:
    scene = CrmScene()
    scene.happen(interaction("1", PHONE))
    scene.deliver_all()
    (recorded, *_) = scene.happen(interaction("2", EMAIL, at="2026-11-20T13:00:00.000Z"))
    done = []

    def meanwhile(path: str) -> None:
        if path.endswith("notes/batch/upsert") and not done:
            done.append(1)
            scene.deliver(scene.same(PHONE, EMAIL)[0])

    scene.hubspot.between = meanwhile
    assert not scene.deliver(recorded)
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    assert len(scene.hubspot.contacts) == 1


@pytest.mark.parametrize("step", range(12))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_merge_and_split_survive_a_failure_at_every_call(step: int, when: str) -> None:
    scene = merged_scene()
    scene.hubspot.faults = [("", None)] * step + [(when, LOST)] * 3
    scene.deliver_all()
    scene.hubspot.faults = [("", None)] * step + [(when, LOST)] * 3
    scene.withdraw(scene.decisions[0])
    scene.deliver_all()
    scene.hubspot.faults = []
    assert scene.shown() == scene.truth()
    assert len(scene.hubspot.contacts) == 2


def test_a_long_split_goes_on_where_it_stopped() -> None:
    scene = CrmScene()
    scene.happen(interaction("p", PHONE))
    for n in range(250):
        at = f"2026-11-20T13:{n // 60:02d}:{n % 60:02d}.000Z"
        scene.happen(interaction(str(n), EMAIL, at=at))
    scene.same(PHONE, EMAIL)
    scene.deliver_all()
    (split,) = scene.withdraw(scene.decisions[0])
    turns = iter([True, False])
    scene.follow._time_left = lambda: next(turns)
    with pytest.raises(TemporaryFailure):
        scene.follow(split)
    scene.follow._time_left = lambda: True
    scene.hubspot.calls.clear()
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    reads = [path for _, path in scene.hubspot.calls if path.endswith("batch/read")]
    assert len(reads) == 2


def test_a_contact_deleted_by_hand_is_made_again() -> None:
    scene = CrmScene()
    scene.happen(interaction("1", PHONE))
    scene.deliver_all()
    scene.hubspot.contacts.clear()
    scene.happen(interaction("2", PHONE, at="2026-11-20T13:00:00.000Z"))
    scene.deliver_all()
    assert len(scene.hubspot.contacts) == 1


def test_a_contact_made_by_hand_keeps_its_email() -> None:
    scene = CrmScene()
    scene.hubspot._upsert(
        "contacts",
        [{"id": "", "idProperty": "enlace_customer_id", "properties": {"email": EMAIL[1]}}],
    )
    scene.happen(interaction("1", EMAIL))
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    assert "email" not in scene.contact(one(scene, EMAIL)).properties


def test_a_malformed_event_is_poison() -> None:
    scene = CrmScene()
    with pytest.raises(InvalidPayload):
        scene.follow(event("customer.merged", {"customer_id": "x"}))
    assert scene.follow(event("customer.created", {})).startswith("nothing")


@pytest.fixture
def ids_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same ids in every run, so that a seed that fails fails again."""
    numbers = itertools.count(1)
    monkeypatch.setattr(
        "enlace.domain.address_key.secrets.token_bytes",
        lambda size: next(numbers).to_bytes(size, "big"),
    )
    monkeypatch.setattr(
        "enlace.usecases.conciliate.uuid.uuid4", lambda: uuid.UUID(int=next(numbers))
    )


LOST = urllib3.exceptions.ReadTimeoutError(None, "", "timeout")  # type: ignore[arg-type]


def some_interaction(chance: random.Random, number: int) -> Interaction:
    point, *others = chance.sample(POOL, chance.randint(1, 3))
    levels = [chance.choice(["proven", "stated", "imported"]) for _ in range(3)]
    at = f"2026-11-{chance.randint(1, 20):02d}T12:00:00.000Z"
    named = [(*i, level) for i, level in zip([point, *others], levels, strict=False)]
    return interaction(str(number), *named, at=at)


@pytest.mark.parametrize("seed", range(60))
def test_any_order_repetition_and_failure_ends_right(seed: int, ids_in_order: None) -> None:
    """Identity steps and deliveries interleaved at random, with lost answers in between."""
    chance = random.Random(seed)
    scene = CrmScene()
    delivered: list[Event] = []
    for number in range(80):
        choice = chance.choice(
            ["step", "step", "deliver", "deliver", "again", "same", "undo", "fault"]
        )
        if choice == "step":
            scene.happen(some_interaction(chance, number))
        elif choice == "deliver" and scene.waiting:
            delivered.append(chance.choice(scene.waiting))
            scene.deliver(delivered[-1])
        elif choice == "again" and delivered:
            scene.deliver(chance.choice(delivered))
        elif choice == "same" and len(scene.store.records) > 1:
            pair = chance.sample(sorted(scene.store.records.values(), key=lambda r: r.key), 2)
            scene.same(*((record.kind, record.value) for record in pair))
        elif choice == "undo" and scene.decisions:
            scene.withdraw(chance.choice(scene.decisions))
        elif choice == "fault":
            when = chance.choice(["before", "after"])
            scene.hubspot.faults += [("", None)] * chance.randint(0, 4) + [(when, LOST)] * 3
    scene.hubspot.faults = []
    chance.shuffle(scene.waiting)
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    # No contact is left of customers that exist no more.
    alive = {record.customer_id for record in scene.store.records.values()}
    left = {c.properties["enlace_customer_id"] for c in scene.hubspot.contacts.values()}
    assert left <= alive


def test_errors_quote_nobody() -> None:
    scene = CrmScene()
    (recorded, *_) = scene.happen(interaction("1", EMAIL, data={"text": "segredo"}))
    scene.hubspot.faults = [("before", 400)]
    with pytest.raises(EnlaceError) as caught:
        scene.follow(recorded)
    assert "joao" not in str(caught.value) and "segredo" not in str(caught.value)
