"""Erasing cases: wholly where they were the subject's alone, their part where not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from enlace.aws.case_table import CaseTable
from enlace.aws.case_threads import CaseThreads
from enlace.aws.erase_cases import CasePlace
from enlace.aws.history import DynamoHistory
from enlace.aws.partitions import Partitions
from enlace.domain.case import Case, Change, Contact
from enlace.domain.erasure import HOLD_GROUND, Subject
from tests.aws.erasing import (
    ERASED,
    always,
    cut_anywhere,
    dynamodb,
    erased,
    identifier,
    items,
    make_tables,
    subject_of,
)

__all__ = ["dynamodb"]

PHONE, NEIGHBOUR = ("phone", "+5511987654321"), ("phone", "+5511912345678")
BEFORE, AFTER = "2026-11-21T09:00:00.000Z", "2026-11-22T11:00:00.000Z"


class Scene:
    """A case table; what the timeline would have located is noted along."""

    def __init__(self, client: Any) -> None:
        make_tables(client)
        self.client = client
        self.cases = CaseTable(client, "case")
        self.threads = CaseThreads(client, "case")
        self.place = CasePlace(Partitions(client, "case"), self.cases.transact)
        self.located: dict[str, set[str]] = {
            name: set() for name in ("interactions", "messages", "references")
        }

    def subject(self, **fields: Any) -> Subject:
        located = {name: tuple(sorted(ids)) for name, ids in self.located.items()}
        return subject_of(PHONE, located=located, **fields)

    def open(self, point: tuple[str, str], id_: str, at: str = BEFORE, **fields: Any) -> Case:
        self._note(point, at, id_)
        return self.cases.open(
            contact_key=identifier(*point).key,
            contact_kind=point[0],
            interaction_id=id_,
            customer_id=f"c-{point[1]}",
            nature="complaint",
            opened_at=at,
            references=[f"digest-{id_}"],
            **fields,
        )

    def join(self, case: Case, point: tuple[str, str], id_: str, at: str = BEFORE) -> Contact:
        self._note(point, at, id_)
        contact = Contact(
            protocol=case.protocol,
            interaction_id=id_,
            occurred_at=at,
            contact_key=identifier(*point).key,
            contact_kind=point[0],
            customer_id=f"c-{point[1]}",
            channel="whatsapp",
            type="message.received",
            direction="inbound",
            how="reference",
        )
        return self.cases.join(contact, [f"digest-{id_}"])

    def tell(self, case: Case, point: tuple[str, str], message_id: str) -> None:
        if point == PHONE:
            self.located["messages"].add(message_id)
        self.cases.told(case.protocol, identifier(*point).key, message_id)

    def of(self, *cases: Case) -> list[dict[str, Any]]:
        """All of some cases: partitions, lists and pointers."""
        protocols = {case.protocol for case in cases}
        return [
            item
            for item in items(self.client, "case")
            if item["pk"]["S"].partition("#")[2] in protocols
            or item.get("protocol", {}).get("S") in protocols
        ]

    def _note(self, point: tuple[str, str], at: str, id_: str) -> None:
        if point == PHONE and at <= ERASED:
            self.located["interactions"].add(id_)
            self.located["references"].add(f"digest-{id_}")


def texts(client: Any) -> str:
    return str(items(client, "case"))


@pytest.fixture
def scene(dynamodb: Any) -> Scene:
    return Scene(dynamodb)


def own_case(scene: Scene) -> Case:
    """Opened, told, joined, worked on and closed."""
    case = scene.open(PHONE, "i-1")
    scene.tell(case, PHONE, "m-1")
    scene.join(case, PHONE, "i-2", "2026-11-21T09:30:00.000Z")
    # Its timeline item is gone by retention: nobody could locate it.
    scene.located["interactions"].discard("i-2")
    case = scene.cases.change(case, Change("d-1", "assigned", BEFORE, "op", "ana", reason="João"))
    return scene.cases.change(case, Change("d-2", "closed", BEFORE, "op", reason="pago"))


def shared_case(scene: Scene) -> Case:
    """The neighbour's; the subject took part, was told and reported that it is settled."""
    case = scene.open(NEIGHBOUR, "n-1", channel="whatsapp")
    scene.join(case, PHONE, "i-3")
    scene.join(case, NEIGHBOUR, "n-2")
    scene.tell(case, PHONE, "m-3")
    case = scene.cases.change(case, Change("i-3", "answered", BEFORE, "crm", reason="sou o João"))
    return scene.cases.change(case, Change("d-3", "assigned", BEFORE, "op", "ana", reason="fila"))


