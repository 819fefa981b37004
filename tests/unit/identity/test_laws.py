"""The laws of identity (docs/identity.md), through the real use cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.change import GraphChange, evolve
from enlace.domain.interaction import Identifier, Interaction
from enlace.domain.rules import root
from enlace.errors import NotFound
from enlace.rules import default_rules
from enlace.usecases.ports import PutInteraction, Write
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, TODAY, conciliator, customers, interaction, resolver
from tests.stores.laws import POOL, batched, deliver, events, renamed, snapshot

RULES = default_rules()
MANY = settings(max_examples=60, deadline=None)


class InterleavingStore(MemoryStore):
    """Lets other deliveries happen between a use case's reads and its write."""

    def __init__(self, others: list[Interaction]):
        super().__init__()
        self._others = others

    def commit(self, writes: Sequence[Write]) -> None:
        if self._others:
            other = self._others.pop()
            resolver(self).resolve(other)
        super().commit(writes)


# Law 1


@MANY
@given(st.data())
def test_order_repetition_and_batching_change_nothing(data: st.DataObject) -> None:
    made = data.draw(events())
    in_order, shuffled = MemoryStore(), MemoryStore()
    deliver(in_order, [[item] for item in made])
    deliver(shuffled, batched(data.draw, made))
    assert renamed(shuffled) == renamed(in_order)


@MANY
@given(events(min_size=2), st.data())
def test_concurrent_writers_change_nothing(made: list[Interaction], data: st.DataObject) -> None:
    alone = MemoryStore()
    deliver(alone, [[item] for item in made])
    crowded = InterleavingStore(list(data.draw(st.permutations(made))))
    deliver(crowded, [[item] for item in data.draw(st.permutations(made))])
    assert renamed(crowded) == renamed(alone)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(40)))
def test_a_hub_is_a_hub_in_every_order(order: list[int]) -> None:
    made = [
        interaction(str(n), ("phone", f"+55119876543{n:02d}"), ("email", "everyone@example.com"))
        for n in range(40)
    ]
    in_order, shuffled = MemoryStore(), MemoryStore()
    deliver(in_order, [made])
    deliver(shuffled, [[made[n]] for n in order])
    groups = [set(), set()]
    for store, found in zip((in_order, shuffled), groups, strict=True):
        found.add(len({record.customer_id for record in store.records.values()}))
        assert sum(record.pointer.hub for record in store.records.values()) == 1
        assert all(len(component.nodes) == 1 for component in store.components.values())
    assert groups[0] == groups[1] == {41}


# Law 2


@MANY
@given(events(max_size=25), st.data())
def test_limits_and_denials_hold(made: list[Interaction], data: st.DataObject) -> None:
    store = MemoryStore()
    deliver(store, [made])
    for a, b in data.draw(st.lists(st.tuples(_known(store), _known(store)), max_size=4)):
        if a != b:
            word = data.draw(st.sampled_from(["same", "different"]))
            conciliator(store).decide(word, a, b, operator="op", reason="test")
    members: dict[str, Counter[str]] = {}
    for record in store.records.values():
        members.setdefault(record.customer_id, Counter())[root(record.kind)] += 1
    for counts in members.values():
        for kind, count in counts.items():
            limit = RULES.of(kind).max_per_customer
            assert limit is None or count <= limit
    for component in store.components.values():
        for decision in component.decisions.values():
            if decision.decision == "different":
                assert component.customer_of[decision.a] != component.customer_of[decision.b]


def _known(store: MemoryStore) -> st.SearchStrategy[Identifier]:
    found = [
        Identifier(record.kind, record.raw)
        for _, record in sorted(store.records.items(), key=lambda item: item[1].value)
    ]
    return st.sampled_from(found)


# Law 3


@MANY
@given(events(), events(max_size=4), st.data())
def test_withdrawn_decisions_leave_no_trace(
    made: list[Interaction], later: list[Interaction], data: st.DataObject
) -> None:
    store, undecided = MemoryStore(), MemoryStore()
    deliver(store, [made])
    before = snapshot(store)
    use_case = conciliator(store)
    ids = []
    for word in data.draw(st.lists(st.sampled_from(["same", "different"]), max_size=4)):
        a, b = data.draw(_known(store)), data.draw(_known(store))
        if a != b:
            ids.append(use_case.decide(word, a, b, operator="op", reason="test").id)
    # Events go on arriving while the decisions stand.
    renumbered = [replace(item, id=f"later-{n}") for n, item in enumerate(later)]
    if data.draw(st.booleans()):
        deliver(store, [renumbered])
        for id_ in data.draw(st.permutations(ids)):
            use_case.withdraw(id_, operator="op")
        deliver(undecided, [made, renumbered])
        assert renamed(store) == renamed(undecided)
    else:
        for id_ in data.draw(st.permutations(ids)):
            use_case.withdraw(id_, operator="op")
        assert snapshot(store) == before


