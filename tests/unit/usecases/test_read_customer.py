"""How many round trips a customer takes, and that a stale hint neither adds nor hides anybody."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.interaction import Identifier, Interaction
from enlace.domain.records import CustomerHint
from enlace.usecases.context import NEWEST, Context
from enlace.usecases.customer_view import CustomerView
from enlace.usecases.read_customer import CustomerReader
from enlace.usecases.read_history import Newest, OpenCase
from tests.stores.builders import CPFS, TODAY, conciliator, interaction, order
from tests.stores.laws import events
from tests.unit.api.world import World

PHONE, EMAIL, CPF = (
    ("phone", "+5511987654321"),
    ("email", "joao@example.com"),
    ("cpf", CPFS[0]),
)
STRANGER = ("phone", "+5511912345678")


class Trips:
    """Counts round trips: a read by itself is one, and so are many side by side."""

    def __init__(self, world: World):
        self.world = world
        self.trips = 0
        self.reads = 0
        self._beside = False
        for target in (world.finder._identities, world.history):
            for name in ("get_identifiers", "get_components", "newest", "aggregates", "open_cases"):
                if hasattr(target, name):
                    setattr(target, name, self._counted(getattr(target, name)))
        world.history.get = self._counted(world.history.get)  # type: ignore[method-assign]
        customers = CustomerReader(
            world.finder, world.history, parallel=self.parallel, candidates=world.candidates
        )
        self.context = Context(customers, today=lambda: TODAY)
        self.views = CustomerView(customers, now=lambda: f"{TODAY}T12:00:00.000Z")

    def parallel(self, reads: Sequence[Callable[[], Any]]) -> list[Any]:
        self.trips += 1
        self._beside = True
        try:
            return [read() for read in reads]
        finally:
            self._beside = False

    def _counted(self, read: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.reads += 1
            self.trips += not self._beside
            return read(*arguments, **named)

        return counted

    def of(self, ask: Callable[[], Any]) -> int:
        """Round trips of one question."""
        self.trips = 0
        ask()
        return self.trips


def tell(world: World, *identifiers: tuple[str, str]) -> None:
    """Tell records what their customers look like now."""
    for identifier in identifiers or [(r.kind, r.value) for r in world.store.records.values()]:
        customer = world.customer(*identifier)
        world.store.put_hint(customer.asked.key, CustomerHint(tuple(customer.members)))


def three_contact_points() -> World:
    world = World()
    world.record(
        interaction("1", PHONE, (*EMAIL, "proven"), CPF, at="2026-11-01T12:00:00.000Z"),
        interaction("2", EMAIL, at="2026-11-02T12:00:00.000Z"),
        order("o1", EMAIL, 500, at="2026-11-03T12:00:00.000Z"),
    )
    return world


def test_a_loner_takes_one_trip() -> None:
    world = World()
    world.record(interaction("1", PHONE))
    trips = Trips(world)
    for audience in ("agent", "customer"):
        assert trips.of(lambda a=audience: trips.context.of(world.asked(*PHONE), a)) == 1
    assert trips.of(lambda: trips.views.view(world.asked(*PHONE))) == 1


def test_a_customer_whose_hint_is_fresh_takes_two() -> None:
    world = three_contact_points()
    tell(world)
    trips = Trips(world)
    for audience in ("agent", "customer"):
        assert trips.of(lambda a=audience: trips.context.of(world.asked(*PHONE), a)) == 2
    assert trips.of(lambda: trips.views.view(world.asked(*PHONE))) == 2
    id_ = world.finder.asked_by_id(world.customer(*PHONE).id)
    assert trips.of(lambda: trips.context.of(id_, "agent")) == 2


def test_without_a_hint_or_with_a_stale_one_it_takes_three() -> None:
    world = three_contact_points()
    trips = Trips(world)
    assert trips.of(lambda: trips.context.of(world.asked(*PHONE), "agent")) == 3
    tell(world)
    world.record(interaction("3", EMAIL, ("loyalty", "77")))
    assert trips.of(lambda: trips.context.of(world.asked(*PHONE), "agent")) == 3


def test_cases_that_say_how_they_were_opened_take_no_further_trip() -> None:
    world = three_contact_points()
    tell(world)
    old = interaction("c", EMAIL, type_="complaint.opened", at="2026-10-01T12:00:00.000Z")
    later = [interaction(str(n), EMAIL, at=f"2026-11-1{n}T12:00:00.000Z") for n in range(NEWEST)]
    world.record(old, *later)
    world.open_case(old, "20261001111111119")
    trips = Trips(world)
    told = trips.context.of(world.asked(*PHONE), "customer")
    assert len(told["open_protocols"]) == 1
    assert trips.trips == 3
    world.history.cases = [replace(case, level="proven") for case in world.history.cases]
    assert trips.of(lambda: trips.context.of(world.asked(*PHONE), "customer")) == 2
    world.history.cases = [replace(case, level="stated") for case in world.history.cases]
    assert trips.context.of(world.asked(*PHONE), "customer")["open_protocols"] == []


def test_what_was_bought_is_hidden_with_the_interactions_that_ran_out() -> None:
    world = three_contact_points()
    asked = world.asked(*PHONE)
    customers = CustomerReader(
        world.finder, world.history, parallel=lambda reads: [read() for read in reads]
    )
    bought = customers.read(asked, newest=NEWEST).history.aggregates
    assert any(one.totals for one in bought.values())
    world.history.newest = lambda pk, limit: Newest([], True)  # type: ignore[method-assign]
    hidden = customers.read(asked, newest=NEWEST).history.aggregates
    assert hidden.keys() == bought.keys() and not any(one.totals for one in hidden.values())


def test_trips_and_reads_do_not_grow_with_the_history() -> None:
    counts = []
    for length in (NEWEST, 300):
        world = three_contact_points()
        world.record(*(interaction(f"h{n}", PHONE) for n in range(length)))
        tell(world)
        trips = Trips(world)
        trips.context.of(world.asked(*PHONE), "agent")
        counts.append((trips.trips, trips.reads))
    assert counts[0] == counts[1]


def test_who_was_split_off_is_not_told_though_the_hint_still_names_them() -> None:
    world = World()
    world.record(
        interaction("1", PHONE, EMAIL),
        interaction(
            "2",
            STRANGER,
            traits={"name": "Estranho"},
            data={"nature": "praise", "text": "not yours"},
        ),
        order("theirs", STRANGER, 999),
    )
    world.history.cases.append(
        OpenCase(
            "20261120222222229",
            world.asked(*STRANGER).key,
            interaction("2", STRANGER).id,
            "complaint",
            "2026-11-20T12:00:00.000Z",
            "proven",
        )
    )
    operators, a, b = conciliator(world.store), Identifier(*PHONE), Identifier(*STRANGER)
    made = operators.decide("same", a, b, operator="7", reason="id", verified=True)
    tell(world)
    assert len(world.context.of(world.asked(*PHONE), "customer")["identifiers"]) == 2
    operators.withdraw(made.id, operator="7")
    hint = world.customer(*PHONE).asked.hint
    assert hint is not None
    assert world.asked(*STRANGER).key in hint.members
    answers = [world.context.of(world.asked(*PHONE), who) for who in ("agent", "customer")]
    for answer in (*answers, world.views.view(world.asked(*PHONE))):
        text = json.dumps(answer, ensure_ascii=False)
        seen = ("Estranho", "not yours", "theirs", "999", STRANGER[1], "20261120222222229")
        assert [word for word in seen if word in text] == []


@settings(max_examples=40, deadline=None)
@given(events(), events(max_size=3), st.data())
def test_whatever_the_hints_say_the_answers_are_those_without_hints(
    made: list[Interaction], later: list[Interaction], data: st.DataObject
) -> None:
    world = World()
    world.record(*made)
    tell(world)
    keys = sorted(world.store.records)
    for key in data.draw(st.sets(st.sampled_from(keys))):
        members = tuple(sorted(data.draw(st.sets(st.sampled_from(keys), max_size=4))))
        world.store.put_hint(key, CustomerHint(members))
    world.record(*later)
    answers = []
    for hinted in (True, False):
        if not hinted:
            for key in world.store.records:
                world.store.put_hint(key, None)
        answers.append(
            [
                [
                    world.views.view(world.asked(record.kind, record.value)),
                    world.context.of(world.asked(record.kind, record.value), "agent"),
                    world.context.of(world.asked(record.kind, record.value), "customer"),
                ]
                for record in world.store.records.values()
            ]
        )
    assert answers[0] == answers[1]