def test_a_case_of_the_subject_alone_goes_wholly(scene: Scene) -> None:
    own_case(scene)
    other = scene.open(NEIGHBOUR, "n-9")
    before = scene.of(other)
    subject = scene.subject()
    census = scene.place.census(subject)
    assert census.found and not census.kept
    erased(scene.place, subject)
    assert items(scene.client, "case") == before


def test_more_than_a_page_of_contacts_goes(scene: Scene) -> None:
    case = scene.open(PHONE, "i-1")
    for n in range(12):
        scene.join(case, PHONE, f"j-{n}")
    # As large as an item may be: a thread of many thousand contacts has as many pages.
    for item in scene.of(case):
        scene.client.put_item(TableName="case", Item={**item, "pad": {"S": "x" * 150_000}})
    erased(scene.place, scene.subject())
    assert not items(scene.client, "case")


def test_of_a_shared_case_the_subjects_part_goes_and_the_rest_stays_to_the_byte(
    scene: Scene,
) -> None:
    case = shared_case(scene)
    theirs = {f"contact#{BEFORE}#i-3", f"told#{identifier(*PHONE).key}"}
    before = {(i["pk"]["S"], i["sk"]["S"]): i for i in scene.of(case)}
    erased(scene.place, scene.subject())
    after = {(i["pk"]["S"], i["sk"]["S"]): i for i in items(scene.client, "case")}
    for key in before.keys() - after.keys():
        assert key[1] in theirs or key[0] in ("interaction#i-3", "message#m-3", "ref#digest-i-3")
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {(f"protocol#{case.protocol}", "change#000001")}
    assert "João" not in texts(scene.client) and identifier(*PHONE).key not in texts(scene.client)
    assert scene.cases.find(case.protocol) == case


def test_whoever_remains_has_the_case_that_the_subject_opened(scene: Scene) -> None:
    case = scene.open(PHONE, "i-1", level="proven", follows="20260101")
    scene.join(case, NEIGHBOUR, "n-1", "2026-11-21T10:00:00.000Z")
    case = scene.cases.change(case, Change("d-1", "assigned", BEFORE, "op", "ana", reason="João"))
    mine = scene.cases.look_up("n-1", ["digest-n-1"])
    erased(scene.place, scene.subject())
    now = scene.cases.find(case.protocol)
    assert now is not None and now.is_open and now.assignee == "ana"
    assert (now.contact_key, now.interaction_id) == (identifier(*NEIGHBOUR).key, "n-1")
    assert (now.level, now.follows, now.customer_id) == ("", "", f"c-{NEIGHBOUR[1]}")
    assert scene.cases.look_up("n-1", ["digest-n-1"]) == mine
    [listed] = DynamoHistory(scene.client, "timeline", "case").open_cases(now.contact_key)
    assert listed.interaction_id == "n-1"
    assert identifier(*PHONE).key not in texts(scene.client)
    assert "João" not in texts(scene.client)
    # It can be worked on as ever.
    closed = scene.cases.change(now, Change("d-9", "closed", AFTER, "op"))
    assert scene.cases.find(case.protocol) == closed


