"""What a decision would change, told before it is made; and nothing is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.api import conciliation_models
from enlace.domain.consent import AddressConsent, ConsentRecord
from enlace.domain.interaction import Identifier, Interaction
from enlace.errors import InvalidDecision, NotFound
from enlace.rules import default_rules
from enlace.usecases.consent_ports import StoredConsent
from enlace.usecases.find_customer import one_by_one
from enlace.usecases.preview import MAX_INTERACTIONS, Preview
from tests.stores.builders import CPFS, KEYS, TODAY, conciliator, interaction
from tests.stores.laws import events, snapshot
from tests.unit.api.world import World

PHONE, EMAIL, CPF = ("phone", "+5511987654321"), ("email", "joao@example.com"), ("cpf", CPFS[0])
OTHER = ("cpf", CPFS[1])


def preview(world: World, decision: str, a: Any, b: Any, **fields: Any) -> dict[str, Any]:
    use_case = Preview(
        world.store,
        KEYS,
        world.rules,
        world.history,
        now=lambda: f"{TODAY}T12:00:00.000Z",
        parallel=one_by_one,
        consents=world.consents,
    )
    before = snapshot(world.store)
    told = use_case.of(decision, Identifier(*a[:2]), Identifier(*b[:2]), **fields)
    assert snapshot(world.store) == before and world.store.entries == {}
    conciliation_models.ConciliationPreview.model_validate(told)
    return told


def names(identifiers: list[dict[str, str]]) -> set[str]:
    return {one["value"] for one in identifiers}


def test_a_merge_with_what_it_touches() -> None:
    world = World()
    complaint = interaction("3", EMAIL, type_="complaint.opened", at="2026-11-03T12:00:00.000Z")
    world.record(
        interaction("1", PHONE, CPF, at="2026-11-01T12:00:00.000Z"),
        interaction("2", EMAIL, at="2026-11-02T12:00:00.000Z"),
        complaint,
    )
    world.open_case(complaint, "2026110300000001")
    said = ConsentRecord(
        "c-1", "marketing", "email", "denied", "subject", *["2026-11-02T12:00:00.000Z"] * 2
    )
    key = world.finder.key_of(Identifier(*EMAIL))
    consent = AddressConsent().with_record(said)
    world.consents.states_by_key[key] = StoredConsent(consent, "etag", "hash")
    told = preview(world, "same", PHONE, EMAIL)
    assert told["changes"] and told["refused"] is None and told["refusal"] is None
    assert sorted(len(one["identifiers"]) for one in told["before"]) == [1, 2]
    (joined,) = told["after"]
    assert names(joined["identifiers"]) == {PHONE[1], EMAIL[1], CPF[1]}
    assert told["touches"] == {
        "interactions": {"count": 3, "at_least": False},
        "open_protocols": ["2026110300000001"],
        "consents": 1,
    }
    # A word that nobody checked joins for the company's eyes only.
    assert told["proven_circle"] == []
    assert told["approval"] == {"needed": False, "above_identifiers": None}


def test_a_verified_one_widens_what_may_be_disclosed_and_says_to_what() -> None:
    world = World()
    world.record(interaction("1", PHONE, ("user_id", "u-1", "proven")), interaction("2", EMAIL))
    circles = preview(world, "same", PHONE, EMAIL, verified=True)["proven_circle"]
    by_kind = {circle["of"]["kind"]: circle for circle in circles}
    assert all(circle["widens"] for circle in circles)
    assert names(by_kind["phone"]["before"]) == {PHONE[1], "u-1"}
    assert names(by_kind["email"]["before"]) == {EMAIL[1]}
    for circle in circles:
        assert names(circle["after"]) == {PHONE[1], "u-1", EMAIL[1]}


def test_a_split_and_the_circle_that_it_narrows() -> None:
    world = World()
    world.record(interaction("1", PHONE, (*EMAIL, "proven")))
    told = preview(world, "different", PHONE, EMAIL)
    assert (len(told["before"]), len(told["after"])) == (1, 2)
    assert told["refused"] is None
    assert [circle["widens"] for circle in told["proven_circle"]] == [False, False]
    assert told["touches"]["interactions"] == {"count": 1, "at_least": False}


def test_a_limit_that_would_refuse_it_names_what_fills_it() -> None:
    world = World()
    world.record(interaction("1", PHONE, CPF), interaction("2", EMAIL, OTHER))
    told = preview(world, "same", CPF, OTHER)
    assert (told["changes"], told["refused"]) == (False, "limit:cpf")
    assert told["refusal"]["limit"] == 1
    assert names(told["refusal"]["identifiers"]) == {CPF[1], OTHER[1]}
    assert told["before"] == told["after"]
    assert told["touches"]["interactions"]["count"] == 0


def test_a_denial_that_would_refuse_it_is_named() -> None:
    world = World()
    world.record(interaction("1", PHONE), interaction("2", EMAIL))
    a, b = Identifier(*PHONE), Identifier(*EMAIL)
    apart = conciliator(world.store).decide("different", a, b, operator="ana", reason="two")
    world.store.entries.clear()
    told = preview(world, "same", PHONE, EMAIL)
    assert (told["refused"], told["refusal"]["decisions"]) == ("different", [apart.id])


def test_an_identifier_that_is_nobodys_is_named() -> None:
    world = World()
    sac = ("email", "sac@example.com")
    world.record(interaction("1", PHONE), interaction("2", sac))
    told = preview(world, "same", PHONE, sac)
    assert (told["refused"], names(told["refusal"]["identifiers"])) == ("blocked", {sac[1]})


def test_evidence_that_it_would_overrule_is_told_by_the_way() -> None:
    """A decision goes before evidence, so it can take a limited place from it."""
    world = World()
    world.record(interaction("1", PHONE, CPF), interaction("2", OTHER))
    told = preview(world, "same", PHONE, OTHER)
    (edge,) = told["by_the_way"]
    assert names(edge["between"]) == {PHONE[1], CPF[1]}
    assert (edge["becomes"], edge["reason"]) == ("refused", "limit:cpf")
    assert {frozenset(names(one["identifiers"])) for one in told["after"]} == {
        frozenset({PHONE[1], OTHER[1]}),
        frozenset({CPF[1]}),
    }


def test_more_interactions_than_are_counted() -> None:
    world = World()
    made = [
        interaction(str(n), PHONE, at=f"2026-11-01T12:00:{n:02d}.000Z")
        for n in range(MAX_INTERACTIONS + 3)
    ]
    world.record(*made, interaction("e", EMAIL))
    told = preview(world, "same", PHONE, EMAIL)
    assert told["touches"]["interactions"] == {"count": MAX_INTERACTIONS + 1, "at_least": True}


def test_whether_another_operator_has_to_agree() -> None:
    world = World(rules=replace(default_rules(), approval_above=2))
    world.record(interaction("1", PHONE, CPF), interaction("2", EMAIL), interaction("3", OTHER))
    assert preview(world, "same", PHONE, EMAIL)["approval"]["needed"]
    assert not preview(world, "different", PHONE, EMAIL)["approval"]["needed"]
    assert not preview(world, "same", EMAIL, OTHER)["approval"]["needed"]
    assert not preview(world, "same", PHONE, CPF)["approval"]["needed"]


def test_what_was_never_seen_and_what_makes_no_sense() -> None:
    world = World()
    world.record(interaction("1", PHONE))
    with pytest.raises(NotFound):
        preview(world, "same", PHONE, EMAIL)
    with pytest.raises(InvalidDecision):
        preview(world, "same", PHONE, PHONE)


@settings(max_examples=60, deadline=None)
@given(events(min_size=2), st.data())
def test_a_preview_is_what_the_decision_then_does(
    made: list[Interaction], data: st.DataObject
) -> None:
    world = World()
    world.record(*made)
    records = sorted(world.store.records.values(), key=lambda record: record.value)
    a, b = data.draw(st.sampled_from(records)), data.draw(st.sampled_from(records))
    if a is b:
        return
    decision = data.draw(st.sampled_from(["same", "different"]))
    told = preview(world, decision, (a.kind, a.raw), (b.kind, b.raw))
    decided = conciliator(world.store).decide(
        decision, Identifier(a.kind, a.raw), Identifier(b.kind, b.raw), operator="ana", reason="r"
    )
    assert decided.refused == told["refused"]
    assert told["changes"] == bool(
        [effect for effect in decided.effects if effect["effect"] in ("merged", "split")]
    )
    after = {
        (one["kind"], one["value"]): customer["customer_id"]
        for customer in told["after"]
        for one in customer["identifiers"]
    }
    now = {(r.kind, r.value): r.customer_id for r in world.store.records.values()}
    assert {name: now[name] for name in after} == after
    # Whoever is not shown is where they were.
    was = {record.key: record.customer_id for record in records}
    for record in world.store.records.values():
        if (record.kind, record.value) not in after:
            assert record.customer_id == was[record.key]
