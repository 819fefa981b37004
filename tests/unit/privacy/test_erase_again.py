"""After a restore: nothing goes on until the erasures are done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from enlace.aws import restore_marks
from enlace.domain.erasure import Census, Subject
from enlace.domain.records import IdentifierRecord, Pointer
from enlace.usecases.erase_again import EraseAgain
from enlace.usecases.restore_hold import RestoredTables, RestoreHold
from enlace.usecases.rows import Row
from local.memory_rows import MemoryRows

BEFORE, AFTER = "2026-11-01T00:00:00.000Z", "2026-11-23T00:00:00.000Z"


class Marks:
    """Two tables and the journal."""

    def __init__(self, rows: MemoryRows):
        self.rows, self.tables, self.asked = rows, {"identity": 0, "timeline": 0}, 0

    def behind(self) -> tuple[int, int]:
        self.asked += 1
        head = self.rows.get("journal", "head")
        return min(self.tables.values()), head.body["number"] if head else 0

    def mark(self, number: int) -> None:
        self.tables = {name: max(number, known) for name, known in self.tables.items()}


class Fence:
    def __init__(self) -> None:
        self.log: list[tuple[str, ...]] = []

    def raise_at(self, keys: Any, at: str, request_id: str) -> None:
        self.log.append(("up", at, *keys))

    def lower(self, keys: Any) -> None:
        self.log.append(("down", *keys))


class Shelf:
    method = "delete"

    def __init__(self, name: str, held: set[str], most: int = 99):
        self.name, self.held, self.most = name, held, most
        self.subjects: list[Subject] = []

    def census(self, subject: Subject) -> Census:
        return Census(len(self.held & set(subject.keys)), (), {"messages": ("m1",)})

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        self.subjects.append(subject)
        self.held -= set(sorted(self.held & set(subject.keys))[: self.most])
        return not self.held & set(subject.keys)


class Scene:
    def __init__(self) -> None:
        self.rows, self.fence = MemoryRows(), Fence()
        self.marks = Marks(self.rows)
        self.records: dict[str, IdentifierRecord] = {}
        self.identity = Shelf("identity", set())
        self.timeline = Shelf("timeline", set())
        self.again = EraseAgain(
            self.rows,
            self.marks,
            fence=self.fence,
            identities=self,
            identity=self.identity,
            places=[self.timeline],
            now=lambda: AFTER,
        )

    def get_identifiers(self, keys: Any, *, consistent: bool = False) -> dict[str, Any]:
        return {key: self.records[key] for key in keys if key in self.records}

    def journal(self, *entries: tuple[str, ...]) -> None:
        for number, keys in enumerate(entries, 1):
            body = {"keys": list(keys), "erased_before": BEFORE, "request_id": f"r{number}"}
            self.rows.put([Row("journal", f"{number:09d}", body)])
        self.rows.put([Row("journal", "head", {"number": len(entries)})])

    def restored(self, key: str, returned_after: str = "") -> None:
        self.records[key] = IdentifierRecord(
            key,
            "email",
            f"{key}@example.com",
            "",
            f"birth-{key}",
            "",
            Pointer("2026-10-01T00:00:00.000Z", "c1"),
            returned_after=returned_after,
        )
        self.identity.held.add(key)
        self.timeline.held.add(key)


def test_what_a_backup_brings_back_goes_again_with_what_is_its_own() -> None:
    scene = Scene()
    scene.journal(("a", "b"), ("c",))
    scene.marks.tables = {"identity": 2, "timeline": 0}
    scene.restored("a")
    scene.timeline.held |= {"b", "neighbour"}
    assert scene.again.run()
    assert scene.timeline.held == {"neighbour"} and scene.identity.held == set()
    assert scene.marks.behind() == (2, 2)
    assert scene.fence.log == [
        ("up", BEFORE, "a", "b"),
        ("down", "a", "b"),
        ("up", BEFORE, "c"),
        ("down", "c"),
    ]
    [subject] = scene.identity.subjects
    assert subject.customer_ids == ("birth-a", "c1")
    assert scene.timeline.subjects[0].ids("messages") == ("m1",)


def test_what_a_legal_hold_keeps_it_keeps_from_a_restore_as_well() -> None:
    scene = Scene()
    scene.journal(("a",))
    scene.restored("a")
    holds = {"in force": ("", ""), "released": (AFTER, ""), "lapsed": ("", BEFORE)}
    for name, (released_at, until) in holds.items():
        body = {"records": [["timeline", name]], "released_at": released_at, "until": until}
        scene.rows.put([Row("holds", name, body)])
    assert scene.again.run()
    for subject in (*scene.identity.subjects, *scene.timeline.subjects):
        assert subject.holds == {("timeline", "in force"): "in force"}


def test_who_came_back_as_a_newcomer_stays() -> None:
    scene = Scene()
    scene.journal(("a",))
    scene.restored("a", returned_after=BEFORE)
    assert scene.again.run()
    assert scene.identity.held == {"a"}


def test_it_goes_on_where_it_stopped() -> None:
    scene = Scene()
    scene.journal(("a",), ("b",))
    scene.timeline.held = {"a", "b"}
    left = iter([True, False])
    assert not scene.again.run(lambda: next(left))
    assert scene.marks.behind() == (1, 2)
    assert scene.again.run()
    assert scene.timeline.held == set()


def test_nothing_goes_on_meanwhile_and_everything_does_afterwards() -> None:
    """Auditor's case 17."""
    scene, now = Scene(), [0.0]
    hold = RestoreHold(scene.marks, lambda: now[0])
    scene.journal(("a",))
    with pytest.raises(RestoredTables, match="1 erasures"):
        hold.check()
    # A refusal is never kept: the next delivery asks again.
    scene.again.run()
    hold.check()
    asked = scene.marks.asked
    for _ in range(100):
        hold.check()
    assert scene.marks.asked == asked
    scene.marks.tables["timeline"] = 0
    now[0] += 61
    with pytest.raises(RestoredTables):
        hold.check()


@pytest.mark.parametrize(
    ("told", "seconds"),
    [({"RESTORE_LOOK_SECONDS": "2"}, 2), ({"RESTORE_LOOK_SECONDS": ""}, 60), ({}, 60)],
)
def test_how_often_it_looks_is_told_by_the_deployment(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], seconds: float
) -> None:
    now, asked = [0.0], list[str]()

    class Client:
        def get_item(self, **request: Any) -> dict[str, Any]:
            asked.append(request["TableName"])
            return {}

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    hold = restore_marks.restore_hold({"PRIVACY_TABLE": "privacy", **told}, Client())
    assert hold is not None
    for now[0], looks in ((0.0, 1), (seconds - 0.1, 1), (seconds, 2), (2 * seconds - 0.1, 2)):
        hold.check()
        assert asked == ["privacy"] * looks


def test_a_new_deployment_holds_nothing() -> None:
    scene = Scene()
    RestoreHold(scene.marks, lambda: 0.0).check()
    assert scene.again.run() and not scene.fence.log


def test_a_record_keeps_what_it_was_restored_with() -> None:
    scene = Scene()
    scene.journal(("a",))
    scene.restored("a")
    scene.records["a"] = replace(scene.records["a"], raw="Joao@Example.com")
    scene.again.run()
    assert scene.identity.subjects[0].identifiers[0].raw == "Joao@Example.com"