@MANY
@given(events())
def test_a_rule_change_and_back_restores_every_byte(made: list[Interaction]) -> None:
    store = MemoryStore()
    deliver(store, [made])
    stricter = replace(
        RULES, kinds={**RULES.kinds, "email": replace(RULES.of("email"), links=False)}
    )
    for component in store.components.values():
        changed = [component]
        for rules in (stricter, RULES):
            evolution = evolve(changed, {}, GraphChange(), rules, TODAY)
            after = {c.id: c for c in changed}
            for was, now in evolution.components:
                if was:
                    del after[was.id]
                if now:
                    after[now.id] = now
            changed = list(after.values())
        assert [c.body for c in changed] == [component.body]


# Law 4


def test_shared_and_blocked_identifiers_join_nobody_and_keep_their_history() -> None:
    store = MemoryStore()
    tablet, role = ("email", "tablet@example.com"), ("email", "sac@example.com")
    for n, cpf in enumerate(CPFS[:4]):
        resolver(store).resolve(interaction(f"t{n}", tablet, ("cpf", cpf)))
        resolver(store).resolve(interaction(f"r{n}", role, ("cpf", cpf)))
    owners = customers(store, tablet, role, *(("cpf", cpf) for cpf in CPFS[:4]))
    assert len(set(owners)) == 6
    last = resolver(store).resolve(interaction("t9", tablet))
    assert len(store.page(last.contact_point, before=None, since=None, limit=10)) == 5


# Law 5


@MANY
@given(st.lists(st.sampled_from(POOL), min_size=2, max_size=8, unique=True))
def test_names_alone_never_join(points: list[tuple[str, str]]) -> None:
    store = MemoryStore()
    traits = {"name": "João da Silva", "birth_date": "1980-01-01", "city": "São Paulo"}
    for n, point in enumerate(points):
        resolver(store).resolve(interaction(str(n), point, traits=traits))
    assert len(set(customers(store, *points))) == len(points)


# Law 6


@MANY
@given(events(max_size=25))
def test_every_pair_is_explained_and_every_refusal_has_a_rule(made: list[Interaction]) -> None:
    store = MemoryStore()
    deliver(store, [made])
    for component in store.components.values():
        found = component.partition(RULES, TODAY)
        assert found.customer_of == component.customer_of
        reached = {key: {key} for key in component.nodes}
        for a, b in found.accepted:
            joined = reached[a] | reached[b]
            for key in joined:
                reached[key] = joined
        for members in found.members().values():
            assert all(reached[members[0]] == set(members) for _ in members)
        assert found.accepted | found.refused.keys() == component.edges.keys()
        assert all(found.refused.values())


# Law 7


class ConsistentStore(MemoryStore):
    """Checks after every commit that pointers and documents tell the same story."""

    def commit(self, writes: Sequence[Write]) -> None:
        super().commit(writes)
        for record in self.records.values():
            component = self.components.get(record.pointer.component or "")
            if component is None:
                assert record.pointer.component is None
                assert record.customer_id == record.birth
            else:
                assert component.customer_of[record.key] == record.customer_id
        for component in self.components.values():
            assert all(
                self.records[key].pointer.component == component.id for key in component.nodes
            )


@MANY
@given(events(max_size=20), st.data())
def test_every_commit_leaves_one_consistent_state(
    made: list[Interaction], data: st.DataObject
) -> None:
    store = ConsistentStore()
    deliver(store, batched(data.draw, made))


# Law 9


class CountingStore(MemoryStore):
    """Counts the writes of each commit that records an interaction."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []

    def commit(self, writes: Sequence[Write]) -> None:
        super().commit(writes)
        if any(isinstance(write, PutInteraction) for write in writes):
            self.counts.append(len(writes))


def test_a_merge_costs_the_same_whatever_the_history() -> None:
    costs = []
    for history in (10, 1000):
        store = CountingStore()
        for n in range(history):
            resolver(store).resolve(interaction(f"p{n}", ("phone", "+5511987654321")))
            resolver(store).resolve(interaction(f"e{n}", ("email", "joao@example.com")))
        resolver(store).resolve(
            interaction("m", ("phone", "+5511987654321"), ("email", "joao@example.com"))
        )
        costs.append(store.counts[-1])
    # The interaction, the component, and a pointer for each of the two.
    assert costs == [4, 4]


def test_a_decision_about_a_stranger_is_refused() -> None:
    store = MemoryStore()
    resolver(store).resolve(interaction("1", ("phone", "+5511987654321")))
    try:
        conciliator(store).decide(
            "same",
            Identifier("phone", "+5511987654321"),
            Identifier("email", "never@example.com"),
            operator="op",
            reason="test",
        )
    except NotFound:
        return
    raise AssertionError("a decision about an identifier that was never seen")
