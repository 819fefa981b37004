"""The context of a contact: small, and never more than the asker may know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.api import customer_models
from enlace.domain.interaction import Identifier, Interaction
from enlace.usecases.context import MAX_BYTES
from tests.stores.builders import CPFS, conciliator, interaction, order
from tests.stores.laws import events
from tests.unit.api.world import World

PHONE, EMAIL, CPF = (
    ("phone", "+5511987654321"),
    ("email", "vitima@example.com"),
    ("cpf", CPFS[0]),
)
STRANGER = [("phone", "+5511912345678"), ("messenger:page", "psid-9"), ("email", "eu@example.com")]

#: The victim's own contacts: proven by the channels that they came through.
VICTIM = (
    interaction(
        "v1",
        EMAIL,
        ("user_id", "victims-login", "proven"),
        CPF,
        at="2026-11-03T12:00:00.000Z",
        traits={"name": "Vítima Verdadeira", "city": "Ouro Preto"},
        data={"text": "my secret question"},
    ),
    interaction("v2", PHONE, (*EMAIL, "proven"), CPF, at="2026-11-04T12:00:00.000Z"),
    order("victims-order", EMAIL, 987654, at="2026-11-05T12:00:00.000Z"),
    interaction("v3", PHONE, type_="complaint.opened", at="2026-11-06T12:00:00.000Z"),
)
SECRETS = (
    EMAIL[1],
    CPF[1],
    PHONE[1],
    "victims-login",
    "Vítima",
    "Ouro Preto",
    "secret question",
    "victims-order",
    "987654",
    "20261106000000000",
)


def context(world: World, identifier: tuple[str, str], audience: str) -> dict[str, Any]:
    return world.context.of(world.asked(*identifier), audience)


def claims() -> list[Interaction]:
    """A stranger states what is the victim's, on every channel that they have."""
    stated = [EMAIL, CPF, PHONE, ("user_id", "victims-login")]
    return [
        interaction(
            f"s{n}",
            point,
            *stated,
            at=f"2026-11-{2 + 4 * n:02d}T12:00:00.000Z",
            traits={"name": "Estranho"},
        )
        for n, point in enumerate(STRANGER)
    ] + [
        # A form takes any address for its own contact point.
        interaction(
            "form",
            (*EMAIL, "stated"),
            (*STRANGER[0], "stated"),
            traits={"name": "Mentira", "language": "tlh"},
        ),
        interaction("import", (*CPF, "imported"), (*STRANGER[1], "imported")),
    ]


@settings(max_examples=100, deadline=None)
@given(st.permutations([*VICTIM, *claims()]))
def test_stating_a_victims_identifiers_discloses_nothing_of_the_victim(
    order_of_arrival: Sequence[Interaction],
) -> None:
    world = World()
    world.record(*order_of_arrival, *VICTIM)
    world.open_case(VICTIM[3], "20261106000000000")
    for point in STRANGER:
        told = context(world, point, "customer")
        text = json.dumps(told, ensure_ascii=False)
        assert [secret for secret in SECRETS if secret in text] == []
        assert [i["value"] for i in told["identifiers"]] == [point[1]]
        assert told["purchases"]["orders"] == 0
        assert told["flags"] == []
        assert told["customer_id"] == world.customer(*point).asked.birth


@settings(max_examples=60, deadline=None)
@given(st.permutations([*VICTIM, *claims()]))
def test_the_victim_gets_their_own_and_nothing_of_the_stranger(
    order_of_arrival: Sequence[Interaction],
) -> None:
    world = World()
    world.record(*order_of_arrival)
    world.open_case(VICTIM[3], "20261106000000000")
    told = context(world, EMAIL, "customer")
    assert {i["value"] for i in told["identifiers"]} == {EMAIL[1], PHONE[1], "victims-login"}
    assert told["name"] == "Vítima Verdadeira"
    assert told["last_purchase"]["order_id"] == "victims-order"
    assert [case["protocol"] for case in told["open_protocols"]] == ["20261106000000000"]
    text = json.dumps(told, ensure_ascii=False)
    # Quoted: customer ids are random letters, and three of them may be any word.
    strangers = [*(value for _, value in STRANGER), "Estranho", "Mentira", '"tlh"', CPF[1]]
    assert [value for value in strangers if value in text] == []


