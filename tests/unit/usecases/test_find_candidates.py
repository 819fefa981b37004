"""Candidates through the real use cases on stores in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.candidate import candidate
from enlace.domain.evidence import edge_key
from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import CandidateRules, Rules
from enlace.errors import TemporaryFailure
from enlace.matching.compare import comparison_of
from enlace.rules import default_rules
from enlace.usecases import find_candidates
from enlace.usecases.candidate_ports import Point
from enlace.usecases.likeness import Likeness
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, conciliator
from tests.unit.usecases.candidate_scene import HELENA, JONAS, Scene

PHONE, OTHER_PHONE = ("phone", "+5511987654321"), ("phone", "+5581976543210")
EMAIL = ("email", "helena.q@example.com")
INSTAGRAM = ("instagram:1", "998877")
CPF = ("cpf", CPFS[0])


def rules_with(**candidates: Any) -> Rules:
    return replace(default_rules(), candidates=CandidateRules(**candidates))


class TestLikeness:
    @pytest.mark.parametrize("points", [(PHONE, EMAIL), (EMAIL, PHONE)])
    def test_two_who_are_alike_are_found_whoever_comes_last(self, points: Any) -> None:
        scene = Scene()
        for point in points:
            scene.says(point, traits=HELENA)
        scene.says(INSTAGRAM, traits=JONAS)

        made = scene.pair(PHONE, EMAIL)

        assert made and made.source == "likeness" and made.listed
        assert made.probability and made.probability >= 0.9
        assert made.levels["birth_date"] == "exact" and made.levels["city"] == "exact"
        assert next(reason[2] for reason in made.reasons) > 0
        assert list(scene.candidates.kept) == [made.pair]
        assert scene.candidates.open_for([scene.key(*PHONE)])
        assert not scene.candidates.open_for([scene.key(*INSTAGRAM)])

    @pytest.mark.parametrize("name", [HELENA["name"], "Rita Quaresma Lopes", "Otto Weiss"])
    def test_its_levels_are_those_of_a_comparison(self, name: str) -> None:
        scene = Scene()
        street = {"address": "Rua do Sol, 77", "postal_code": "53020-140"}
        scene.hears(PHONE, traits={**HELENA, **street})
        scene.hears(EMAIL, traits={**HELENA, **street, "name": name})
        pair = edge_key(scene.key(*PHONE), scene.key(*EMAIL))

        made = Likeness(scene.rules).of(pair, scene.store.records)

        # What is no field of its own must not reach what weights are learned from.
        compared = comparison_of(made.levels).levels
        assert set(compared) >= {"given_name", "surname", "birth_date", "street"}
        assert len(made.reasons) - len(compared) <= 1

    def test_nothing_that_is_kept_tells_who_it_is(self) -> None:
        scene = Scene()
        for point in (PHONE, EMAIL):
            scene.says(point, traits=HELENA)

        kept = repr(vars(scene.candidates)).casefold()

        assert scene.candidates.kept and scene.candidates.members
        for word in ("helena", "lopes", "1984", "olinda", "98765", "example"):
            assert word not in kept

    def test_who_says_something_else_now_is_no_candidate_any_more(self) -> None:
        scene = Scene()
        records = (("record:a", "1"), ("record:a", "2"))
        for point in records:
            scene.says(point, traits=HELENA)
        before = scene.candidates.points([scene.key(*records[1])])[scene.key(*records[1])]
        assert before.partners

        # All that it has said goes, as when an answer of the rules' or a person's erases it.
        key = scene.key(*records[1])
        record = scene.store.records[key]
        scene.store.records[key] = replace(record, traits={})
        scene.says(records[1], traits=JONAS)

        after = scene.candidates.points([key])[key]
        assert not scene.candidates.kept and not after.partners
        assert after.blocks and not after.blocks & before.blocks

    def test_the_time_of_the_first_search_stays(self) -> None:
        scene = Scene()
        for point in (PHONE, EMAIL):
            scene.says(point, traits=HELENA)
        scene.day = "2026-11-30"
        scene.says(PHONE, traits={"postal_code": "53020-140"})
        scene.says(EMAIL, traits={"postal_code": "53020-140"})

        made = scene.pair(PHONE, EMAIL)

        assert made and made.found_at.startswith("2026-11-22")
        assert made.levels["postal_code"] == "exact"

    def test_what_is_nobodys_is_no_ones_double(self) -> None:
        scene = Scene()
        for point in (("email", "sac@example.com"), ("cnpj", "11222333000181"), EMAIL):
            scene.says(point, traits=HELENA)
        assert not scene.candidates.kept

    def test_a_key_that_too_many_share_finds_nobody_any_more(self) -> None:
        scene = Scene(rules_with(block_size=3))
        traits = {"name": "Ana Souza", "birth_date": "1990-05-05"}
        for n in range(5):
            scene.says(("record:a", str(n)), traits={**traits, "city": "Recife"})
        assert scene.candidates.common
        assert all(len(members) <= 3 for members in scene.candidates.members.values())

        before = len(scene.candidates.kept)
        scene.says(("record:a", "late"), traits={**traits, "city": "Recife"})
        assert len(scene.candidates.kept) == before

    def test_what_is_erased_leaves_nothing(self) -> None:
        scene = Scene()
        for point in (PHONE, EMAIL):
            scene.says(point, traits=HELENA)
        del scene.store.records[scene.key(*PHONE)]

        scene.finder.find(scene.key(*PHONE))

        assert not scene.candidates.kept
        points = scene.candidates.points([scene.key(*PHONE)])
        assert points == {scene.key(*PHONE): Point()}
        assert all(scene.key(*PHONE) not in m for m in scene.candidates.members.values())


class TestBounds:
    def test_a_search_compares_with_so_many_at_most(self) -> None:
        scene = Scene(rules_with(block_size=100))
        keys = self.crowd(scene, 90)
        assert scene.finder.find(keys[-1]).compared == find_candidates.MAX_COMPARED

        for key in keys:
            scene.finder.find(key)
        found = scene.finder.find(keys[-1])
        assert found.compared == find_candidates.MAX_COMPARED
        assert found.kept <= find_candidates.MAX_FOUND

    def test_a_search_adds_the_best_only(self) -> None:
        scene = Scene(rules_with(block_size=100))
        found = scene.finder.find(self.crowd(scene, 30)[-1])
        assert found.compared == 29
        assert found.kept == len(scene.candidates.kept) == find_candidates.MAX_FOUND

    def test_of_one_that_is_gone_all_goes(self) -> None:
        scene = Scene(rules_with(block_size=100))
        keys = self.crowd(scene, 70)
        for other in keys[1:]:
            scene.candidates.keep([candidate(keys[0], other, probability=0.95, bits=9.0)])
        del scene.store.records[keys[0]]

        scene.finder.find(keys[0])

        assert scene.candidates.points([keys[0]]) == {keys[0]: Point()}
        assert not scene.candidates.kept

    def crowd(self, scene: Scene, size: int) -> list[str]:
        """People alike in one block, and nobody has searched for them yet."""
        block = None
        keys = []
        for n in range(size):
            scene.hears(("record:a", str(n)), traits=HELENA)
            keys.append(scene.key("record:a", str(n)))
            if block is None:
                scene.finder.find(keys[0])
                block = min(scene.candidates.members)
            scene.candidates.enter(keys[n], scene.candidates.blocks([block]), size)
        return keys


class TestRefusedEdges:
    def scene(self) -> Scene:
        """Two people with one CPF: the second's is refused, since their names contradict."""
        scene = Scene()
        scene.says(PHONE, (*CPF, "stated"), traits=HELENA)
        scene.says(OTHER_PHONE, (*CPF, "stated"), traits=JONAS)
        return scene

    def test_are_candidates_with_the_rule_that_refused_them(self) -> None:
        scene = self.scene()
        made = scene.pair(OTHER_PHONE, CPF) or scene.pair(PHONE, CPF)
        assert made and (made.source, made.rule) == ("rule", "contradiction")
        assert made.probability is None and made.reasons == () and made.listed

    def test_are_weighed_where_both_ends_say_something(self) -> None:
        scene = Scene()
        scene.says(CPF, traits=JONAS)
        scene.says(PHONE, (*CPF, "stated"), traits=HELENA)
        made = scene.pair(PHONE, CPF)
        assert made and made.rule == "contradiction"
        assert made.probability is not None and made.probability < 0.5
        assert "different" in made.levels.values()

    def test_follow_a_decision_and_its_withdrawal(self) -> None:
        scene = self.scene()
        refused = [made.pair for made in scene.candidates.best("", 10)]
        assert len(refused) == 1

        id_ = _decided(scene, "same", OTHER_PHONE, CPF)
        # Now it is the other person to whom the number was refused.
        listed = [made.pair for made in scene.candidates.best("", 10)]
        assert len(listed) == 1 and listed != refused

        scene.follow(conciliator(scene.store).withdraw(id_, operator="op").effects)
        assert [made.pair for made in scene.candidates.best("", 10)] == refused


