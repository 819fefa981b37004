"""The saga of an erasure, with places in memory: counts, crashes, processors, holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from enlace.domain.certificate import BrokenChain, check_chain
from enlace.domain.erasure import Subject
from enlace.errors import EnlaceError, InvalidPayload
from enlace.usecases.erase_subject import Outcome
from enlace.usecases.erasure_ports import ErasureRequest, NotYet
from enlace.usecases.legal_holds import LegalHolds
from local.memory_rows import MemoryRows
from tests.unit.privacy.scene import EXPECTED, MAIL, NOW, OTHER, PHONE, START, Scene
from tests.unit.usecases.fakes import Crash


def test_all_goes_but_what_must_stay_and_the_certificate_says_so() -> None:
    scene = Scene()
    assert scene.finish() == Outcome("done")
    assert scene.counts() == EXPECTED
    assert scene.timeline.items == {MAIL.key: [], PHONE.key: [], OTHER: ["theirs"]}
    assert scene.consents.items == {MAIL.key: ["ledger"]}
    assert scene.registry.states == ["fenced", "running", "verifying", "completed"]
    assert scene.registry.announced == [("c1",)]
    assert scene.registry.told == ["r1-1"]
    assert scene.registry.forgotten and not scene.registry.erasing
    body = scene.certificate()
    assert (body["found"], body["deleted"], body["retained"], body["residual_hits"]) == (
        15,
        14,
        1,
        0,
    )
    assert body["places"][2]["kept"] == [
        {"what": "what the law keeps", "count": 1, "ground": "a law", "until": ""}
    ]


def test_nothing_in_clear_is_left_and_nobody_is_named_in_the_certificate() -> None:
    scene = Scene()
    scene.finish()
    left = repr(scene.rows.rows)
    for identifier in (MAIL, PHONE):
        assert identifier.value not in left and identifier.value[::-1] not in left


def test_the_fence_goes_up_before_anything_else_and_lies_ahead_of_the_tombstones() -> None:
    scene = Scene()
    outcome = scene.saga().run("r1")
    assert outcome == Outcome("identity", 120)
    assert scene.registry.fences and scene.registry.erasing == {MAIL.key, PHONE.key}
    assert scene.identity.asked == 0
    # From now on nobody writes under keys that will be shredded; nobody remembers them then.
    assert scene.retired == [(START, [MAIL.key, PHONE.key])]
    # Too early: nothing happens.
    scene.now += 60
    assert scene.saga().run("r1").phase == "identity" and scene.identity.asked == 0
    scene.now += 61
    began = scene.now
    scene.saga().run("r1")
    [subject, *_] = scene.identity.seen
    assert (
        subject.erased_before > "2026" and scene.registry.fences[MAIL.key] == subject.erased_before
    )
    assert datetime.fromisoformat(subject.erased_before).timestamp() > began
    assert len(scene.retired) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_call_changes_no_count(after: bool) -> None:
    whole = Scene()
    whole.finish()
    calls = whole.power.calls
    assert calls > 60
    for cut_at in range(1, calls + 1):
        scene = Scene()
        scene.power.cut_at, scene.power.after = cut_at, after
        try:
            scene.finish()
        except Crash:
            # The lease of the dead run has to end.
            scene.now += 400
            assert scene.finish() == Outcome("done"), cut_at
        assert scene.counts() == EXPECTED, cut_at
        assert scene.timeline.items[OTHER] == ["theirs"]
        assert not scene.registry.erasing
        assert scene.rows.get("request#r1", "snapshot") is None
        assert not [key for key in scene.rows.rows if key[1] == "erasing"], cut_at
        assert scene.rows.get("journal", "head").body["number"] == 1  # type: ignore[union-attr]


def test_a_store_that_does_not_answer_is_asked_again_and_never_certified_before() -> None:
    scene = Scene()
    scene.timeline.broken = 5
    assert scene.finish() == Outcome("done")
    assert scene.timeline.asked > 5 and scene.counts() == EXPECTED


def test_others_do_not_wait_for_a_place_that_does_not_answer() -> None:
    scene = Scene()
    scene.timeline.broken = 1000
    for _ in range(12):
        scene.now += scene.saga().run("r1").again_in
    assert scene.consents.items == {MAIL.key: ["ledger"]}
    assert scene.rows.get("request#r1", "certificate#01") is None


def test_a_place_that_says_how_long_is_asked_then_and_no_sooner_or_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene()
    erase, refused = scene.crm.erase, list[float]()

    def not_yet(subject: Subject, time_left: Callable[[], bool]) -> bool:
        left = datetime.fromisoformat(subject.erased_before).timestamp() + 75 - scene.now
        if left > 0:
            refused.append(left)
            raise NotYet("a sender may still be at work", left)
        return erase(subject, time_left)

    monkeypatch.setattr(scene.crm, "erase", not_yet)
    while (outcome := scene.saga().run("r1")).again_in:
        scene.now += outcome.again_in
    assert outcome == Outcome("done") and scene.counts() == EXPECTED
    # Once it was told, and came neither too early nor half a minute too late.
    assert len(refused) == 1 and scene.now - START < 120 + 60 + 75 + 5


def test_a_processor_that_never_answers_leaves_it_partial_without_a_certificate() -> None:
    """Auditor's case 15."""
    scene = Scene()
    scene.crm.broken = 100_000
    began = scene.now
    assert scene.finish(most=2000) == Outcome("partial")
    assert scene.now - began > 30 * 86_400
    assert scene.registry.states[-1] == "partial" and "awaiting_processors" in scene.registry.states
    assert scene.rows.get("request#r1", "certificate#01") is None
    # People finish it by hand: what they need is still there.
    assert scene.rows.get("request#r1", "snapshot") is not None


