"""Requests of data subjects: taken, verified, carried out, under a clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from enlace.domain.envelope import Entry
from enlace.domain.interaction import Identifier, Interaction
from enlace.errors import InvalidPayload, NotFound, ProviderUnavailable, TemporaryFailure
from enlace.rules import message_policy, privacy_policy
from enlace.usecases.carry_out import CarryOut
from enlace.usecases.collect_subject import summary_of
from enlace.usecases.consents import Consents
from enlace.usecases.copy_forms import parts_of
from enlace.usecases.find_subject import Found
from enlace.usecases.privacy_deadlines import PrivacyDeadlines
from enlace.usecases.privacy_requests import Asked, PrivacyRequests
from enlace.usecases.request_codes import NotVerified
from enlace.usecases.request_ends import RequestEnds, WrongState
from enlace.usecases.request_rows import RequestRows
from enlace.usecases.restore_hold import RestoreHold
from local.memory_consents import MemoryConsents
from local.memory_rows import MemoryRows

MAIL = Identifier("email", "joao@example.com", "stated")
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Seal:
    def seal(self, text: str, purpose: str) -> str:
        return f"{purpose}|{text[::-1]}"

    def open(self, sealed: str, purpose: str) -> str:
        for_, _, text = sealed.partition("|")
        assert for_ == purpose
        return text[::-1]


class Desk:
    """Requests on memory rows, with a letter box."""

    def __init__(self) -> None:
        self.now, self.rows = START, MemoryRows()
        self.letters: list[tuple[str, str, Mapping[str, Any]]] = []
        self.reachable = True
        self.erasures: list[str] = []
        self.recorded: list[Interaction] = []
        self.announced: list[Entry] = []
        self.broken = 0
        self.restored = False
        self.post_broken = False
        self.stored = MemoryConsents()
        self.on_record = RequestRows(self.rows, Seal(), now=lambda: self.now)
        self.requests = PrivacyRequests(
            self.rows,
            Seal(),
            policy=privacy_policy(),
            key_of=self.key_of,
            post=self.post,
            carry_out=self.carry_out,
            now=lambda: self.now,
        )
        self.ends = RequestEnds(
            self.rows, self.on_record, policy=privacy_policy(), now=lambda: self.now
        )

    @staticmethod
    def key_of(identifier: Identifier) -> str:
        if "@" not in identifier.value and identifier.kind == "email":
            raise InvalidPayload("identifier: the value is not valid for its kind")
        return f"{identifier.kind}#{abs(hash(identifier.value.lower()))}"

    def post(self, to: Identifier, template: str, language: str, data: Mapping[str, Any]) -> bool:
        if self.post_broken and template != "dsr_code":
            raise ProviderUnavailable("no answer")
        if self.reachable:
            self.letters.append((to.value, template, data))
        return self.reachable

    def carry_out(self, body: Mapping[str, Any], identifier: Identifier) -> str:
        if self.broken:
            self.broken -= 1
            raise TemporaryFailure("a queue does not answer")
        return CarryOut(
            erase=self.erasures.append,
            find=lambda asked, whole: Found((asked,)),
            consents=Consents(
                self.stored,
                policy=message_policy().consent,
                now=lambda: self.now.isoformat().replace("+00:00", ".000Z"),
                sleep=lambda seconds: None,
            ),
            record=self.recorded.append,
            changes=self.on_record.changes,
            announce=self.announced.extend,
            source="enlace.api_privacy",
            now=lambda: self.now,
            hold=RestoreHold(self, lambda: 0.0, 0),
        )(body, identifier)

    def behind(self) -> tuple[int, int]:
        return (0, 1) if self.restored else (1, 1)

    def ask(self, type_: str = "erasure", regulation: str = "lgpd", **more: Any) -> dict[str, Any]:
        asked = Asked(type_, more.pop("identifier", MAIL), regulation, **more)
        return dict(self.requests.ask(asked, caller="dpo"))

    def code(self) -> str:
        return str(self.of("dsr_code")[-1]["code"])

    def of(self, template: str) -> list[Mapping[str, Any]]:
        return [data for _, name, data in self.letters if name == template]


def test_a_code_goes_to_the_address_and_verifies_it() -> None:
    desk = Desk()
    asked = desk.ask()
    assert asked["state"] == "received" and asked["code_sent"]
    assert asked["deadline"] == "2026-12-08T12:00:00.000Z"
    [(to, template, data)] = desk.letters
    assert (to, template) == (MAIL.value, "dsr_code") and len(data["code"]) == 8

    verified = desk.requests.verify_by_code(asked["request_id"], desk.code())
    assert verified["state"] == "verified" and verified["verified_by"] == "code"
    assert not verified["whole_customer"]
    assert desk.erasures == [asked["request_id"]]
    # A repeated call is answered; the erasure is one, however often it is handed over.
    desk.requests.verify_by_code(asked["request_id"], desk.code())
    assert set(desk.erasures) == {asked["request_id"]}


def test_neither_address_nor_code_stands_anywhere_in_clear() -> None:
    desk = Desk()
    desk.ask("rectification", changes={"name": "João Souza"})
    stored = repr(desk.rows.rows)
    for value in (MAIL.value, desk.code(), "João Souza"):
        assert value not in stored


@pytest.mark.parametrize("wrong", ["00000000", "1"])
def test_a_wrong_code_does_not_verify(wrong: str) -> None:
    desk = Desk()
    id_ = desk.ask()["request_id"]
    with pytest.raises(NotVerified):
        desk.requests.verify_by_code(id_, wrong)
    assert desk.on_record.shown(id_)["state"] == "received" and not desk.erasures


def test_a_code_cannot_be_guessed() -> None:
    desk = Desk()
    id_ = desk.ask()["request_id"]
    for _ in range(5):
        with pytest.raises(NotVerified):
            desk.requests.verify_by_code(id_, "00000000")
    with pytest.raises(NotVerified, match="too often"):
        desk.requests.verify_by_code(id_, desk.code())


def test_a_code_runs_out_and_is_sent_anew_where_it_is_asked_for_again() -> None:
    desk = Desk()
    first = desk.ask()
    old = desk.code()
    desk.now += timedelta(seconds=601)
    with pytest.raises(NotVerified, match="run out"):
        desk.requests.verify_by_code(first["request_id"], old)
    assert desk.ask()["request_id"] == first["request_id"]
    assert len(desk.letters) == 2
    desk.requests.verify_by_code(first["request_id"], desk.code())


def test_asked_again_at_once_it_is_one_request_and_one_letter() -> None:
    desk = Desk()
    first = desk.ask()
    again = desk.ask(identifier=Identifier("email", "JOAO@example.com", "stated"))
    assert again["request_id"] == first["request_id"] and len(desk.letters) == 1
    # Another type is another request.
    assert desk.ask("access")["request_id"] != first["request_id"]


def test_a_duplicate_is_not_verified_by_the_one_before_it() -> None:
    """Auditor's case 14."""
    desk = Desk()
    first = desk.ask()
    desk.requests.verify_by_code(first["request_id"], desk.code())
    second = desk.ask()
    assert second["request_id"] != first["request_id"]
    assert second["duplicate_of"] == first["request_id"]
    assert second["state"] == "received"
    assert desk.erasures == [first["request_id"]]
    # The first one's code is of no use for it.
    with pytest.raises(NotVerified):
        desk.requests.verify_by_code(second["request_id"], str(desk.letters[0][2]["code"]))


