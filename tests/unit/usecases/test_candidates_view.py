"""What operators are shown of candidates, and what they are not shown any more."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.interaction import Identifier
from enlace.errors import InvalidPayload
from enlace.usecases import candidates_view
from enlace.usecases.candidates_view import CandidateQuery, CandidatesView
from tests.stores.builders import CPFS, TODAY, conciliator
from tests.unit.usecases.candidate_scene import HELENA, JONAS, Scene

PHONE, EMAIL = ("phone", "+5511987654321"), ("email", "helena.q@example.com")
OTHER_PHONE, CPF = ("phone", "+5581976543210"), ("cpf", CPFS[0])


def view(scene: Scene) -> CandidatesView:
    return CandidatesView(scene.store, scene.candidates, scene.rules, today=lambda: TODAY)


def items(scene: Scene, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = view(scene).page(CandidateQuery(**query))["items"]
    return found


def decide(scene: Scene, word: str, a: Any, b: Any) -> str:
    """Decide, and let nobody hear of it: the list must be right all the same."""
    made = conciliator(scene.store, scene.rules).decide(
        word, Identifier(*a), Identifier(*b), operator="op", reason="test"
    )
    return made.id


def withdraw(scene: Scene, id_: str) -> None:
    conciliator(scene.store, scene.rules).withdraw(id_, operator="op")


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.says(PHONE, traits=HELENA)
    scene.says(EMAIL, traits={**HELENA, "name": "HELENA  QUARESMA LOPES", "city": "OLINDA"})
    return scene


class TestShown:
    def test_a_pair_comes_with_its_values_and_reasons(self, scene: Scene) -> None:
        (item,) = items(scene)
        ends = {item["a"]["kind"]: item["a"]["value"], item["b"]["kind"]: item["b"]["value"]}
        assert ends == dict([PHONE, EMAIL])
        assert item["customer_a"] != item["customer_b"]
        assert item["probability"] >= 0.9 and item["score"] > 0
        assert (item["source"], item["rule"]) == ("likeness", None)
        by_field = {reason["field"]: reason for reason in item["reasons"]}
        assert {by_field["city"]["a"], by_field["city"]["b"]} == {"Olinda", "OLINDA"}
        birth = by_field["birth_date"]
        assert birth == {
            **{"field": "birth_date", "level": "exact", "weight": birth["weight"]},
            **{"a": "1984-03-17", "b": "1984-03-17"},
        }
        assert sum(reason["weight"] for reason in item["reasons"]) == pytest.approx(
            item["score"], abs=0.1
        )

    def test_who_is_gone_is_not_shown(self, scene: Scene) -> None:
        del scene.store.records[scene.key(*PHONE)]
        assert items(scene) == []


class TestDecided:
    def test_one_customer_has_nothing_to_decide_until_it_is_parted(self, scene: Scene) -> None:
        before = items(scene)
        id_ = decide(scene, "same", PHONE, EMAIL)
        assert items(scene) == []
        withdraw(scene, id_)
        assert items(scene) == before

    def test_different_ends_it_until_it_is_withdrawn(self, scene: Scene) -> None:
        before = items(scene)
        id_ = decide(scene, "different", PHONE, EMAIL)
        assert items(scene) == []
        withdraw(scene, id_)
        assert items(scene) == before

    def test_different_between_others_of_theirs_ends_it_too(self, scene: Scene) -> None:
        scene.says(PHONE, CPF)
        decide(scene, "different", CPF, EMAIL)
        assert items(scene) == []

    def test_several_decisions_in_any_order(self, scene: Scene) -> None:
        before = items(scene)
        same, different = (decide(scene, word, PHONE, EMAIL) for word in ("same", "different"))
        assert items(scene) == []
        withdraw(scene, same)
        assert items(scene) == []
        withdraw(scene, different)
        assert items(scene) == before


class TestRefused:
    @pytest.fixture
    def scene(self) -> Scene:
        scene = Scene()
        scene.says(PHONE, (*CPF, "stated"), traits=HELENA)
        scene.says(OTHER_PHONE, (*CPF, "stated"), traits=JONAS)
        return scene

    def test_evidence_is_shown_with_its_rule(self, scene: Scene) -> None:
        (item,) = items(scene)
        assert (item["source"], item["rule"]) == ("rule", "contradiction")
        assert item["probability"] is None and item["reasons"] == []
        assert items(scene, source="rule") == [item]
        assert items(scene, source="likeness") == []
        assert items(scene, min_probability=0.1) == []

    def test_a_decision_and_its_withdrawal(self, scene: Scene) -> None:
        before = items(scene)
        id_ = decide(scene, "different", OTHER_PHONE, CPF)
        assert items(scene) == []
        withdraw(scene, id_)
        assert items(scene) == before


class TestPages:
    NAMES = ("Jonas Prado Figueira", "Otto Brandt Weiss", "Iara Tupinamba Reis", "Zeno Kalil Abreu")

    @pytest.fixture
    def scene(self) -> Scene:
        scene = Scene()
        for n, name in enumerate(self.NAMES):
            traits = {"name": name, "birth_date": f"198{n}-0{n + 1}-1{n}"}
            if n % 2:
                traits["postal_code"] = f"5302{n}-14{n}"
            for side in "ab":
                scene.says((f"record:{side}", str(n)), traits=traits)
        return scene

    def pages(self, scene: Scene, limit: int) -> list[list[dict[str, Any]]]:
        found, cursor = [], None
        for _ in range(20):
            page = view(scene).page(CandidateQuery(limit=limit, cursor=cursor))
            found.append(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                return found
        raise AssertionError("the pages never end")

    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
    def test_pages_hold_everything_once_and_the_best_first(self, scene: Scene, limit: int) -> None:
        pages = self.pages(scene, limit)
        together = [item for page in pages for item in page]
        assert together == items(scene, limit=100)
        assert len(together) == len(self.NAMES)
        scores = [(item["probability"], item["score"]) for item in together]
        assert scores == sorted(scores, reverse=True)
        assert all(len(page) <= limit for page in pages)

    def test_what_comes_and_goes_meanwhile_moves_nothing_on_the_next_page(
        self, scene: Scene
    ) -> None:
        whole = items(scene, limit=100)
        first = view(scene).page(CandidateQuery(limit=2))
        gone, better = whole[0], {"name": "Nara Ekel Vaz", "birth_date": "1999-09-09"}
        decide(
            scene,
            "same",
            (gone["a"]["kind"], gone["a"]["value"]),
            (gone["b"]["kind"], gone["b"]["value"]),
        )
        for side in "ab":
            scene.says(
                (f"record:{side}", "new"),
                traits={**better, "postal_code": "80010-000", "city": "Curitiba"},
            )
        second = view(scene).page(CandidateQuery(limit=2, cursor=first["next_cursor"]))
        assert first["items"] + second["items"] == whole

    def test_many_settled_ones_are_skipped_a_bounded_number_at_a_time(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(candidates_view, "MAX_LOOKED_AT", 2)
        monkeypatch.setattr(candidates_view, "_AT_ONCE", 1)
        whole = items(scene, limit=2) + self.pages(scene, 2)[1]
        for item in whole[:3]:
            decide(scene, "different", *((item[end]["kind"], item[end]["value"]) for end in "ab"))
        pages = self.pages(scene, 1)
        assert pages[0] == []
        assert [item for page in pages for item in page] == whole[3:]

    def test_the_least_probability_bounds_the_list(self, scene: Scene) -> None:
        whole = items(scene, limit=100)
        least = whole[1]["probability"]
        wanted = [item for item in whole if item["probability"] >= least]
        assert items(scene, limit=100, min_probability=least) == wanted
        page = view(scene).page(CandidateQuery(limit=100, min_probability=1.0))
        assert page["next_cursor"] is None

    @pytest.mark.parametrize("cursor", ["x", "MTIz", "w6k", "IiI=", "0.1", "A" * 200])
    def test_a_made_up_cursor_is_refused(self, scene: Scene, cursor: str) -> None:
        with pytest.raises(InvalidPayload, match="cursor"):
            view(scene).page(CandidateQuery(cursor=cursor))
