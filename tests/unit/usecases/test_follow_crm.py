"""The CRM follows customers: whatever the order, what it shows ends up right."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
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
from tests.unit.senders.crm_fake import View
from tests.unit.senders.crm_providers import PROVIDERS
from tests.unit.usecases.crm_scene import CrmScene
from tests.unit.usecases.fakes import event

PHONE = ("phone", "+5511987654321")
EMAIL = ("email", "joao@example.com")
INSTAGRAM = ("instagram:loja", "178414")


@pytest.fixture(params=sorted(PROVIDERS))
def scene(request: pytest.FixtureRequest) -> CrmScene:
    """One suite for every CRM: what it shows is what the identity table says."""
    return CrmScene(request.param)


def one(scene: CrmScene, identifier: tuple[str, str]) -> str:
    (customer,) = customers(scene.store, identifier)
    assert customer is not None
    return customer


def test_an_interaction_becomes_a_contact_with_an_activity(scene: CrmScene) -> None:
    scene.happen(
        interaction(
            "1", PHONE, EMAIL, traits={"name": "João da Silva"}, data={"text": "<b>Olá</b> & tchau"}
        )
    )
    scene.deliver_all()
    contact = scene.view(one(scene, PHONE))
    assert contact.phone == PHONE[1]
    assert contact.name == "João da Silva"
    # Stated only: shown to the agent with its level, never as an address to mail.
    assert contact.email == ""
    assert contact.identifiers == (
        "email joao@example.com (stated)",
        "phone +5511987654321 (proven)",
    )
    (text,) = scene.crm.texts()
    # Of the four, HubSpot alone takes HTML.
    markup = "&lt;b&gt;Olá&lt;/b&gt; &amp; tchau"
    assert (markup if scene.provider == "hubspot" else "<b>Olá</b> & tchau") in text
    assert scene.shown() == scene.truth()


def test_a_redelivery_adds_nothing(scene: CrmScene) -> None:
    made = scene.happen(interaction("1", PHONE))
    for again in (*made, *made):
        scene.deliver(again)
    assert len(scene.views()) == len(scene.crm.texts()) == 1


#: What docs/crm.md says that an activity of a known customer costs, and a merge.
CALLS = {"hubspot": (2, 7), "salesforce": (2, 7), "rd_station": (4, 12), "webhook": (2, 3)}


def test_calls_are_counted(scene: CrmScene) -> None:
    for n, identifier in enumerate((PHONE, EMAIL)):
        scene.happen(interaction(str(n), identifier, at=f"2026-11-20T1{n}:00:00.000Z"))
    scene.deliver_all()
    scene.crm.calls.clear()
    scene.happen(interaction("2", PHONE, at="2026-11-20T13:00:00.000Z"))
    scene.deliver_all()
    activity = len(scene.crm.calls)
    scene.crm.calls.clear()
    scene.same(PHONE, EMAIL)
    scene.deliver_all()
    assert (activity, len(scene.crm.calls)) == CALLS[scene.provider]


def test_behaviour_does_not_bury_the_history(scene: CrmScene) -> None:
    scene.happen(interaction("1", ("anonymous_id:site", "x"), type_="page.viewed"))
    scene.deliver_all()
    assert scene.crm.calls == []


def test_a_name_is_taken_from_proven_contacts_only(scene: CrmScene) -> None:
    scene.happen(interaction("1", (*EMAIL, "stated"), traits={"name": "Outra Pessoa"}))
    scene.deliver_all()
    assert scene.view(one(scene, EMAIL)).name == ""


def merge_two(scene: CrmScene) -> CrmScene:
    scene.happen(interaction("1", PHONE))
    scene.happen(interaction("2", EMAIL, at="2026-11-20T13:00:00.000Z"))
    scene.happen(interaction("3", EMAIL, at="2026-11-20T14:00:00.000Z"))
    scene.deliver_all()
    scene.same(PHONE, EMAIL)
    return scene


def test_a_merge_is_followed(scene: CrmScene) -> None:
    merge_two(scene)
    assert len(scene.views()) == 2
    scene.deliver_all()
    (view,) = scene.views()
    assert scene.shown() == scene.truth()
    assert len(view.activities) == 3
    assert (view.email, view.phone) == (EMAIL[1], PHONE[1])


def test_a_merge_that_is_delivered_again_merges_nothing_more(scene: CrmScene) -> None:
    merge_two(scene)
    (merged,) = list(scene.waiting)
    scene.deliver_all()
    before = scene.views()
    scene.deliver(merged)
    assert scene.views() == before


def test_a_split_gives_each_its_own_contact_and_history_back(scene: CrmScene) -> None:
    merge_two(scene)
    scene.deliver_all()
    scene.withdraw(scene.decisions[0])
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    assert len(scene.views()) == 2
    phone, email = scene.view(one(scene, PHONE)), scene.view(one(scene, EMAIL))
    assert (phone.phone, phone.email) == (PHONE[1], "")
    assert email.phone == ""
    # HubSpot may keep the merged e-mail on the survivor; it stays legible as an identifier.
    assert email.email == EMAIL[1] or scene.provider == "hubspot"
    assert "email joao@example.com (proven)" in email.identifiers


def shown_contacts(scene: CrmScene) -> dict[str, View]:
    """Each customer's contact as an agent reads it; the CRM's own ids may change."""
    return {view.customer_id: view for view in scene.views()}


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
def test_a_decision_and_its_end_leave_the_crm_as_it_was(scene: CrmScene, order: str) -> None:
    """Decide, let the CRM follow, withdraw, let it follow: every contact, address and note."""
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


def test_a_decision_that_waits_does_nothing_in_the_crm_until_it_is_approved(
    scene: CrmScene,
) -> None:
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


def test_after_a_split_new_activities_go_to_their_own(scene: CrmScene) -> None:
    merge_two(scene)
    scene.deliver_all()
    scene.withdraw(scene.decisions[0])
    scene.deliver_all()
    scene.happen(interaction("9", EMAIL, at="2026-11-21T14:00:00.000Z"))
    scene.deliver_all()
    assert scene.shown() == scene.truth()


def test_a_merge_that_arrives_after_its_split_is_not_carried_out(scene: CrmScene) -> None:
    merge_two(scene)
    (merged,) = list(scene.waiting)
    (split,) = scene.withdraw(scene.decisions[0])
    assert scene.deliver(split) and scene.deliver(merged)
    assert len(scene.views()) == 2
    assert scene.shown() == scene.truth()
    assert not any("merge" in path or "Soap" in path for _, path in scene.crm.calls)


def test_a_merge_that_arrives_before_anything_else(scene: CrmScene) -> None:
    scene.happen(interaction("1", PHONE))
    scene.happen(interaction("2", EMAIL, at="2026-11-20T13:00:00.000Z"))
    (merged,) = scene.same(PHONE, EMAIL)
    assert scene.deliver(merged)
    scene.deliver_all()
    assert len(scene.views()) == 1
    assert scene.shown() == scene.truth()


WRITES_ACTIVITY: dict[str, Callable[[str, int], bool]] = {
    "hubspot": lambda path, nth: path.endswith("notes/batch/upsert"),
    "salesforce": lambda path, nth: "/sobjects/Task/" in path,
    "rd_station": lambda path, nth: path.endswith("/notes"),
    "webhook": lambda path, nth: nth == 2,
}


def test_a_customer_that_merges_while_its_activity_is_written(scene: CrmScene) -> None:
    scene.happen(interaction("1", PHONE))
    scene.deliver_all()
    (recorded, *_) = scene.happen(interaction("2", EMAIL, at="2026-11-20T13:00:00.000Z"))
    done = []
    calls_before = len(scene.crm.calls)

    def meanwhile(path: str) -> None:
        # The contact is written; its activity is being written.
        if WRITES_ACTIVITY[scene.provider](path, len(scene.crm.calls) - calls_before) and not done:
            done.append(1)
            scene.deliver(scene.same(PHONE, EMAIL)[0])

    scene.crm.between = meanwhile
    scene.deliver(recorded)
    assert done
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    assert len(scene.views()) == 1


@pytest.mark.parametrize("step", range(12))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_merge_and_split_survive_a_failure_at_every_call(
    scene: CrmScene, step: int, when: str
) -> None:
    merge_two(scene)
    scene.crm.faults = [("", None)] * step + [(when, LOST)] * 3
    scene.deliver_all()
    scene.crm.faults = [("", None)] * step + [(when, LOST)] * 3
    scene.withdraw(scene.decisions[0])
    scene.deliver_all()
    scene.crm.faults = []
    assert scene.shown() == scene.truth()
    assert len(scene.views()) == 2


def test_a_long_split_goes_on_where_it_stopped(scene: CrmScene) -> None:
    scene.happen(interaction("p", PHONE))
    for n in range(250):
        at = f"2026-11-20T13:{n // 60:02d}:{n % 60:02d}.000Z"
        scene.happen(interaction(str(n), EMAIL, at=at))
    scene.same(PHONE, EMAIL)
    scene.deliver_all()
    (split,) = scene.withdraw(scene.decisions[0])
    turns = iter([True, False])
    scene.follow._settle._time_left = lambda: next(turns)
    with pytest.raises(TemporaryFailure):
        scene.follow(split)
    scene.follow._settle._time_left = lambda: True
    scene.crm.calls.clear()
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    if scene.provider == "hubspot":
        reads = [path for _, path in scene.crm.calls if path.endswith("batch/read")]
        assert len(reads) == 2


def test_a_contact_deleted_by_hand_is_made_again(scene: CrmScene) -> None:
    scene.happen(interaction("1", PHONE))
    scene.deliver_all()
    if scene.provider == "webhook":
        pytest.skip("a receiver says nothing of what it lost")
    scene.crm.lose_contacts()
    scene.happen(interaction("2", PHONE, at="2026-11-20T13:00:00.000Z"))
    scene.deliver_all()
    assert len(scene.views()) == 1


def test_a_contact_made_by_hand_keeps_its_email(scene: CrmScene) -> None:
    if scene.provider == "webhook":
        pytest.skip("a receiver says nothing of what it has")
    scene.crm.make_by_hand(EMAIL[1])
    scene.happen(interaction("1", EMAIL))
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    view = scene.view(one(scene, EMAIL))
    assert view.email == ""
    assert view.identifiers == ("email joao@example.com (proven)",)


def test_a_malformed_event_is_poison(scene: CrmScene) -> None:
    with pytest.raises(InvalidPayload):
        scene.follow(event("customer.merged", {"customer_id": "x"}))
    assert scene.follow(event("customer.created", {})).startswith("nothing")


LOST = urllib3.exceptions.ReadTimeoutError(None, "", "timeout")  # type: ignore[arg-type]


def some_interaction(chance: random.Random, number: int) -> Interaction:
    point, *others = chance.sample(POOL, chance.randint(1, 3))
    levels = [chance.choice(["proven", "stated", "imported"]) for _ in range(3)]
    at = f"2026-11-{chance.randint(1, 20):02d}T12:00:00.000Z"
    named = [(*i, level) for i, level in zip([point, *others], levels, strict=False)]
    return interaction(str(number), *named, at=at)


# 208: a merge brings activities back to a contact that keeps its id, and an old split comes again.
@pytest.mark.parametrize("seed", [*range(60), 208])
def test_any_order_repetition_and_failure_ends_right(
    scene: CrmScene, seed: int, ids_in_order: None
) -> None:
    """Identity steps and deliveries interleaved at random, with lost answers in between."""
    chance = random.Random(seed)
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
            scene.crm.faults += [("", None)] * chance.randint(0, 4) + [(when, LOST)] * 3
    scene.crm.faults = []
    chance.shuffle(scene.waiting)
    scene.deliver_all()
    assert scene.shown() == scene.truth()
    # No contact is left of customers that exist no more.
    alive = {record.customer_id for record in scene.store.records.values()}
    assert {view.customer_id for view in scene.views()} <= alive


def test_errors_quote_nobody(scene: CrmScene) -> None:
    (recorded, *_) = scene.happen(interaction("1", EMAIL, data={"text": "segredo"}))
    scene.crm.faults = [("before", 400)]
    with pytest.raises(EnlaceError) as caught:
        scene.follow(recorded)
    assert "joao" not in str(caught.value) and "segredo" not in str(caught.value)