def test_an_officer_verifies_by_their_word_and_says_how_they_know() -> None:
    desk = Desk()
    desk.reachable = False
    asked = desk.ask(identifier=Identifier("cpf", "52998224725", "stated"))
    assert not asked["code_sent"]
    verified = desk.requests.verify_by_operator(
        asked["request_id"], "saw the passport", caller="officer-7"
    )
    assert verified["verified_by"] == "operator:officer-7" and verified["whole_customer"]
    assert verified["history"][-1]["reason"] == "saw the passport"
    assert desk.erasures == [asked["request_id"]]


def test_what_was_lost_after_the_verification_is_taken_up_by_the_clock() -> None:
    desk = Desk()
    desk.broken = 1
    id_ = desk.ask("access")["request_id"]
    with pytest.raises(TemporaryFailure):
        desk.requests.verify_by_code(id_, desk.code())
    assert desk.on_record.shown(id_)["state"] == "verified"
    # At its next run, and not only when half of the time has passed.
    desk.now += timedelta(minutes=5)
    clock(desk).run()
    assert desk.on_record.shown(id_)["state"] == "running"


def test_a_verified_erasure_that_nobody_takes_up_is_handed_over_again() -> None:
    desk = Desk()
    id_ = desk.ask()["request_id"]
    desk.requests.verify_by_code(id_, desk.code())
    for hours in (0, 1, 2):
        desk.now = START + timedelta(hours=hours, minutes=1)
        clock(desk).run()
    assert desk.erasures == [id_] * 4
    desk.on_record.advance(id_, "fenced")
    for hours in (3, 4):
        desk.now = START + timedelta(hours=hours, minutes=1)
        clock(desk).run()
    assert desk.erasures == [id_] * 4


