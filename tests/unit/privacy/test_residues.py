"""What a residue is, and how a scan goes over places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from enlace.domain.interaction import epoch_text
from enlace.domain.records import IdentifierRecord, Pointer, Tombstone
from enlace.domain.residues import (
    ERASED,
    LIVING,
    UNDER,
    Piece,
    Sought,
    Spot,
    Values,
    clear_text,
)
from enlace.errors import EnlaceError, Misconfigured, TemporaryFailure
from enlace.usecases.certify_erasure import HEAD, JOURNAL
from enlace.usecases.job_rows import LEASE_SECONDS
from enlace.usecases.rows import Row
from enlace.usecases.scan_residues import DONE, Page, ScanResidues, erased_addresses
from local.memory_rows import MemoryRows

KEY, OTHER = "email#" + "a" * 22, "phone#" + "b" * 22
BEFORE = "2026-11-01T00:00:00.000Z"
NOBODY = Values(())


class TestValues:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("ana.canario@example.com", "to=ANA.canario@example.com;"),
            ("ana.canario@example.com", "q=ana.canario%40example.com"),
            ("Canário da Silva", '{"name": "Can\\u00e1rio da Silva"}'),
            ("11987650101", "(11) 98765-0101"),
            ("+55 11 98765-0101", "5511987650101"),
            ("390.533.447-05", '"39053344705"'),
        ],
    )
    def test_are_found_however_they_are_written(self, value: str, text: str) -> None:
        assert Values([value]).are_in(text)

    def test_and_others_are_not(self) -> None:
        assert not Values(["11987650101", "canario.b"]).are_in("11987650102 canario-b canario_b")
        assert not NOBODY.are_in("anything")

    def test_what_is_too_short_to_mean_anybody_is_refused_and_not_told(self) -> None:
        with pytest.raises(Misconfigured) as refused:
            Values(["long enough", "ana"])
        assert "ana" not in str(refused.value)


class TestClearText:
    @pytest.mark.parametrize(
        ("line", "kinds"),
        [
            ('{"reason": "bounced: ana@example.com.br"}', {"email"}),
            ("cpf 390.533.447-05", {"cpf"}),
            ("cpf=39053344705", {"cpf"}),
            ("to +5511987650101 and 5511987650101", {"phone"}),
            # What lines are full of.
            ('"Timestamp": 1795437360123, "message_id": "01KAR5M2Z39053344705AB"', set()),
            ("arn:aws:lambda:us-east-1:123456789012:function:enlace", set()),
            ("RequestId: 6f0b6c1e-6d0f-4a9c-8f5a-390533447051 Duration: 11987.65 ms", set()),
            ("39053344706 11111111111 2026-11-22T10:00:00.000+0000", set()),
            (f"key {KEY} at ana@localhost", set()),
        ],
    )
    def test_is_told_from_ids_and_times(self, line: str, kinds: set[str]) -> None:
        assert clear_text(line) == kinds


class TestSought:
    def test_a_living_canary_may_be_among_customers_an_erased_one_nowhere(self) -> None:
        sought = Sought(Values(["gone@example.com"]), Values(["here@example.com"]), {})
        both = Piece("gone@example.com here@example.com")
        assert sought.found(both, Spot("IdentityTable", customers=True)) == {ERASED: 1}
        assert sought.found(both, Spot("CandidateTable")) == {ERASED: 1, LIVING: 1}
        logs = sought.found(both, Spot("SendEmailLogs", logs=True))
        assert logs == {ERASED: 1, LIVING: 1, "email": 1}

    @pytest.mark.parametrize(
        ("table", "under"),
        [
            ("TimelineTable", (KEY, "2026-10-01T00:00:00.000Z#i1")),
            ("IdentityTable", (KEY,)),
            ("CaseTable", ("protocol#1", f"told#{KEY}")),
            ("CandidateTable", (OTHER, f"pair#{KEY}")),
            ("DeliveryTable", (f"crm#hubspot#shown#{KEY}",)),
            ("DeliveryTable/about", (KEY, "2026-10-01T00:00:00.000Z")),
        ],
    )
    def test_an_item_stands_under_an_erased_address(
        self, table: str, under: tuple[str, ...]
    ) -> None:
        sought = Sought(NOBODY, NOBODY, {KEY: BEFORE})
        assert sought.under(Piece("", under), Spot(table)) == {KEY}

    @pytest.mark.parametrize(
        ("table", "under"),
        [
            ("TimelineTable", (KEY, "pin#i1")),
            ("TimelineTable", (f"held#{KEY}", "2026-10-01T00:00:00.000Z#i1")),
            ("IdentityTable", (f"decided#{KEY}",)),
            ("ConsentTable", (KEY, "state")),
            ("PrivacyTable", (f"subject#{KEY}", "erasing")),
            ("TimelineTable", (OTHER, "2026-10-01T00:00:00.000Z#i1")),
            ("TimelineTable/buyers", (KEY,)),
        ],
    )
    def test_what_is_kept_on_purpose_is_none(self, table: str, under: tuple[str, ...]) -> None:
        sought = Sought(NOBODY, NOBODY, {KEY: BEFORE})
        assert sought.under(Piece(KEY, under), Spot(table)) == set()


class Shelf:
    """A place of numbered pages."""

    every_seconds = 3600

    def __init__(self, name: str, *pages: list[Piece]):
        self.spot = Spot(name)
        self.pages, self.asked = pages, list[tuple[str, str, str]]()
        self.fails = False

    def page(self, cursor: str, since: str, until: str) -> Page:
        self.asked.append((cursor, since, until))
        if self.fails:
            raise TemporaryFailure("the shelf is away")
        number = int(cursor or 0)
        more = number + 1 < len(self.pages)
        return Page(self.pages[number], str(number + 1) if more else "")


class Scene:
    def __init__(self) -> None:
        self.rows, self.at = MemoryRows(), 1_795_000_000.0
        self.told: list[tuple[str, Mapping[str, int]]] = []
        self.warned: list[str] = []
        self.states: dict[str, Any] = {}
        self.looked_up = 0

    def get_states(self, keys: Any, *, consistent: bool = False) -> Mapping[str, Any]:
        assert consistent
        return {key: self.states[key] for key in keys if key in self.states}

    def sought(self) -> Sought:
        self.looked_up += 1
        return Sought(Values(["gone@example.com"]), NOBODY, erased_addresses(self.rows))

    def scan(self) -> ScanResidues:
        def warn(place: str, error: EnlaceError) -> None:
            self.warned.append(place)

        def tell(place: str, hits: Mapping[str, int]) -> None:
            self.told.append((place, dict(hits)))

        return ScanResidues(
            self.rows, states=self, sought=self.sought, tell=tell, warn=warn, clock=lambda: self.at
        )

    def run(self, *places: Shelf, pages: int = 1000) -> bool:
        left = iter(range(pages))
        return self.scan().run(places, lambda: next(left, None) is not None)

    def row(self, place: str) -> Mapping[str, Any]:
        found = self.rows.get("job#scan_residues", place)
        assert found is not None
        return found.body


@pytest.fixture
def scene() -> Iterator[Scene]:
    return Scene()


HIT, CLEAN = Piece("to gone@example.com"), Piece("nobody")


class TestScan:
    def test_counts_by_place_and_kind_and_keeps_no_value(self, scene: Scene) -> None:
        assert scene.run(Shelf("a", [HIT, CLEAN], [HIT]), Shelf("b", [CLEAN]))
        assert (scene.row("a")["read"], scene.row("a")["hits"]) == (3, {ERASED: 2})
        assert (scene.row("b")["phase"], scene.row("b")["hits"]) == (DONE, {})
        assert scene.told == [("a", {ERASED: 2})]
        assert "gone@example.com" not in str(vars(scene.rows))

    def test_goes_on_where_it_stopped_once_and_not_before_the_next_round(
        self, scene: Scene
    ) -> None:
        place = Shelf("a", [HIT], [HIT], [HIT])
        assert not scene.run(place, pages=2)
        assert scene.run(place)
        assert [cursor for cursor, _, _ in place.asked] == ["", "1", "2"]
        assert scene.row("a")["hits"] == {ERASED: 3}
        assert scene.run(place) and len(place.asked) == 3
        scene.at += place.every_seconds
        assert scene.run(place) and len(place.asked) == 6
        assert scene.row("a")["hits"] == {ERASED: 3}, "a round counts for itself"

    def test_each_round_is_told_from_where_the_last_one_began(self, scene: Scene) -> None:
        place, first = Shelf("a", [CLEAN]), epoch_text(scene.at)
        scene.run(place)
        scene.at += place.every_seconds
        scene.run(place)
        assert place.asked == [("", "", first), ("", first, epoch_text(scene.at))]

    def test_one_that_does_not_answer_keeps_none_waiting_and_is_tried_again(
        self, scene: Scene
    ) -> None:
        away, other = Shelf("a", [HIT]), Shelf("b", [CLEAN])
        away.fails = True
        assert not scene.run(away, other)
        assert scene.warned == ["a"] and scene.row("b")["phase"] == DONE
        away.fails = False
        scene.at += LEASE_SECONDS + 1
        assert scene.run(away, other)
        assert scene.told == [("a", {ERASED: 1})]

    def test_those_that_have_waited_longest_go_first(self, scene: Scene) -> None:
        first, second = Shelf("a", [CLEAN]), Shelf("b", [CLEAN])
        scene.run(first)
        scene.at += first.every_seconds
        # There is time for one place alone, and one look before each of its pages.
        scene.run(first, second, pages=2)
        assert (len(first.asked), len(second.asked)) == (1, 1)

    def test_an_acknowledgement_that_was_lost_loses_nothing(self, scene: Scene) -> None:
        """The client writes again what was written, and is told that it is not as it was read."""
        put = scene.rows.put

        def twice(rows: Sequence[Row]) -> list[Row]:
            put(rows)
            return put(rows)

        scene.rows.put = twice  # type: ignore[method-assign]
        place = Shelf("a", [HIT], [HIT])
        assert scene.run(place)
        assert (scene.row("a")["phase"], scene.row("a")["hits"]) == (DONE, {ERASED: 2})

    def test_who_took_a_place_over_has_it(self, scene: Scene) -> None:
        place, put = Shelf("a", [HIT], [HIT]), scene.rows.put

        def late(rows: Sequence[Row]) -> list[Row]:
            (row,) = rows
            if row.version == 1:
                put([Row(row.pk, row.sk, {"by": "another"}, row.version)])
            return put(rows)

        scene.rows.put = late  # type: ignore[method-assign]
        scene.run(place)
        assert scene.row("a") == {"by": "another"} and not scene.told

    def test_who_is_at_a_place_has_it_alone(self, scene: Scene) -> None:
        place = Shelf("a", [CLEAN])
        until = epoch_text(scene.at + LEASE_SECONDS)
        scene.rows.put([Row("job#scan_residues", "a", {"lease_until": until})])
        assert scene.run(place) and not place.asked

    def test_without_anything_to_do_nothing_is_looked_up(self, scene: Scene) -> None:
        place = Shelf("a", [CLEAN])
        scene.run(place)
        scene.run(place)
        assert scene.looked_up == 1


def record(returned_after: str) -> IdentifierRecord:
    pointer = Pointer(BEFORE, "c1")
    return IdentifierRecord(
        KEY, "email", "v", "v", "c1", "i", pointer, returned_after=returned_after
    )


class TestErasedAddresses:
    def journal(self, scene: Scene, *befores: str) -> None:
        scene.rows.put([Row(JOURNAL, HEAD, {"number": len(befores), "hash": ""})])
        for number, before in enumerate(befores, 1):
            body = {"keys": [KEY], "erased_before": before}
            scene.rows.put([Row(JOURNAL, f"{number:09d}", body)])

    def hits(self, scene: Scene, table: str, state: Any) -> Mapping[str, int]:
        if state is not None:
            scene.states[KEY] = state
        item = Piece("", (KEY, "2026-10-01T00:00:00.000Z#i1"))
        scene.run(Shelf(table, [item, item]))
        hits: Mapping[str, int] = scene.row(table)["hits"]
        return hits

    def test_the_last_erasure_counts(self, scene: Scene) -> None:
        self.journal(scene, BEFORE, "2026-11-03T00:00:00.000Z", "2026-11-02T00:00:00.000Z")
        assert erased_addresses(scene.rows) == {KEY: "2026-11-03T00:00:00.000Z"}

    def test_what_stands_under_one_is_a_residue(self, scene: Scene) -> None:
        self.journal(scene, BEFORE)
        assert self.hits(scene, "TimelineTable", Tombstone(KEY, BEFORE)) == {UNDER: 2}

    def test_a_tombstone_itself_is_none(self, scene: Scene) -> None:
        self.journal(scene, BEFORE)
        assert self.hits(scene, "IdentityTable", Tombstone(KEY, BEFORE)) == {}

    def test_somebody_new_at_the_address_is_none(self, scene: Scene) -> None:
        self.journal(scene, BEFORE)
        assert self.hits(scene, "TimelineTable", record(BEFORE)) == {}

    @pytest.mark.parametrize("table", ["IdentityTable", "TimelineTable"])
    def test_one_that_was_there_before_and_is_again_is(self, scene: Scene, table: str) -> None:
        self.journal(scene, BEFORE)
        assert self.hits(scene, table, record("")) == {UNDER: 2}

    def test_while_the_next_one_is_being_erased_nothing_is_said(self, scene: Scene) -> None:
        self.journal(scene, BEFORE)
        later = Tombstone(KEY, "2026-11-05T00:00:00.000Z")
        assert self.hits(scene, "TimelineTable", later) == {}