def test_a_run_that_meets_another_leaves_it_alone() -> None:
    scene = Scene()
    scene.power.cut_at, scene.power.after = 12, True
    with pytest.raises(Crash):
        scene.saga().run("r1")
    # The dead run still has its lease.
    assert scene.saga().run("r1").again_in > 60


def test_run_again_it_does_nothing() -> None:
    """Auditor's case 12."""
    scene = Scene()
    scene.finish()
    before = repr(scene.rows.rows)
    assert scene.saga().run("r1") == Outcome("done")
    assert repr(scene.rows.rows) == before


def test_two_requests_of_one_person_are_erased_one_after_the_other() -> None:
    """Auditor's case 13."""
    scene = Scene()
    scene.saga().run("r1")
    second = scene.saga().run("r2")
    assert second.phase == "find" and second.again_in
    scene.finish("r1")
    assert scene.finish("r2") == Outcome("done")
    assert scene.counts() == EXPECTED
    body = scene.certificate("r2")
    assert body["deleted"] == 0 and body["number"] == 2
    check_chain([scene.certificate("r1"), body])


def test_what_a_legal_hold_keeps_goes_when_it_is_released() -> None:
    """Auditor's case 22."""
    scene = Scene()
    holds = LegalHolds(scene.rows, reopen=scene.saga().reopen, now=lambda: NOW)
    hold_id = holds.place(
        [("timeline", "i3")], ground="lawsuit 1", authority="a court", until="", caller="dpo"
    )["hold_id"]
    scene.finish()
    assert scene.timeline.items[MAIL.key] == ["i3"]
    timeline = scene.certificate()["places"][1]
    assert (timeline["found"], timeline["deleted"], timeline["retained"]) == (8, 7, 1)
    assert timeline["kept"][0]["ground"] == f"legal hold {hold_id}"
    assert not scene.saga().overdue()

    assert holds.release(hold_id, caller="dpo")["released_at"] == NOW
    assert scene.saga().overdue() == ["r1"]
    # Once more, by whoever lost the answer.
    holds.release(hold_id, caller="dpo")
    assert scene.finish() == Outcome("done")
    assert scene.timeline.items[MAIL.key] == []
    second = scene.certificate(round_=2)
    assert second["places"][1]["deleted"] == 1 and second["number"] == 2
    assert scene.registry.told == ["r1-1"]
    check_chain([second, scene.certificate()])


@pytest.mark.parametrize(
    ("records", "change", "says"),
    [
        ([], {}, "records"),
        ([("everything", "x")], {}, "place"),
        ([("timeline", "x")], {"ground": ""}, "ground"),
        ([("timeline", "x")], {"until": "2020-01-01T00:00:00.000Z"}, "until"),
    ],
)
def test_a_hold_that_says_too_little_is_refused(
    records: list[tuple[str, str]], change: dict[str, str], says: str
) -> None:
    holds = LegalHolds(MemoryRows(), reopen=lambda request_id: None, now=lambda: NOW)
    said = {"ground": "law", "authority": "court", "until": "", "caller": "dpo", **change}
    with pytest.raises(InvalidPayload, match=says):
        holds.place(records, **said)
    assert holds.all() == []


def test_what_comes_late_is_erased_and_certified_as_well() -> None:
    scene = Scene()
    scene.power.wrap = lambda call: call  # type: ignore[method-assign]
    erase = scene.crm.erase

    def late(subject: Subject, time_left: Callable[[], bool]) -> bool:
        if not scene.crm.asked:
            scene.timeline.items[MAIL.key].append("late")
        return erase(subject, time_left)

    scene.crm.erase = late  # type: ignore[method-assign]
    assert scene.finish() == Outcome("done")
    assert scene.timeline.items[MAIL.key] == []
    assert scene.counts()[1] == ("timeline", 9, 9, 0)


def test_a_certificate_that_was_altered_or_is_missing_breaks_the_chain() -> None:
    scene = Scene()
    for request_id in ("r1", "r2", "r3"):
        scene.finish(request_id)
    chain = [scene.certificate(request_id) for request_id in ("r1", "r2", "r3")]
    check_chain(chain)
    with pytest.raises(BrokenChain):
        check_chain([chain[0], chain[2]])
    with pytest.raises(BrokenChain):
        check_chain([{**chain[0], "deleted": 99}, *chain[1:]])


def test_an_unknown_request_is_refused() -> None:
    scene = Scene()

    def none(request_id: str) -> ErasureRequest:
        raise EnlaceError("no such request")

    scene.registry.erasure = none  # type: ignore[method-assign]
    with pytest.raises(EnlaceError):
        scene.saga().run("r9")
    assert not scene.registry.fences and not scene.rows.rows
