"""Laws of erasure: whatever comes when, nobody is brought back, and the others lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.change import Effect
from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.interaction import Identifier, Interaction
from enlace.domain.records import CustomerHint
from enlace.errors import TemporaryFailure
from enlace.rules import default_rules
from enlace.usecases import forget_identifiers
from enlace.usecases.identity_place import IdentityPlace
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, conciliator, interaction, resolver
from tests.stores.forgetting import Told, deliver_late, forgetting, key_of
from tests.stores.laws import POOL, batched, deliver, events, snapshot

FENCE = "2026-11-22T12:00:00.000Z"
MANY = settings(max_examples=60, deadline=None)


def erase(store: MemoryStore, keys: set[str], *, timelines: bool = True) -> Told:
    told = Told()
    store.raise_fence(keys, FENCE)
    assert forgetting(store, told, FENCE)(keys, erased_before=FENCE)
    if timelines:
        drop_timelines(store, keys)
    return told


def drop_timelines(store: MemoryStore, keys: set[str]) -> None:
    """What another place of the erasure does."""
    for key in keys:
        store.timelines.pop(key, None)
    for place in [place for place in store.documents if place[0] in keys]:
        del store.documents[place]


def tell_hints(store: MemoryStore) -> None:
    members: dict[str, list[str]] = {}
    for key, record in sorted(store.records.items()):
        members.setdefault(record.customer_id, []).append(key)
    for keys in members.values():
        for key in keys:
            store.put_hint(key, CustomerHint(tuple(keys)))


def named_in(effect: Effect) -> list[str]:
    """The identifiers that an effect names, whose hints are then told anew."""
    if effect["effect"] == "merged":
        return [key for keys in effect["identifiers"].values() for key in keys]
    return [key for _, keys in effect.get("into", ()) for key in keys]


def without(made: list[Interaction], gone: set[str]) -> list[Interaction]:
    """The same events in a world without some identifiers."""

    def is_there(identifier: Identifier) -> bool:
        return key_of((identifier.kind, identifier.value)) not in gone

    return [
        replace(event, identifiers=tuple(filter(is_there, event.identifiers)))
        for event in made
        if is_there(event.contact_point)
    ]


def seen_by_others(store: MemoryStore, gone: set[str]) -> dict[str, Any]:
    """What is known about the others, but for those of whom there is a mere mention.

    A mention by the erased leaves the record of an address that has nothing to say.
    """
    groups: dict[str, set[str]] = {}
    for key, record in store.records.items():
        if record.pointer.component or record.seen or key in store.timelines:
            groups.setdefault(record.customer_id, set()).add(key)
    shown = snapshot(store)
    return {
        "groups": sorted(map(sorted, groups.values())),
        "edges": sorted(str(edges) for _, edges, _, _ in shown["components"]),
        "own": {
            key: (dict(record.seen), dict(record.traits))
            for key, record in store.records.items()
            if record.seen or record.traits
        },
        "timelines": shown["timelines"],
        "documents": [one for one in shown["documents"] if one[0] not in gone],
    }


@MANY
@given(st.data())
def test_the_others_are_as_if_nobody_had_been_there_whatever_comes_late(
    data: st.DataObject,
) -> None:
    made = data.draw(events())
    gone = {key_of(one) for one in data.draw(st.sets(st.sampled_from(POOL), min_size=1))}
    batches = batched(data.draw, made)
    cut = data.draw(st.integers(0, len(batches)))
    store = MemoryStore()
    deliver(store, batches[:cut])
    tell_hints(store)
    untouched = {
        key: record
        for key, record in store.records.items()
        if key not in gone
        and not gone.intersection(
            store.components[record.pointer.component].nodes if record.pointer.component else ()
        )
    }
    told = erase(store, gone)
    # Whoever is told what a customer looks like hears that it looks otherwise now.
    heard = {key for effect in told for key in named_in(effect)}
    for key, record in store.records.items():
        if record.hint and not gone.isdisjoint(record.hint.members):
            assert key in heard
    assert untouched == {key: store.records[key] for key in untouched}
    tell_hints(store)
    # Everything once more, in another order, as if by a redrive, a replay or a vendor.
    deliver_late(store, [*batches[cut:], *batched(data.draw, made)])

    never = MemoryStore()
    deliver(never, [[event] for event in without(made, gone)])
    assert seen_by_others(store, gone) == seen_by_others(never, gone)
    assert gone.isdisjoint(store.records) and gone.isdisjoint(store.timelines)
    assert store.tombstones.keys() == gone
    assert not any(key in repr((store.records, store.components)) for key in gone)


#: An hour and more after the fence.
_AFTER = [f"2026-11-22T{hour}:00:00.000Z" for hour in (13, 14, 15)]


@st.composite
def comers(draw: st.DrawFn, point: tuple[str, str]) -> list[tuple[str, Interaction]]:
    """Events about one erased address: what kind each is, and the event."""
    made = []
    for n in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["old", "new", "import", "future", "outcome", "queued"]))
        at = draw(st.sampled_from(_AFTER))
        times = {
            "old": ("2026-11-20T12:00:00.000Z", at),
            "queued": ("2026-11-22T12:00:00.000Z", "2026-11-22T12:00:00.000Z"),
            "future": (
                draw(st.sampled_from(["2026-11-23T12:00:00.000Z", "9998-01-01T00:00Z"])),
                at,
            ),
        }.get(kind, (at, at))
        level = "imported" if kind == "import" else draw(st.sampled_from(["proven", "stated"]))
        others = draw(st.lists(st.sampled_from(POOL[-4:]), max_size=1))
        event = interaction(
            f"{kind}-{n}",
            (*point, level),
            *others,
            at=times[0],
            type_="message.delivered" if kind == "outcome" else "message.received",
            direction="outbound" if kind == "outcome" else "inbound",
        )
        made.append((kind, replace(event, received_at=times[1])))
    return made


@MANY
@given(st.data())
def test_only_who_makes_contact_anew_is_somebody_and_somebody_new(data: st.DataObject) -> None:
    point = data.draw(st.sampled_from(POOL[:4]))
    key = key_of(point)
    store = MemoryStore()
    deliver(store, [[interaction("first", point, POOL[9])]])
    former = store.records[key].birth
    erase(store, {key})
    made = data.draw(comers(point))
    kinds = {event.id: kind for kind, event in made}
    deliver_late(store, batched(data.draw, [event for _, event in made]))

    recorded = {kinds[sk.partition("#")[2]] for sk in store.timelines.get(key, {})}
    new = {event.id for kind, event in made if kind == "new"}
    # Whoever is back may be imported, and hears from us, like anybody else.
    assert recorded <= {"new", "import", "outcome"}
    assert new <= {sk.partition("#")[2] for sk in store.timelines.get(key, {})}
    assert (key in store.records) is bool(new)
    if new:
        record = store.records[key]
        assert record.birth != former and record.returned_after == record.erased_before == FENCE
        assert record.customer_id != former
    else:
        assert key in store.tombstones and not recorded


class Crash(BaseException):
    """The function was cut off here: nothing catches it."""


class Fragile:
    """Dies before or after one call to a store."""

    def __init__(self, store: MemoryStore, at: int, *, after: bool) -> None:
        self._store, self._left, self._after = store, at, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Crash
            result = method(*arguments, **named)
            if self._left == 0:
                raise Crash
            return result

        return call


def crowded() -> tuple[MemoryStore, Subject]:
    """Somebody with three addresses, others beside them, and decisions about both."""
    store = MemoryStore()
    phone, email, other = POOL[0], POOL[4], POOL[5]
    cpf, theirs = ("cpf", CPFS[0]), ("cpf", CPFS[1])
    deliver(
        store,
        [
            [interaction("1", phone, (*email, "proven"), cpf, ("messenger:page", "psid-0"))],
            [interaction("2", other, theirs, email)],
            [interaction("3", POOL[1], traits={"name": "Ana"})],
        ],
    )
    for n, pair in enumerate(((phone, POOL[1]), (email, other))):
        one, two = (Identifier(*identifier) for identifier in pair)
        conciliator(store).decide(
            "different", one, two, operator="op", reason="r", conciliation_id=f"c-{n}"
        )
    keys = [(key_of(one), one) for one in (phone, email, cpf)]
    store.raise_fence([key for key, _ in keys], FENCE)
    identifiers = tuple(SubjectIdentifier(key, kind, value) for key, (kind, value) in keys)
    return store, Subject("r-1", FENCE, identifiers)


def place(store: Any, tell: Callable[[Sequence[Effect], str], None]) -> IdentityPlace:
    return IdentityPlace(
        store, default_rules(), tell=tell, now=lambda: FENCE, sleep=lambda seconds: None
    )


def always() -> bool:
    return True


def state(store: MemoryStore) -> str:
    parts = (store.records, store.tombstones, store.components, store.entries)
    return repr([sorted(part.items(), key=lambda item: item[0]) for part in parts])


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_call_changes_nothing_of_the_end(after: bool) -> None:
    world, subject = crowded()
    told, store = Told(), deepcopy(world)
    place(store, told).erase(subject, always)
    expected, names = state(store), [effect["effect"] for effect in told]
    assert names
    for at in range(1, 200):
        store = deepcopy(world)
        census = place(store, told).census(subject)
        told = Told()
        try:
            place(Fragile(store, at, after=after), told).erase(subject, always)
        except Crash:
            pass
        else:
            assert at > 15, "hardly a call was made"
            break
        assert place(store, told).erase(subject, always)
        assert state(store) == expected
        # Told at least once, whatever came between.
        assert set(names) <= {effect["effect"] for effect in told}
        left = place(store, told).census(subject)
        assert left.found == left.retained == census.retained
    else:
        raise AssertionError("it never came through")


def test_somebody_with_more_neighbours_than_a_transaction_takes_goes_step_by_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def story() -> MemoryStore:
        store = MemoryStore()
        ends = [("cpf", cpf) for cpf in CPFS]
        deliver(store, [[interaction("0", POOL[0], *ends)]])
        pairs = [interaction(f"p{n}", one, ("user_id", f"u{n}")) for n, one in enumerate(ends)]
        deliver(store, [pairs])
        return store

    def outcome(store: MemoryStore) -> Any:
        sizes = []
        commit = store.commit
        monkeypatch.setattr(
            store, "commit", lambda writes: (sizes.append(len(writes)), commit(writes))
        )
        told = erase(store, {key_of(POOL[0])})
        return max(sizes), seen_by_others(store, {key_of(POOL[0])}), told

    most, at_once, _ = outcome(story())
    monkeypatch.setattr(forget_identifiers, "MAX_WRITES", 17)
    few, by_steps, told = outcome(story())
    assert most > 17 >= few
    assert at_once == by_steps
    assert told


def test_others_that_keep_changing_a_customer_make_it_fail_for_now() -> None:
    store, subject = crowded()

    class Contended(Fragile):
        def __init__(self) -> None:
            self.store, self.n = store, 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self.store, name)

        def commit(self, writes: Any) -> None:
            self.n += 1
            event = interaction(f"x{self.n}", POOL[5], POOL[6 + self.n % 8], at=FENCE)
            resolver(store).resolve(replace(event, received_at=FENCE))
            record = store.records[subject.keys[0]]
            moved = replace(record.pointer, first_seen=f"2026-10-{10 + self.n}T00:00:00.000Z")
            store.records[subject.keys[0]] = replace(record, pointer=moved)
            store.commit(writes)

    with pytest.raises(TemporaryFailure):
        place(Contended(), Told()).erase(subject, always)
    assert subject.keys[0] in store.records