def test_what_was_lost_after_the_verification_is_taken_up_by_calling_again() -> None:
    desk = Desk()
    desk.broken = 1
    id_ = desk.ask("access")["request_id"]
    with pytest.raises(TemporaryFailure):
        desk.requests.verify_by_code(id_, desk.code())
    assert desk.requests.verify_by_code(id_, desk.code())["state"] == "running"


def test_an_objection_stops_marketing_at_once() -> None:
    desk = Desk()
    id_ = desk.ask("objection")["request_id"]
    assert desk.requests.verify_by_code(id_, desk.code())["state"] == "completed"
    consent = desk.stored.get(desk.key_of(MAIL)).consent
    assert consent.suppressions["marketing"].reason == "objection"
    # Whoever else sends to them learns of it: the CRM follows the bus.
    [told] = desk.announced
    data = json.loads(told.detail)["data"]
    assert told.detail_type == "consent.changed.v1"
    assert (data["said"], data["allowed"]) == ("objected", False)
    assert data["contact_point"]["key"] == desk.key_of(MAIL)


def test_a_rectification_is_the_word_of_the_address_itself() -> None:
    desk = Desk()
    id_ = desk.ask("rectification", changes={"name": "João Souza"})["request_id"]
    assert desk.requests.verify_by_code(id_, desk.code())["state"] == "completed"
    [said] = desk.recorded
    assert said.traits == {"name": "João Souza"} and said.contact_point.level == "proven"
    assert said.source_id == id_
    with pytest.raises(InvalidPayload, match="changes"):
        desk.ask("rectification")


def test_the_erasure_is_told_whom_it_is_about_until_it_is_over() -> None:
    desk = Desk()
    id_ = desk.ask(language="es")["request_id"]
    with pytest.raises(NotFound):
        desk.on_record.erasure(id_)
    desk.requests.verify_by_code(id_, desk.code())
    asked = desk.on_record.erasure(id_)
    assert asked.identifier.value == MAIL.value and asked.language == "es"
    desk.on_record.forget(id_)
    desk.on_record.advance(id_, "completed")
    assert desk.on_record.erasure(id_).identifier.value == ""
    with pytest.raises(NotFound):
        desk.on_record.identifier(id_)


@pytest.mark.parametrize("end", ["cancel", "reject"])
def test_a_request_ends_before_its_fence_and_not_after(end: str) -> None:
    desk = Desk()
    call: Callable[[str, str], Mapping[str, Any]] = getattr(desk.ends, end)
    id_ = desk.ask()["request_id"]
    assert call(id_, "said so")["state"] in ("cancelled", "rejected")
    assert desk.on_record.known(id_).body["sealed"] == ""
    desk.requests.verify_by_operator(id_, "late", caller="dpo")
    assert not desk.erasures
    other = desk.ask()["request_id"]
    desk.requests.verify_by_code(other, desk.code())
    desk.on_record.advance(other, "fenced")
    with pytest.raises(WrongState):
        call(other, "too late")