def test_a_newcomer_at_the_address_keeps_their_case(scene: Scene) -> None:
    old = scene.open(PHONE, "i-1")
    new = scene.open(PHONE, "j-1", at=AFTER)
    scene.tell(new, PHONE, "m-9")
    scene.located["messages"].clear()
    before = scene.of(new)
    erased(scene.place, scene.subject())
    assert items(scene.client, "case") == before
    assert scene.cases.opened_last(identifier(*PHONE).key) == new.protocol
    assert scene.cases.find(old.protocol) is None


def test_a_case_that_a_newcomer_came_into_is_the_newcomers(scene: Scene) -> None:
    case = scene.open(PHONE, "i-1")
    scene.join(case, PHONE, "j-1", at=AFTER)
    erased(scene.place, scene.subject())
    now = scene.cases.find(case.protocol)
    assert now is not None and now.interaction_id == "j-1"
    assert scene.cases.open_of([identifier(*PHONE).key]) == [now]
    contacts, _ = scene.threads.contacts(case.protocol, before=None, limit=9)
    assert [contact.interaction_id for contact in contacts] == ["j-1"]


def test_whatever_call_it_is_cut_off_at_all_goes_in_the_end(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare() -> Scene:
        scene = Scene(dynamodb)
        own_case(scene)
        shared_case(scene)
        opened = scene.open(PHONE, "i-5", at="2026-11-21T11:00:00.000Z")
        scene.join(opened, NEIGHBOUR, "n-5")
        return scene

    def neighbours(scene: Scene) -> list[dict[str, Any]]:
        found = items(scene.client, "case")
        return [i for i in found if i.get("interaction_id", {}).get("S", "").startswith("n-")]

    whole = prepare()
    erased(whole.place, whole.subject())
    expected = items(dynamodb, "case")
    assert identifier(*PHONE).key not in str(expected) and "João" not in str(expected)
    erase = lambda scene: scene.place.erase(scene.subject(), always)  # noqa: E731
    for scene in cut_anywhere(monkeypatch, prepare, erase, again=False):
        erased(scene.place, scene.subject())
        assert items(dynamodb, "case") == expected
        assert neighbours(scene)


def test_a_hold_keeps_one_case_that_the_address_does_not_lead_to(scene: Scene) -> None:
    case, other = scene.open(PHONE, "i-1"), scene.open(PHONE, "i-2")
    subject = scene.subject(holds={("cases", case.protocol): "hold-1"})
    census = scene.place.census(subject)
    [kept] = census.kept
    assert (kept.count, kept.ground) == (1, f"{HOLD_GROUND}hold-1")
    assert set(census.located["protocols"]) == {case.protocol, other.protocol}
    erased(scene.place, subject)
    assert scene.cases.find(case.protocol) == case and scene.cases.find(other.protocol) is None
    assert scene.cases.open_of([identifier(*PHONE).key]) == []
    # Released, it is found by what was located then.
    located = {"protocols": (case.protocol,), "interactions": ("i-1",)}
    later = replace(subject, holds={}, located=located)
    assert [one["protocol"] for one in scene.place.held(replace(later, holds=subject.holds))] == [
        case.protocol
    ]
    assert scene.place.census(later).found
    erased(scene.place, later)
    assert not items(scene.client, "case")


def test_an_access_request_shows_the_subjects_part(scene: Scene) -> None:
    own, shared = own_case(scene), shared_case(scene)
    subject = replace(scene.subject(), erased_before="")
    shown = {one["protocol"]: one for one in scene.place.collect(subject)}
    assert shown.keys() == {own.protocol, shared.protocol}
    assert len(shown[own.protocol]["contacts"]) == 2
    assert [change["kind"] for change in shown[own.protocol]["changes"]] == ["assigned", "closed"]
    assert [one["interaction_id"] for one in shown[shared.protocol]["contacts"]] == ["i-3"]
    assert "n-1" not in str(shown) and not shown[shared.protocol]["opened_by_you"]