@settings(max_examples=60, deadline=None)
@given(st.permutations([*VICTIM, *claims()[:1]]))
def test_an_agent_sees_the_claim_as_stated_in_every_order(
    order_of_arrival: Sequence[Interaction],
) -> None:
    world = World()
    world.record(*order_of_arrival)
    told = context(world, EMAIL, "agent")
    levels = {i["value"]: i["level"] for i in told["identifiers"]}
    assert levels[STRANGER[0][1]] == "stated"
    assert levels[PHONE[1]] == levels["victims-login"] == levels[EMAIL[1]] == "proven"
    assert levels[CPF[1]] == "stated"
    assert "has_unproven_identifiers" in told["flags"]
    told = context(world, STRANGER[0], "agent")
    levels = {i["value"]: i["level"] for i in told["identifiers"]}
    assert levels[EMAIL[1]] == levels[PHONE[1]] == "stated"
    assert levels[STRANGER[0][1]] == "proven"
    assert {recent["level"] for recent in told["recent"]} == {"stated", "proven"}


def test_only_a_verified_decision_widens_what_the_customer_may_learn() -> None:
    world = World()
    world.record(interaction("1", PHONE), interaction("2", EMAIL))
    operators, a, b = conciliator(world.store), Identifier(*PHONE), Identifier(*EMAIL)
    believed = operators.decide("same", a, b, operator="7", reason="sounds alike")
    assert len(context(world, PHONE, "customer")["identifiers"]) == 1
    assert len(context(world, PHONE, "agent")["identifiers"]) == 2
    operators.withdraw(believed.id, operator="7")
    operators.decide("same", a, b, operator="7", reason="saw the id card", verified=True)
    assert len(context(world, PHONE, "customer")["identifiers"]) == 2


def test_a_withdrawn_decision_closes_the_circle_again() -> None:
    world = World()
    world.record(interaction("1", PHONE), interaction("2", EMAIL))
    operators, a, b = conciliator(world.store), Identifier(*PHONE), Identifier(*EMAIL)
    before = context(world, PHONE, "customer")
    made = operators.decide("same", a, b, operator="7", reason="id", verified=True)
    operators.withdraw(made.id, operator="7")
    assert context(world, PHONE, "customer") == before


@settings(max_examples=30, deadline=None)
@given(events())
def test_a_circle_holds_only_what_proven_evidence_reaches(made: list[Interaction]) -> None:
    world = World()
    world.record(*made)
    reached: dict[str, set[str]] = {key: {key} for key in world.store.records}
    for component in world.store.components.values():
        for (a, b), edge in component.edges.items():
            if edge.level == "proven" and a in reached and b in reached:
                joined = reached[a] | reached[b]
                for key in joined:
                    reached[key] = joined
    for key, record in world.store.records.items():
        told = context(world, (record.kind, record.value), "customer")
        customer_models.Context.model_validate(told)
        shown = {
            world.finder.key_of(Identifier(i["kind"], i["value"])) for i in told["identifiers"]
        }
        assert key in shown
        assert shown <= reached[key]
        for recent in told["recent"]:
            assert "level" not in recent


def test_an_order_of_the_companys_own_system_is_told_to_its_address() -> None:
    world = World()
    own = order("o1", (*EMAIL, "stated"), 500, channel="shop")
    later = "2026-11-21T12:00:00.000Z"
    anyones = order("o2", (*EMAIL, "stated"), 700, channel="segment", at=later)
    world.record(own, anyones)
    told = context(world, EMAIL, "customer")
    assert told["last_purchase"]["order_id"] == "o1"
    assert [recent["type"] for recent in told["recent"]] == ["order.placed"]


