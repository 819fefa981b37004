"""What every store of candidates must do: memory's and DynamoDB's suite."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.candidate import Candidate, candidate, least_position
from enlace.usecases.candidate_ports import Point

AT = "2026-11-20T12:00:00.000Z"


def pair(a: str, b: str, probability: float | None = 0.95, **fields: Any) -> Candidate:
    fields.setdefault("bits", None if probability is None else 12.5)
    return candidate(f"record#{a}", f"record#{b}", probability=probability, found_at=AT, **fields)


def point(table: Any, name: str) -> Point:
    found: Point = table.points([f"record#{name}"])[f"record#{name}"]
    return found


class CandidateSuite:
    """Subclasses give a fresh ``table``."""

    @pytest.fixture
    def table(self) -> Any:
        raise NotImplementedError

    def test_nobody_is_known_at_first(self, table: Any) -> None:
        assert table.points(["record#a"]) == {"record#a": Point()}
        assert table.points([]) == {}
        assert table.blocks(["block#1"]) == {"block#1": frozenset()}
        assert table.blocks([]) == {}
        assert table.candidates([("record#a", "record#b")]) == {}
        assert list(table.best("", 10)) == []
        assert not table.open_for(["record#a", "record#b"])

    def test_a_block_knows_its_members_and_they_know_it(self, table: Any) -> None:
        first = table.enter("record#a", table.blocks(["block#1", "block#2"]), 5)
        second = table.enter("record#b", table.blocks(["block#2"]), 5)

        assert first == {"block#1": {"record#a"}, "block#2": {"record#a"}}
        assert second == {"block#2": {"record#a", "record#b"}}
        assert point(table, "a").blocks == {"block#1", "block#2"}

        table.leave("record#a", ["block#2"])
        assert table.blocks(["block#1", "block#2"]) == {
            "block#1": {"record#a"},
            "block#2": {"record#b"},
        }
        assert point(table, "a").blocks == {"block#1"}

    def test_entering_and_leaving_again_change_nothing(self, table: Any) -> None:
        for _ in range(2):
            table.enter("record#a", table.blocks(["block#1"]), 1)
        assert table.blocks(["block#1"]) == {"block#1": {"record#a"}}
        for _ in range(2):
            table.leave("record#a", ["block#1"])
        assert table.blocks(["block#1"]) == {"block#1": frozenset()}
        assert point(table, "a") == Point()

    @pytest.mark.parametrize("aware", [True, False])
    def test_one_member_too_many_makes_a_block_common_for_ever(
        self, table: Any, aware: bool
    ) -> None:
        before = table.blocks(["block#1"])
        for name in "abc":
            known = table.blocks(["block#1"]) if aware else before
            table.enter(f"record#{name}", known, 2)

        assert table.blocks(["block#1"]) == {"block#1": None}
        for name in "abc":
            table.leave(f"record#{name}", ["block#1"])
        assert table.enter("record#d", before, 2) == {"block#1": None}
        assert table.blocks(["block#1"]) == {"block#1": None}

    @pytest.mark.parametrize(
        "made",
        [
            pair("a", "b", reasons=(("given_name", "exact", 7.25), ("city", "close", -1.5))),
            pair("a", "b", None, rule="contradiction"),
            pair("a", "b", 0.000000001, bits=-40.25, rule="limit:cpf", listed=False),
            pair("b", "a", 1.0, bits=80.0),
        ],
    )
    def test_a_candidate_comes_back_as_it_was(self, table: Any, made: Candidate) -> None:
        for _ in range(2):
            table.keep([made])

        assert table.candidates([made.pair]) == {made.pair: made}
        listed = {"a", "b"} if made.listed else set()
        for end, other in (("a", "b"), ("b", "a")):
            assert point(table, end).partners == {f"record#{other}"}
            assert point(table, end).open == ({f"record#{other}"} if made.listed else set())
            assert table.open_for([f"record#{end}", "record#c"]) == (end in listed)
        assert not table.open_for(["record#a", "record#b"]), "one customer has nothing to decide"

        for _ in range(2):
            table.drop([made.pair])
        assert table.candidates([made.pair]) == {}
        assert point(table, "b") == Point()

    def test_a_contact_point_outlives_its_last_candidate(self, table: Any) -> None:
        table.enter("record#a", {"block#1": frozenset()}, 5)
        table.keep([pair("a", "b"), pair("a", "c")])
        table.drop([pair("a", "b").pair])
        c = frozenset({"record#c"})
        assert point(table, "a") == Point(frozenset({"block#1"}), c, c)
        table.drop([pair("a", "c").pair])
        assert point(table, "a") == Point(frozenset({"block#1"}))

    def test_the_best_come_first_and_a_position_goes_on(self, table: Any) -> None:
        made = [pair("a", f"{n:02}", 0.9 + n / 1000) for n in range(30)]
        ties = [pair("x", "y", 0.99, bits=20.0), pair("x", "z", 0.99, bits=30.0)]
        odd = [pair("v", "w", None), pair("v", "x", 0.2)]
        table.keep([*made, *ties, *odd, pair("p", "q", 0.999, listed=False)])

        in_order = list(table.best("", 5))
        assert in_order == [ties[1], ties[0], *reversed(made), *odd]
        for n in (0, 1, 17, len(in_order) - 1):
            assert list(table.best(in_order[n].position, 3)) == in_order[n + 1 :]
        least = least_position(0.925)
        assert [c for c in in_order if c.position < least] == [
            c for c in in_order if (c.probability or 0) >= 0.925
        ]

    def test_a_change_moves_it_in_the_list_and_hides_it(self, table: Any) -> None:
        made = pair("a", "b", 0.91)
        table.keep([made, pair("a", "c", 0.95)])
        better = replace(made, probability=0.99)
        table.keep([better])
        assert next(iter(table.best("", 10))) == better
        table.keep([replace(better, listed=False)])
        assert point(table, "b") == Point(frozenset(), frozenset({"record#a"}))
        assert [c.b for c in table.best("", 10)] == ["record#c"]
        table.keep([better])
        assert next(iter(table.best("", 10))) == better