def test_a_deadline_is_put_off_once_where_the_law_says_so() -> None:
    desk = Desk()
    id_ = desk.ask(regulation="gdpr")["request_id"]
    assert desk.ends.extend(id_, "complex")["deadline"] == "2027-02-23T12:00:00.000Z"
    with pytest.raises(WrongState):
        desk.ends.extend(id_, "again")
    with pytest.raises(WrongState):
        desk.ends.extend(desk.ask("access")["request_id"], "LGPD knows none")


def clock(desk: Desk, told: list[tuple[str, int]] | None = None) -> PrivacyDeadlines:
    def warn(request_id: str, percent: int, deadline: str) -> None:
        if told is not None:
            told.append((request_id, percent))

    return PrivacyDeadlines(
        desk.rows,
        policy=privacy_policy(),
        warn=warn,
        go_on=desk.requests.go_on,
        hand_over=desk.erasures.append,
        now=lambda: desk.now,
    )


def test_people_are_told_at_50_80_and_100_percent_once_each() -> None:
    desk = Desk()
    id_ = desk.ask()["request_id"]
    told: list[tuple[str, int]] = []
    for hours in range(0, 16 * 24, 6):
        desk.now = START + timedelta(hours=hours)
        clock(desk, told).run()
        clock(desk, told).run()
    assert told == [(id_, 50), (id_, 80), (id_, 100)]
    assert desk.on_record.shown(id_)["alerts"] == [50, 80, 100]
    # Nothing of it is looked at any more.
    assert clock(desk).run() == 0


def test_what_is_wrong_with_one_request_does_not_stop_the_clock_of_the_others() -> None:
    desk = Desk()
    desk.broken = 100
    lost = desk.ask("access")["request_id"]
    with pytest.raises(TemporaryFailure):
        desk.requests.verify_by_code(lost, desk.code())
    other = desk.ask("portability")["request_id"]
    told: list[tuple[str, int]] = []
    desk.now += timedelta(days=8)
    with pytest.raises(TemporaryFailure):
        clock(desk, told).run()
    assert (other, 50) in told


def test_a_controller_who_has_verified_a_person_vouches_for_them() -> None:
    desk = Desk()
    waiting = desk.ask()
    vouched = desk.ask(vouched_by="shop")
    assert vouched["request_id"] == waiting["request_id"] and len(desk.letters) == 1
    assert (vouched["state"], vouched["verified_by"]) == ("verified", "controller:shop")
    assert not vouched["whole_customer"] and desk.erasures == [waiting["request_id"]]


def test_what_is_over_is_no_longer_watched() -> None:
    desk = Desk()
    desk.ends.cancel(desk.ask()["request_id"], "changed their mind")
    told: list[tuple[str, int]] = []
    desk.now += timedelta(days=60)
    clock(desk, told).run()
    assert told == []


def test_requests_are_listed_newest_first() -> None:
    desk = Desk()
    ids = []
    for type_ in ("access", "erasure", "objection"):
        ids.append(desk.ask(type_)["request_id"])
        desk.now += timedelta(minutes=1)
    page = desk.on_record.listed("2026-11", 2)
    assert [one["request_id"] for one in page] == [ids[2], ids[1]]
    rest = desk.on_record.listed("2026-11", 2, page[-1]["request_id"])
    assert [one["request_id"] for one in rest] == [ids[0]]
    assert desk.on_record.listed("2026-10", 2) == []