def test_the_agents_context_has_who_what_last_and_what_is_open() -> None:
    world = World()
    contacts = [
        interaction(
            str(n),
            PHONE,
            EMAIL,
            at=f"2026-11-0{n}T12:00:00.000Z",
            data={"text": f"message {n}"},
            traits={"name": "João", "locale": "pt_BR"},
        )
        for n in range(1, 8)
    ]
    world.record(*contacts, order("o1", EMAIL, 500, at="2026-11-08T12:00:00.000Z"))
    world.open_case(contacts[0], "20261101111111119")
    told = context(world, PHONE, "agent")
    assert told["customer_id"] == world.customer(*PHONE).id
    assert (told["name"], told["language"]) == ("João", "pt-BR")
    assert [recent.get("text") for recent in told["recent"]] == [
        None,
        *(f"message {n}" for n in (7, 6, 5, 4)),
    ]
    assert told["open_protocols"][0]["protocol"] == "20261101111111119"
    assert told["last_purchase"]["value"] == {"amount": 500, "currency": "BRL"}
    assert told["purchases"]["recency_days"] == 14


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 30),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=200, max_size=500),
    st.sampled_from(["agent", "customer"]),
)
def test_a_context_is_at_most_four_kilobytes(count: int, text: str, audience: str) -> None:
    world = World()
    for n in range(count):
        world.record(
            order(
                str(n),
                ("messenger:page", "😀" * 400),
                n,
                order_id="ó" * 500,
                traits={"name": text, "language": "ção" * 10},
                conversation={"protocol": "😀" * 100},
            ),
            interaction(
                f"m{n}", ("messenger:page", "😀" * 400), (f"record:{'é' * 100}{n}", "é" * 500)
            ),
        )
    told = context(world, ("messenger:page", "😀" * 400), audience)
    customer_models.Context.model_validate(told)
    size = len(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode())
    assert size <= MAX_BYTES


def test_a_shared_contact_point_is_flagged() -> None:
    world = World()
    for n, cpf in enumerate(CPFS[:4]):
        world.record(interaction(str(n), PHONE, ("cpf", cpf)))
    assert "shared_contact_point" in context(world, PHONE, "agent")["flags"]
    assert len(context(world, PHONE, "agent")["identifiers"]) == 1


def test_a_preferred_channel_is_what_they_asked_for_else_what_they_last_used() -> None:
    world = World()
    world.record(
        interaction("1", PHONE, channel="whatsapp"),
        interaction("2", PHONE, channel="sms", direction="outbound", type_="message.sent"),
    )
    assert context(world, PHONE, "agent")["preferred_channel"] == "whatsapp"
    world.record(interaction("3", (*PHONE, "stated"), channel="form"))
    assert context(world, PHONE, "customer")["preferred_channel"] == "whatsapp"
    world.record(interaction("4", PHONE, channel="sms", traits={"preferred_channel": "email"}))
    assert context(world, PHONE, "customer")["preferred_channel"] == "email"


def test_the_last_purchase_is_told_however_much_came_after_it() -> None:
    world = World()
    world.record(order("o1", PHONE, 500, at="2026-11-01T12:00:00.000Z"))
    world.record(*(interaction(str(n), PHONE) for n in range(40)))
    told = context(world, PHONE, "customer")
    assert told["last_purchase"] == {
        "occurred_at": "2026-11-01T12:00:00.000Z",
        "order_id": "o1",
        "value": {"amount": 500, "currency": "BRL"},
        "store": {"kind": "online", "id": "shop"},
    }


def test_a_pending_candidate_is_flagged_to_agents_until_it_is_decided() -> None:
    world = World()
    world.record(interaction("1", PHONE), interaction("2", EMAIL))
    assert context(world, PHONE, "agent")["flags"] == []
    world.candidates.pairs.add((world.asked(*PHONE).key, world.asked(*EMAIL).key))
    assert context(world, PHONE, "agent")["flags"] == ["candidate_pending"]
    assert context(world, PHONE, "customer")["flags"] == []
    operators, a, b = conciliator(world.store), Identifier(*PHONE), Identifier(*EMAIL)
    for decision in ("same", "different"):
        made = operators.decide(decision, a, b, operator="7", reason="r", verified=True)
        assert context(world, PHONE, "agent")["flags"] == []
        operators.withdraw(made.id, operator="7")
    assert context(world, PHONE, "agent")["flags"] == ["candidate_pending"]


def test_an_edge_that_an_operator_can_overrule_is_a_pending_candidate() -> None:
    world = World()
    world.record(interaction("1", PHONE, (*CPF, "proven")))
    assert "candidate_pending" not in context(world, PHONE, "agent")["flags"]
    world.record(interaction("2", PHONE, ("cpf", CPFS[1])))
    assert "candidate_pending" in context(world, PHONE, "agent")["flags"]
