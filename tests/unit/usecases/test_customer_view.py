"""The 360° view."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from enlace.api import customer_models
from enlace.domain.interaction import Identifier, Interaction
from enlace.rules import default_rules
from enlace.usecases.customer_view import NEWEST
from enlace.usecases.purchases_view import combined_purchases
from enlace.usecases.view_contacts import MAX_TEXT
from enlace.usecases.view_identifiers import MAX_SOURCES
from tests.stores.builders import CPFS, TODAY, conciliator, interaction, order
from tests.stores.laws import events
from tests.unit.api.world import World

PHONE, EMAIL, CPF = (
    ("phone", "+5511987654321"),
    ("email", "joao@example.com"),
    ("cpf", CPFS[0]),
)


def view(world: World, identifier: tuple[str, str]) -> dict[str, Any]:
    return world.views.view(world.asked(*identifier))


def by_kind(shown: dict[str, Any]) -> dict[str, Any]:
    return {identifier["kind"]: identifier for identifier in shown["identifiers"]}


def test_each_identifier_says_how_surely_and_by_which_event_it_belongs() -> None:
    world = World()
    told = interaction("1", PHONE, EMAIL, CPF)
    world.record(told)
    shown = by_kind(view(world, CPF))
    assert {kind: i["level"] for kind, i in shown.items()} == {
        "phone": "proven",
        "email": "stated",
        "cpf": "stated",
    }
    assert shown["email"]["sources"] == [
        {
            "level": "stated",
            "event_id": told.id,
            "channel": "generic",
            "first_seen": "2026-11-20T12:00:00.000Z",
            "last_seen": "2026-11-20",
            "with": {"kind": "phone", "value": "+5511987654321"},
        }
    ]
    assert len({i["circle"] for i in shown.values()}) == 3


def test_whoever_states_a_victims_email_stands_in_its_view_as_stated() -> None:
    world = World()
    stranger = ("phone", "+5511912345678")
    world.record(
        interaction("1", stranger, EMAIL, at="2026-11-01T12:00:00.000Z"),
        interaction("2", EMAIL, ("user_id", "7", "proven"), at="2026-11-02T12:00:00.000Z"),
    )
    shown = by_kind(view(world, EMAIL))
    assert shown["phone"]["level"] == "stated"
    assert shown["email"]["level"] == shown["user_id"]["level"] == "proven"
    assert shown["email"]["circle"] == shown["user_id"]["circle"] != shown["phone"]["circle"]


def test_a_verified_decision_is_a_source_and_widens_the_circle() -> None:
    world = World()
    world.record(interaction("1", PHONE), interaction("2", EMAIL))
    made = conciliator(world.store).decide(
        "same", Identifier(*PHONE), Identifier(*EMAIL), operator="7", reason="id", verified=True
    )
    shown = by_kind(view(world, PHONE))
    assert shown["email"]["circle"] == shown["phone"]["circle"]
    (source,) = shown["email"]["sources"]
    assert source["conciliation_id"] == made.id
    assert source["verified"] is True


def test_a_proven_trait_survives_a_stated_one_and_both_are_kept() -> None:
    world = World()
    world.record(
        interaction("1", PHONE, EMAIL, traits={"name": "João da Silva"}),
        interaction("2", (*EMAIL, "stated"), at="2026-11-21T12:00:00.000Z", traits={"name": "J"}),
    )
    trait = view(world, PHONE)["traits"]["name"]
    assert (trait["value"], trait["level"], trait["others"]) == ("João da Silva", "proven", ["J"])
    assert trait["rule"] == "level"
    assert trait["contact_point"] == {"kind": "phone", "value": PHONE[1]}


def test_the_latest_of_equally_sure_traits_survives() -> None:
    world = World()
    world.record(
        interaction("1", PHONE, EMAIL, traits={"city": "Santos"}),
        interaction("2", EMAIL, at="2026-11-21T12:00:00.000Z", traits={"city": "Recife"}),
    )
    city = view(world, PHONE)["traits"]["city"]
    assert (city["value"], city["rule"], city["others"]) == ("Recife", "recency", ["Santos"])


def test_a_channel_that_the_rules_rank_goes_before_levels_and_days() -> None:
    world = World(rules=replace(default_rules(), trait_sources={"erp": 1, "crm": 2}))
    world.record(
        interaction("1", PHONE, EMAIL, traits={"name": "Jô"}, channel="whatsapp"),
        interaction("2", (*EMAIL, "imported"), traits={"name": "João da Silva"}, channel="crm"),
    )
    name = view(world, PHONE)["traits"]["name"]
    assert (name["value"], name["rule"], name["channel"]) == ("João da Silva", "source", "crm")
    world.record(interaction("3", (*EMAIL, "imported"), traits={"name": "João S."}, channel="erp"))
    assert view(world, PHONE)["traits"]["name"]["value"] == "João S."
    assert world.context.of(world.asked(*PHONE), "agent")["name"] == "João S."


def test_what_all_sources_agree_on_has_no_rival() -> None:
    world = World()
    world.record(
        interaction("1", PHONE, EMAIL, traits={"city": "Santos"}),
        interaction("2", EMAIL, traits={"city": "Santos"}),
    )
    assert view(world, PHONE)["traits"]["city"]["rule"] == "only"


def test_no_source_lets_an_unproven_trait_out_to_the_customer() -> None:
    world = World(rules=replace(default_rules(), trait_sources={"crm": 1}))
    world.record(
        interaction("1", PHONE, (*EMAIL, "proven"), traits={"name": "João"}, channel="whatsapp"),
        interaction("2", (*EMAIL, "imported"), traits={"name": "Segredo"}, channel="crm"),
    )
    assert world.context.of(world.asked(*PHONE), "customer")["name"] == "João"


def test_purchases_are_summed_over_contact_points() -> None:
    world = World()
    world.record(
        interaction("1", PHONE, EMAIL),
        order("o1", PHONE, 1000, at="2026-11-10T12:00:00.000Z"),
        order("o2", EMAIL, 250, at="2026-11-12T12:00:00.000Z"),
    )
    assert view(world, PHONE)["purchases"] == {
        "orders": 2,
        "value": [{"currency": "BRL", "orders": 2, "amount": 1250}],
        "last_at": "2026-11-12T12:00:00.000Z",
        "recency_days": 10,
        "ltv": [{"currency": "BRL", "amount": 1250, "average_order": 625}],
        "rfv": None,
    }


def test_currencies_are_not_added_up_and_cancelled_orders_leave_nothing() -> None:
    totals: list[dict[str, Any]] = [
        {"BRL": {"orders": 1, "amount_minor": 5}, "last_at": "2026-11-30T00:00:00.000Z"},
        {"EUR": {"orders": 2, "amount_minor": 7}, "USD": {"orders": 0, "amount_minor": 0}},
    ]
    summed = combined_purchases(totals, TODAY)
    assert summed["orders"] == 3
    assert [entry["currency"] for entry in summed["value"]] == ["BRL", "EUR"]
    assert summed["recency_days"] == 0


def test_open_protocols_come_from_every_contact_point_newest_first() -> None:
    world = World()
    first, second = interaction("1", PHONE, EMAIL), interaction("2", EMAIL)
    world.record(first, second)
    world.open_case(first, "20261120111111119")
    world.open_case(second, "20261120222222229")
    shown = view(world, PHONE)["open_protocols"]
    assert [case["protocol"] for case in shown] == ["20261120222222229", "20261120111111119"]
    assert shown[0]["contact_point"] == {"kind": "email", "value": EMAIL[1]}


def test_counts_per_channel_say_when_they_are_bounded() -> None:
    world = World()
    world.record(interaction("0", PHONE, channel="whatsapp"))
    assert view(world, PHONE)["channels"]["complete"] is True
    world.record(*(interaction(str(n), PHONE, channel="sms") for n in range(1, NEWEST + 10)))
    channels = view(world, PHONE)["channels"]
    assert channels["complete"] is False
    assert sum(channels["counts"].values()) == NEWEST == channels["newest_per_contact_point"]


def test_a_refused_edge_is_a_candidate_with_the_rule_that_refused_it() -> None:
    world = World()
    world.record(
        interaction("1", PHONE, (*CPF, "proven")), interaction("2", PHONE, ("cpf", CPFS[1]))
    )
    (candidate,) = view(world, PHONE)["candidates"]
    assert candidate["a"] == {"kind": "phone", "value": PHONE[1]}
    assert candidate["b"] == {"kind": "cpf", "value": CPFS[1]}
    assert (candidate["reason"], candidate["level"]) == ("limit:cpf", "stated")
    assert candidate["customer_id"] == world.customer("cpf", CPFS[1]).id


def test_campaigns_that_reached_the_customer_are_listed() -> None:
    world = World()
    sent = {"campaign_id": "natal", "medium": "sms", "cost": 7}
    world.record(interaction("1", PHONE, type_="campaign.sent", direction="outbound", data=sent))
    (campaign,) = view(world, PHONE)["campaigns"]
    assert campaign["campaign_id"] == "natal"
    assert "cost" not in campaign


def test_marketing_contacts_are_counted_by_medium_and_listed_newest_first() -> None:
    world = World()
    out: dict[str, Any] = {"direction": "outbound"}
    natal = {"campaign_id": "natal", "medium": "print", "subject": "Natal", "message": "Oi"}
    world.record(
        interaction("1", PHONE, EMAIL),
        interaction("2", PHONE, type_="campaign.sent", data=natal | {"period": "2026-12"}, **out),
        interaction(
            "3",
            EMAIL,
            type_="message.sent",
            channel="email",
            at="2026-11-21T12:00:00.000Z",
            data={"purpose": "marketing", "subject": "Oferta"},
            **out,
        ),
        interaction("4", EMAIL, type_="message.sent", data={"purpose": "transactional"}, **out),
    )
    marketing = view(world, PHONE)["marketing"]
    assert marketing["counts"] == {"email": 1, "print": 1}
    assert marketing["complete"] is True
    assert [contact["subject"] for contact in marketing["newest"]] == ["Oferta", "Natal"]
    assert marketing["newest"][1]["period"] == "2026-12"


def test_service_contacts_have_their_nature_and_protocol() -> None:
    world = World()
    complaint = interaction("1", PHONE, EMAIL, type_="complaint.opened", data={"text": "x" * 999})
    world.record(
        complaint,
        interaction(
            "2",
            EMAIL,
            at="2026-11-21T12:00:00.000Z",
            data={"nature": "praise", "text": "obrigado"},
            conversation={"protocol": "20261121333333339"},
        ),
        interaction("3", EMAIL, data={"nature": "another system's word"}),
    )
    world.open_case(complaint, "20261120111111119")
    service = view(world, PHONE)["service"]
    assert service["counts"] == {"complaint": 1, "praise": 1}
    assert [contact["nature"] for contact in service["newest"]] == ["praise", "complaint"]
    assert [c["protocol"] for c in service["newest"]] == ["20261121333333339", "20261120111111119"]
    assert service["newest"][0]["contact_point"] == {"kind": "email", "value": EMAIL[1]}
    assert len(service["newest"][1]["text"]) == MAX_TEXT


def test_sources_are_bounded() -> None:
    world = World()
    for n in range(MAX_SOURCES + 3):
        world.record(interaction(str(n), PHONE, (f"record:file{n}", "1")))
    assert len(by_kind(view(world, PHONE))["phone"]["sources"]) == MAX_SOURCES


@settings(max_examples=60, deadline=None)
@given(events())
def test_every_customer_has_a_view_that_keeps_to_its_schema(made: list[Interaction]) -> None:
    world = World()
    world.record(*made)
    for record in world.store.records.values():
        shown = view(world, (record.kind, record.value))
        customer_models.Customer.model_validate(shown)
        assert shown["customer_id"] == record.customer_id
        own = {r.key for r in world.store.records.values() if r.customer_id == record.customer_id}
        assert len(shown["identifiers"]) == len(own)