def test_a_copy_says_the_same_in_both_forms() -> None:
    records: list[dict[str, Any]] = [
        {"held_in": "identity", "record": "identifier", "kind": "phone", "value": "+5511912345678"},
        {"held_in": "timeline", "record": "interaction", "data": {"text": "=SUM(A1)", "a": [1]}},
    ]
    at = "2026-11-23T12:00:00.000Z"
    assert json.loads("".join(parts_of("json", "r1", at, records))) == {
        "schema_version": "1.0",
        "request_id": "r1",
        "generated_at": at,
        "records": records,
    }
    assert json.loads("".join(parts_of("json", "r1", at, [])))["records"] == []
    rows = "".join(parts_of("csv", "r1", at, records)).splitlines()
    assert rows[0] == "number,record,field,value"
    assert "1,identifier,value,+5511912345678" in rows
    # No spreadsheet shall calculate with what somebody wrote.
    assert "2,interaction,data.text,'=SUM(A1)" in rows and "2,interaction,data.a[0],1" in rows
    assert summary_of(records, ("HubSpot",)) == {
        "data_held": True,
        "records": {"identifier": 1, "interaction": 1},
        "recipients": ["HubSpot"],
    }
    assert not summary_of([], ())["data_held"]


def test_who_was_verified_is_told_the_number_and_by_when_once() -> None:
    desk = Desk()
    id_ = desk.ask("access")["request_id"]
    assert desk.of("dsr_received") == []
    for _ in range(2):
        desk.requests.verify_by_code(id_, desk.code())
    assert desk.of("dsr_received") == [{"request_id": id_, "deadline": "08/12/2026"}]
    assert desk.on_record.known(id_).body["receipt"] == "sent"


def test_an_address_that_has_shown_nothing_gets_the_code_and_nothing_else() -> None:
    desk = Desk()
    id_ = desk.ask()["request_id"]
    with pytest.raises(NotVerified):
        desk.requests.verify_by_code(id_, "00000000")
    desk.ends.cancel(id_, "changed their mind")
    assert {template for _, template, _ in desk.letters} == {"dsr_code"}


def test_whom_a_controller_vouches_for_is_the_controllers_to_write_to() -> None:
    desk = Desk()
    desk.ask(vouched_by="shop")
    assert desk.letters == []


def test_a_letter_that_certainly_did_not_go_out_is_owed_and_keeps_nobody_waiting() -> None:
    desk = Desk()
    desk.post_broken = True
    id_ = desk.ask(language="en")["request_id"]
    with pytest.raises(ProviderUnavailable):
        desk.requests.verify_by_code(id_, desk.code())
    assert desk.erasures == [id_]
    desk.post_broken = False
    desk.requests.verify_by_code(id_, desk.code())
    assert desk.of("dsr_received") == [{"request_id": id_, "deadline": "8 December 2026"}]


def test_who_cannot_be_written_to_is_not_tried_again() -> None:
    desk = Desk()
    desk.reachable = False
    id_ = desk.ask()["request_id"]
    desk.requests.verify_by_operator(id_, "saw the passport", caller="officer-7")
    assert desk.on_record.known(id_).body["receipt"] == "unreachable"


@pytest.mark.parametrize("type_", ["objection", "rectification"])
def test_of_what_is_carried_out_nothing_in_clear_is_left(type_: str) -> None:
    desk = Desk()
    changes = {"name": "João Souza"} if type_ == "rectification" else None
    id_ = desk.ask(type_, changes=changes)["request_id"]
    assert desk.requests.verify_by_code(id_, desk.code())["state"] == "completed"
    body = desk.on_record.known(id_).body
    assert (body["sealed"], body["changes"]) == ("", "")
    # Repeated, it is answered.
    assert desk.requests.verify_by_code(id_, desk.code())["state"] == "completed"


def test_after_a_restore_requests_are_taken_and_verified_and_carried_out_later() -> None:
    """Auditor's case 17."""
    desk = Desk()
    desk.restored = True
    id_ = desk.ask("objection")["request_id"]
    assert desk.requests.verify_by_code(id_, desk.code())["state"] == "verified"
    assert desk.stored.get(desk.key_of(MAIL)).consent.suppressions == {}
    # The erasures are being done again.
    desk.now += timedelta(minutes=5)
    clock(desk).run()
    assert desk.on_record.shown(id_)["state"] == "verified"
    desk.restored = False
    desk.now += timedelta(hours=1)
    clock(desk).run()
    assert desk.on_record.shown(id_)["state"] == "completed"
    assert "marketing" in desk.stored.get(desk.key_of(MAIL)).consent.suppressions