def _decided(scene: Scene, word: str, a: Any, b: Any) -> str:
    from enlace.domain.interaction import Identifier

    made = conciliator(scene.store, scene.rules).decide(
        word, Identifier(*a), Identifier(*b), operator="op", reason="test"
    )
    scene.follow(made.effects)
    return made.id


def test_candidates_of_one_customer_are_not_listed_until_it_is_split() -> None:
    scene = Scene()
    for point in (PHONE, EMAIL):
        scene.says(point, traits=HELENA)
    assert len(list(scene.candidates.best("", 10))) == 1

    id_ = _decided(scene, "same", PHONE, EMAIL)
    assert scene.candidates.kept and not list(scene.candidates.best("", 10))
    assert not scene.candidates.open_for([scene.key(*PHONE)])

    scene.follow(conciliator(scene.store).withdraw(id_, operator="op").effects)
    assert len(list(scene.candidates.best("", 10))) == 1


class TestOrder:
    PEOPLE = (HELENA, {**HELENA, "birth_date": "1984-03-71"}, JONAS, {"name": "Jonas Figueira"})
    POINTS = (PHONE, OTHER_PHONE, EMAIL, INSTAGRAM, ("record:a", "7"))

    @settings(max_examples=40, deadline=None)
    @given(st.data())
    def test_any_interleaving_and_repetition_ends_in_the_same_candidates(
        self, data: st.DataObject
    ) -> None:
        scene = Scene()
        waiting: list[dict[str, Any]] = []
        told: set[str] = set()
        steps = data.draw(
            st.lists(
                st.tuples(
                    st.sampled_from(self.POINTS),
                    st.sampled_from(self.PEOPLE),
                    st.sampled_from([(), (CPF,), (EMAIL,), (PHONE,)]),
                ),
                min_size=2,
                max_size=7,
            )
        )
        for point, traits, others in steps:
            stated = [(*other, "stated") for other in others if other != point]
            waiting += scene.hears(point, *stated, traits=traits)
            told |= {e["key"] for e in waiting if e["effect"] == "described"}
            if waiting and data.draw(st.booleans()):
                chosen = data.draw(st.sampled_from(waiting))
                scene.follow([chosen])
                if data.draw(st.booleans()):
                    waiting.remove(chosen)
        scene.follow(data.draw(st.permutations(waiting)))

        afresh = Scene(store=scene.store)
        for key in sorted(told):
            afresh.finder.find(key)
        assert scene.state() == afresh.state()
        assert scene.candidates.members == afresh.candidates.members
        assert {k: v for k, v in scene.candidates.with_whom.items() if v} == {
            k: v for k, v in afresh.candidates.with_whom.items() if v
        }

        before = scene.state()
        for key in sorted(told):
            found = scene.finder.find(key)
            assert (found.kept, found.dropped) == (0, 0)
        assert scene.state() == before


