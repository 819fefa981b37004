"""What every store of cases must do: the memory's and DynamoDB's suite."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.domain.case import Case, Change, Contact
from enlace.domain.protocol import make_protocol
from enlace.errors import Conflict

AT = "2026-11-20T12:00:00.000Z"
LATER = "2026-11-20T13:00:00.000Z"
OPENING = {
    "contact_key": "phone#1",
    "contact_kind": "phone",
    "interaction_id": "i-1",
    "customer_id": "c-1",
    "nature": "complaint",
    "opened_at": AT,
    "level": "proven",
    "channel": "whatsapp",
}


def contact(case: Case, interaction_id: str = "i-2", at: str = LATER, **changes: Any) -> Contact:
    made = Contact(
        protocol=case.protocol,
        interaction_id=interaction_id,
        occurred_at=at,
        contact_key="email#1",
        contact_kind="email",
        customer_id="c-1",
        channel="email",
        type="message.received",
        direction="inbound",
        how="window",
    )
    return replace(made, **changes)


class CaseSuite:
    """Subclasses give fresh ``cases`` and the ``threads`` on them."""

    @pytest.fixture
    def cases(self) -> Any:
        raise NotImplementedError

    @pytest.fixture
    def threads(self, cases: Any) -> Any:
        raise NotImplementedError

    def test_opening_again_finds_the_same_case(self, cases: Any) -> None:
        opened = cases.open(**OPENING, references=["r-1"])
        assert opened.protocol == make_protocol("i-1", AT)
        assert cases.open(**OPENING) == opened
        assert cases.find(opened.protocol) == opened
        assert cases.open_of(["phone#1", "email#1"]) == [opened]
        known = cases.look_up("i-1", ["r-0", "r-1"])
        assert (known.contact.how, known.referred) == ("opened", (opened.protocol,))

    def test_a_taken_number_gives_the_next(self, cases: Any, monkeypatch: Any) -> None:
        taken = make_protocol("i-9", AT)
        for module in ("enlace.aws.case_table", "tests.stores.memory_cases"):
            monkeypatch.setattr(
                f"{module}.make_protocol",
                lambda id_, at, n: taken if n == 0 else make_protocol(id_, at, n),
            )
        first = cases.open(**OPENING)
        second = cases.open(**{**OPENING, "interaction_id": "i-2"})
        assert (first.protocol, second.protocol) == (taken, make_protocol("i-2", AT, 1))
        assert cases.open(**{**OPENING, "interaction_id": "i-2"}) == second

    def test_a_contact_point_opens_one_case_at_a_time(self, cases: Any) -> None:
        assert cases.opened_last("phone#1") == ""
        first = cases.open(**OPENING, opened_last="")
        second = {**OPENING, "interaction_id": "i-2"}
        with pytest.raises(Conflict):
            cases.open(**second, opened_last="")
        assert cases.opened_last("phone#1") == first.protocol
        cases.open(**second, opened_last=first.protocol)
        assert len(cases.open_of(["phone#1"])) == 2

    def test_an_interaction_joins_once(self, cases: Any, threads: Any) -> None:
        one = cases.open(**OPENING)
        other = cases.open(**{**OPENING, "interaction_id": "i-9"})
        joined = cases.join(contact(one), ["r-2"])
        assert cases.join(contact(other, how="reference"), ["r-2"]) == joined == contact(one)
        assert cases.look_up("i-2", ["r-2"]).referred == (one.protocol,)
        assert cases.find(one.protocol).last_contact_at == LATER
        thread, more = threads.contacts(one.protocol, before=None, limit=10)
        assert [(c.interaction_id, c.how) for c in thread] == [("i-2", "window"), ("i-1", "opened")]
        assert not more
        assert len(threads.contacts(other.protocol, before=None, limit=10)[0]) == 1

    def test_an_earlier_or_outbound_contact_prolongs_nothing(self, cases: Any) -> None:
        case = cases.open(**OPENING)
        cases.join(contact(case, "i-2", "2026-11-20T11:00:00.000Z"))
        cases.join(contact(case, "i-3", direction="outbound"))
        assert cases.find(case.protocol).last_contact_at == AT

    def test_a_thread_is_read_in_pages(self, cases: Any, threads: Any) -> None:
        case = cases.open(**OPENING)
        for n in range(1, 6):
            cases.join(contact(case, f"j-{n}", f"2026-11-20T12:0{n}:00.000Z"))
        seen: list[str] = []
        before, more = None, True
        while more:
            page, more = threads.contacts(case.protocol, before=before, limit=2)
            seen += [c.interaction_id for c in page]
            before = page[-1].timeline_key
        assert seen == ["j-5", "j-4", "j-3", "j-2", "j-1", "i-1"]

    def test_closing_leaves_the_list_and_reopening_comes_back(
        self, cases: Any, threads: Any
    ) -> None:
        case = cases.open(**OPENING)
        closing = Change("d-1", "closed", LATER, by="agent-1", reason="solved")
        closed = cases.change(case, closing)
        assert (closed.state, closed.state_at) == ("closed", LATER)
        assert cases.open_of(["phone#1"]) == []
        assert cases.change(case, closing) == closed
        opened = cases.change(closed, Change("d-2", "reopened", LATER, by="agent-1"))
        assert opened.is_open and cases.open_of(["phone#1"]) == [opened]
        assert [c.kind for c in threads.changes(case.protocol, 10)] == ["reopened", "closed"]
        assert threads.changes(case.protocol, 10)[1] == closing

    def test_a_change_to_what_has_changed_is_a_conflict(self, cases: Any) -> None:
        case = cases.open(**OPENING)
        cases.change(case, Change("d-1", "assigned", LATER, by="a", to="b"))
        with pytest.raises(Conflict):
            cases.change(case, Change("d-2", "assigned", LATER, by="a", to="c"))
        assert cases.find(case.protocol).assignee == "b"

    def test_a_contact_in_between_is_kept_by_a_change(self, cases: Any) -> None:
        case = cases.open(**OPENING)
        cases.join(contact(case))
        cases.change(case, Change("d-1", "closed", LATER, by="a"))
        assert cases.find(case.protocol).last_contact_at == LATER

    def test_a_late_report_is_history_only(self, cases: Any) -> None:
        case = cases.open(**OPENING)
        new = cases.change(case, Change("d-1", "assigned", LATER, by="a", to="new", channel="x"))
        old = cases.change(new, Change("d-2", "transferred", AT, by="a", to="old", channel="y"))
        assert (old.assignee, old.team) == ("new", "x")

    def test_a_contact_point_is_told_once(self, cases: Any) -> None:
        case = cases.open(**OPENING)
        assert cases.told(case.protocol, "phone#1", "m-1") == "m-1"
        assert cases.told(case.protocol, "phone#1", "m-1") == "m-1"
        assert cases.told(case.protocol, "phone#1", "m-2") == "m-1"
        assert cases.told(case.protocol, "email#1", "m-3") == "m-3"
        assert cases.case_of_message("m-1") == case.protocol
        assert cases.case_of_message("m-2") is None

    def test_a_reference_leads_to_the_latest_case(self, cases: Any) -> None:
        cases.refer("r-1", "1")
        cases.refer("r-1", "2")
        assert cases.look_up("i", ["r-1"]).referred == ("2",)
