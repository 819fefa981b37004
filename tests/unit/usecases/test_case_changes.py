"""Cases that come in the wrong order, are closed, reported on, merged and split."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enlace.domain.protocol import format_protocol
from enlace.domain.records import CustomerHint
from tests.unit.usecases.case_contacts import (
    EMAIL,
    PHONE,
    STRANGER,
    at,
    complaint,
    joined_customer,
    said,
)
from tests.unit.usecases.case_scene import CaseScene


@pytest.fixture
def scene() -> CaseScene:
    return CaseScene()


class TestOrderAndRepetition:
    @settings(max_examples=40, deadline=None)
    @given(st.permutations(range(6)), st.booleans())
    def test_the_order_of_arrival_changes_nothing(self, order: list[int], late: bool) -> None:
        scene = CaseScene(hold=late)
        joined_customer(scene, PHONE, EMAIL)
        made = [
            said("before", PHONE, 9.5),
            complaint("1", PHONE, 10),
            said("2", EMAIL, 11),
            said("3", (*PHONE, "stated"), 12, type_="call.ended"),
            said("4", EMAIL, 13),
            said("elsewhere", STRANGER, 12),
        ]
        for n in order:
            scene.happen(made[n])
        scene.let_go()
        (case,) = scene.open
        assert set(scene.thread(case.protocol)) == {"before", "1", "2", "3", "4"}

    def test_two_complaints_in_the_wrong_order_make_one_case(self, scene: CaseScene) -> None:
        scene.happen(complaint("2", PHONE, 12), complaint("1", PHONE, 10))
        (case,) = scene.open
        assert scene.thread(case.protocol) == {"1": "window", "2": "opened"}

    def test_another_dispatcher_that_was_faster_is_joined(
        self, scene: CaseScene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Both looked for an open case before either had opened one.
        real, seen = scene.cases.open_of, []

        def blind_at_first(keys: Any) -> Any:
            seen.append(keys)
            if len(seen) == 1:
                scene.cases.open(
                    contact_key=scene.key(PHONE), contact_kind="phone", interaction_id="other",
                    customer_id="c", nature="complaint", opened_at=at(9.9), level="proven",
                )  # fmt: skip
                return []
            return real(keys)

        monkeypatch.setattr(scene.cases, "open_of", blind_at_first)
        scene.happen(complaint("1", PHONE, 10))
        (case,) = scene.open
        assert case.interaction_id == "other"


class TestClosing:
    @pytest.fixture
    def closed(self, scene: CaseScene) -> str:
        scene.happen(complaint("1", PHONE, 10))
        (case,) = scene.open
        conversation = {"protocol": case.protocol}
        scene.happen(said("end", PHONE, 20, type_="case.closed", conversation=conversation))
        assert scene.open == []
        return case.protocol

    def test_it_leaves_the_open_ones_and_the_hints(self, scene: CaseScene, closed: str) -> None:
        (told,) = scene.named("case.closed")
        assert (told.data["protocol"], told.data["by"]) == (closed, "generic")
        assert scene.store.records[scene.key(PHONE)].hint is None
        reached = scene.reached["dispatch_message"]
        scene.happen(said("later", PHONE, 21))
        assert scene.reached["dispatch_message"] == reached

    def test_a_reply_soon_after_reopens_it(self, scene: CaseScene, closed: str) -> None:
        scene.happen(said("2", PHONE, 90, f"{closed} voltou a falhar"))
        (case,) = scene.open
        assert case.protocol == closed
        assert scene.thread(closed)["2"] == "reference"
        assert len(scene.named("case.reopened")) == 1
        assert scene.store.records[scene.key(PHONE)].hint is not None

    def test_a_number_long_after_begins_another_that_follows_it(
        self, scene: CaseScene, closed: str
    ) -> None:
        scene.happen(said("2", PHONE, 93, f"{closed} voltou a falhar"))
        (case,) = scene.open
        assert (case.follows, case.protocol != closed) == (closed, True)
        (_, opened) = scene.named("case.opened")
        assert opened.data["follows"] == closed

    def test_thanks_in_the_same_thread_long_after_begin_nothing(
        self, scene: CaseScene, closed: str
    ) -> None:
        scene.happen(said("2", PHONE, 200, "obrigado", conversation={"reply_to": "1"}))
        assert scene.open == []

    def test_what_was_said_before_joins_without_reopening(
        self, scene: CaseScene, closed: str
    ) -> None:
        scene.happen(said("2", PHONE, 15, closed))
        assert scene.open == []
        assert scene.thread(closed)["2"] == "reference"

    def test_the_companys_own_answer_reopens_nothing(self, scene: CaseScene, closed: str) -> None:
        named = {"protocol": closed}
        scene.happen(
            said("a", PHONE, 21, type_="complaint.answered", conversation=named),
            said("b", PHONE, 22, type_="message.sent", direction="outbound", conversation=named),
        )
        assert scene.open == []
        assert list(scene.thread(closed)) == ["1", "end", "a", "b"]

    def test_a_new_complaint_opens_a_new_case(self, scene: CaseScene, closed: str) -> None:
        scene.happen(complaint("2", PHONE, 21))
        (case,) = scene.open
        assert case.protocol != closed


class TestReports:
    def test_another_system_hands_it_over(self, scene: CaseScene) -> None:
        scene.happen(complaint("1", PHONE, 10))
        (case,) = scene.open
        named = {"protocol": format_protocol(case.protocol)}
        scene.happen(
            said(
                "b", PHONE, 13, type_="case.transferred", conversation=named,
                data={"to": "redes", "channel": "telefone", "reason": "antena"},
            ),
            said("a", PHONE, 12, type_="case.assigned", conversation=named, data={"to": "ana"}),
        )  # fmt: skip
        (case,) = scene.open
        # The assignment came late, and is history.
        assert (case.assignee, case.team) == ("redes", "telefone")
        assert [c.kind for c in scene.cases.changes(case.protocol, 9)] == [
            "assigned",
            "transferred",
        ]
        (event,) = scene.named("case.transferred")
        assert (event.data["to"], event.data["channel"]) == ("redes", "telefone")
        assert len(scene.named("case.assigned")) == 1

    def test_a_report_that_names_no_case_of_its_customer_changes_none(
        self, scene: CaseScene
    ) -> None:
        scene.happen(complaint("1", PHONE, 10))
        (case,) = scene.open
        named = {"protocol": case.protocol}
        scene.happen(
            said("a", STRANGER, 11, type_="case.closed", conversation=named),
            said("b", PHONE, 12, type_="case.closed"),
        )
        assert scene.open == [case]


class TestMergesAndSplits:
    def test_hints_follow_what_holds(self, scene: CaseScene) -> None:
        joined_customer(scene, PHONE)
        scene.happen(said("e", EMAIL, 1))
        phone, email = scene.key(PHONE), scene.key(EMAIL)
        decision = scene.same(PHONE, EMAIL)
        records = scene.store.records
        assert records[phone].hint == records[email].hint
        assert records[phone].hint == CustomerHint(tuple(sorted((phone, email))), open_case=False)
        scene.happen(complaint("1", PHONE, 10))
        assert records[email].hint == CustomerHint(tuple(sorted((phone, email))), open_case=True)
        scene.withdraw(decision)
        assert records[email].hint is None
        assert records[phone].hint == CustomerHint((phone,), open_case=True)

    def test_events_in_the_wrong_order_end_in_the_same_hints(self) -> None:
        scene = CaseScene(hold=True)
        scene.happen(said("p", PHONE, 1), said("e", EMAIL, 1), complaint("1", PHONE, 10))
        scene.withdraw(scene.same(PHONE, EMAIL))
        decision = scene.same(PHONE, EMAIL)
        scene.held.reverse()
        scene.let_go()
        both = tuple(sorted((scene.key(PHONE), scene.key(EMAIL))))
        hints = {scene.store.records[key].hint for key in both}
        assert decision and hints == {CustomerHint(both, open_case=True)}

    def test_a_merge_that_comes_between_is_seen(
        self, scene: CaseScene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene.happen(said("p", PHONE, 1), said("e", EMAIL, 1))
        real, calls = scene.store.put_hint, []

        def merging(key: str, hint: CustomerHint | None) -> None:
            real(key, hint)
            calls.append(key)
            if len(calls) == 1:
                # Told of by an event that is handled before this write, and so too early.
                scene.same(PHONE, EMAIL)

        scene.hold = True
        scene.happen(complaint("1", PHONE, 10))
        (opened,) = scene.named("case.opened")
        monkeypatch.setattr(scene.store, "put_hint", merging)
        # Once only: a second delivery would put it right by chance.
        scene.follow(opened)
        both = tuple(sorted((scene.key(PHONE), scene.key(EMAIL))))
        assert {scene.store.records[key].hint for key in both} == {CustomerHint(both, True)}

    def test_a_case_survives_a_split_with_the_contact_point_that_opened_it(
        self, scene: CaseScene
    ) -> None:
        scene.happen(said("p", PHONE, 1), said("e", EMAIL, 1))
        decision = scene.same(PHONE, EMAIL, verified=True)
        scene.happen(complaint("1", PHONE, 10), said("2", EMAIL, 11))
        scene.withdraw(decision)
        (case,) = scene.open
        assert scene.thread(case.protocol) == {"1": "opened", "2": "window"}
        scene.happen(said("3", EMAIL, 12), said("4", PHONE, 12))
        assert set(scene.thread(case.protocol)) == {"1", "2", "4"}