class ChangingStore(MemoryStore):
    """Runs something after a read of identifiers: what another function does meanwhile."""

    meanwhile: Callable[[], None] | None = None
    watched = ""
    always = False

    def get_identifiers(
        self, keys: Iterable[str], *, consistent: bool = False
    ) -> dict[str, IdentifierRecord]:
        found = super().get_identifiers(keys, consistent=consistent)
        if self.meanwhile and self.watched in found:
            run = self.meanwhile
            if not self.always:
                self.meanwhile = None
            run()
        return found


class TestMeanwhile:
    def test_who_changes_during_a_search_is_looked_at_again(self) -> None:
        store = ChangingStore()
        scene = Scene(store=store)
        scene.says(("record:a", "1"), traits=HELENA)
        effects = scene.hears(("record:a", "2"), traits=HELENA)
        key = scene.key("record:a", "1")

        def changes() -> None:
            traits = {"name": {json.dumps(JONAS["name"]): ["2026-11-22", "0", "generic"]}}
            store.records[key] = replace(store.records[key], traits=traits)

        store.meanwhile, store.watched = changes, key
        scene.follow(effects)

        assert not scene.candidates.kept
        assert not scene.candidates.with_whom

    def test_a_search_that_never_comes_to_rest_is_tried_later(self) -> None:
        store = ChangingStore()
        scene = Scene(store=store)
        scene.says(("record:a", "1"), traits=HELENA)
        effects = scene.hears(("record:a", "2"), traits=HELENA)
        key, count = scene.key("record:a", "1"), iter(range(1000))

        def changes() -> None:
            entry = {f'"{next(count)}"': ["2026-11-22", "0", "generic"]}
            traits = {**store.records[key].traits, "postal_code": entry}
            store.records[key] = replace(store.records[key], traits=traits)

        store.meanwhile, store.watched, store.always = changes, key, True
        with pytest.raises(TemporaryFailure):
            scene.follow(effects)
