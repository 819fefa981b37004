"""Data subjects' requests over the API."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from enlace.api import privacy_models as models
from enlace.domain.erasure import Census, Kept, Subject
from enlace.usecases.erasure_rows import ErasureRows
from enlace.usecases.rows import Row
from tests.stores.builders import interaction
from tests.unit.api.privacy_desk import Seal
from tests.unit.api.world import World


class Counted:
    """A place that says what it is told to."""

    name, method = "timeline", "delete"

    def __init__(self, census: Census):
        self._census = census

    def census(self, subject: Subject) -> Census:
        return self._census

    def erase(self, subject: Subject, time_left: object) -> bool:
        return True


MAIL = {"kind": "email", "value": "joao@example.com"}
ONE = "/v1/privacy/requests"


def asked(world: World, type_: str = "erasure", **more: Any) -> dict[str, Any]:
    body = {"type": type_, "identifier": MAIL, "regulation": "lgpd", **more}
    answer: dict[str, Any] = world.ask("POST", ONE, body, 201)
    models.PrivacyRequestAnswer.model_validate(answer)
    return answer


def verified(world: World, type_: str, **more: Any) -> dict[str, Any]:
    id_ = asked(world, type_, **more)["request_id"]
    body = {"operator_reason": "saw a document"}
    answer: dict[str, Any] = world.ask("POST", f"{ONE}/{id_}/verify", body)
    models.PrivacyRequestAnswer.model_validate(answer)
    return answer


def test_a_request_is_taken_and_verified_by_the_code_that_its_address_got() -> None:
    world = World()
    answer = asked(world)
    assert (answer["status"], answer["code_sent"]) == ("received", True)
    [(to, template, data)] = world.privacy.letters
    assert (to, template) == (MAIL["value"], "dsr_code")
    id_ = answer["request_id"]
    assert world.call("POST", f"{ONE}/{id_}/verify", {"code": "0000"}).status == 403
    answer = world.ask("POST", f"{ONE}/{id_}/verify", {"code": data["code"]})
    assert (answer["status"], answer["verified_by"]) == ("verified", "code")
    assert world.privacy.erasures == [id_]
    assert world.ask("GET", f"{ONE}/{id_}")["status"] == "verified"


def test_no_answer_and_no_log_line_names_the_person() -> None:
    world = World()
    answer = verified(world, "rectification", changes={"name": "João Souza"})
    said = json.dumps([answer, world.ask("GET", ONE), world.log.lines], ensure_ascii=False)
    for value in (MAIL["value"], "João", "saw a document but never the address"):
        assert value not in said


def test_the_simplified_answer_comes_at_once_and_the_copy_with_it() -> None:
    """Auditor's case 44."""
    world = World()
    world.record(interaction("m1", contact_point=("email", MAIL["value"]), traits={"name": "João"}))
    answer = verified(world, "access")
    assert answer["status"] == "running" and answer["deadline"] > answer["received_at"]
    shown = world.ask("GET", f"{ONE}/{answer['request_id']}")
    assert shown["summary"]["data_held"] and shown["summary"]["recipients"] == ["HubSpot"]
    assert shown["summary"]["records"]["identifier"] == 1

    export = world.ask("GET", f"{ONE}/{answer['request_id']}/export")
    assert {"kind": "email", "value": MAIL["value"]}.items() <= export["records"][0].items()
    response = world.call("GET", f"{ONE}/{answer['request_id']}/export?format=csv")
    rows = list(csv.reader(io.StringIO(response.body)))
    assert rows[0] == ["number", "record", "field", "value"]
    assert ["1", "identifier", "value", MAIL["value"]] in rows

    ended = world.ask("POST", f"{ONE}/{answer['request_id']}/fulfil", {"reason": "mailed"})
    assert ended["status"] == "completed"
    assert world.call("GET", f"{ONE}/{answer['request_id']}/export").status == 409


def with_a_long_copy() -> tuple[World, str]:
    world = World()
    for n in range(8):
        traits = {"name": f"João {n}", "city": "Recife"}
        world.record(interaction(f"m{n}", contact_point=("email", MAIL["value"]), traits=traits))
    return world, verified(world, "portability")["request_id"]


def test_a_long_copy_is_a_file_and_the_answer_says_where() -> None:
    world, id_ = with_a_long_copy()
    link = world.ask("GET", f"{ONE}/{id_}/export?format=csv")
    models.Copy.model_validate(link)
    name = f"exports/{id_}/csv.zip"
    assert link["download_url"] == f"https://bucket.example.com/{name}?for=300"
    rows = list(csv.reader(io.StringIO(world.privacy.files.written[name])))
    assert rows[0] == ["number", "record", "field", "value"] and rows[-1][-1].startswith("João")
    # From the address itself an erasure finds it.
    [known] = [row for row in world.privacy.rows.rows.values() if row.sk.startswith("export#")]
    assert known.sk == f"export#{id_}" and known.expires_at
    assert "bucket.example.com" not in json.dumps(world.log.lines)


def test_a_file_is_the_answer_for_an_hour_and_made_anew_after_it() -> None:
    world, id_ = with_a_long_copy()
    path, files = f"{ONE}/{id_}/export", world.privacy.files
    first = world.ask("GET", path)
    files.written.clear()
    assert world.ask("GET", path) == first and not files.written
    # The other form is another file.
    assert "csv" in world.ask("GET", f"{path}?format=csv")["file_name"]
    [row] = world.privacy.rows.under(f"request#{id_}", "copy#json")
    world.privacy.rows.put([row.with_body(at="2026-01-01T00:00:00.000Z")])
    world.ask("GET", path)
    assert f"exports/{id_}/json.zip" in files.written
    # Who is over has none.
    world.ask("POST", f"{ONE}/{id_}/fulfil", {"reason": "mailed"})
    assert world.call("GET", path).status == 409


def test_a_copy_is_made_by_one_call_at_a_time_and_again_after_one_that_failed() -> None:
    world, id_ = with_a_long_copy()
    path, files = f"{ONE}/{id_}/export", world.privacy.files
    files.broken = True
    assert world.call("GET", path).status == 503
    files.broken = False
    world.ask("GET", path)
    [row] = world.privacy.rows.under(f"request#{id_}", "copy#json")
    [row] = world.privacy.rows.put([row.with_body(size=None)])
    files.written.clear()
    assert world.call("GET", path).status == 503 and not files.written
    # Its function ended before it did.
    world.privacy.rows.put([row.with_body(at="2026-01-01T00:00:00.000Z")])
    assert world.ask("GET", path)["download_url"] and files.written


def test_of_whom_is_being_erased_no_file_is_made() -> None:
    world, id_ = with_a_long_copy()
    [known] = [row for row in world.privacy.rows.rows.values() if row.sk == "open#portability"]
    world.privacy.rows.put([Row(known.pk, "erasing", {"request_id": "r2"})])
    assert world.call("GET", f"{ONE}/{id_}/export").status == 409
    assert world.privacy.files.written == {}


def test_of_whom_nothing_is_held_the_answer_says_so() -> None:
    world = World()
    answer = verified(world, "access")
    shown = world.ask("GET", f"{ONE}/{answer['request_id']}")
    assert shown["summary"]["data_held"] is False


def test_a_copy_is_for_who_was_verified_and_asked_for_one() -> None:
    world = World()
    for answer in (asked(world, "portability"), verified(world, "objection")):
        assert world.call("GET", f"{ONE}/{answer['request_id']}/export").status == 409


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"type": "forget"}, "type"),
        ({"regulation": "ccpa"}, "regulation"),
        ({"identifier": {"kind": "email", "value": "nobody"}}, "identifier"),
        ({"language": "fr"}, "language"),
        ({"type": "rectification"}, "changes"),
        ({"type": "rectification", "changes": {"name": ""}}, "changes"),
        ({"joao@example.com": 1}, "?"),
    ],
)
def test_what_cannot_be_used_is_said_without_repeating_it(
    change: dict[str, Any], says: str
) -> None:
    world = World()
    body = {"type": "erasure", "identifier": MAIL, "regulation": "lgpd", **change}
    response = world.call("POST", ONE, body)
    assert response.status == 400
    detail = json.loads(response.body)["detail"]
    assert detail.startswith(says) and "joao" not in detail
    assert not world.privacy.rows.rows


@pytest.mark.parametrize(
    "body", [{}, {"code": "1234", "operator_reason": "x"}, {"operator_reason": " "}, {"code": 1}]
)
def test_a_verification_says_one_thing(body: dict[str, Any]) -> None:
    world = World()
    id_ = asked(world)["request_id"]
    assert world.call("POST", f"{ONE}/{id_}/verify", body).status == 400
    assert world.ask("GET", f"{ONE}/{id_}")["status"] == "received"


def test_what_is_over_or_unknown_is_told() -> None:
    world = World()
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/verify", {"operator_reason": "x"}),
        ("POST", "/cancel", {"reason": "x"}),
        ("GET", "/certificate", None),
        ("GET", "/export", None),
    ):
        assert world.call(method, f"{ONE}/nobody{path}", body).status == 404
    id_ = asked(world)["request_id"]
    assert world.ask("POST", f"{ONE}/{id_}/cancel", {"reason": "changed their mind"})["status"] == (
        "cancelled"
    )
    assert world.call("POST", f"{ONE}/{id_}/reject", {"reason": "x"}).status == 409
    assert world.call("GET", f"{ONE}/{id_}/certificate").status == 404


def test_requests_are_listed() -> None:
    world = World()
    ids = [asked(world, type_)["request_id"] for type_ in ("access", "erasure", "objection")]
    page = world.ask("GET", f"{ONE}?limit=2")
    models.PrivacyRequestPage.model_validate(page)
    rest = world.ask("GET", f"{ONE}?limit=2&cursor={page['next_cursor']}")
    assert {one["request_id"] for one in [*page["items"], *rest["items"]]} == set(ids)
    assert world.ask("GET", f"{ONE}?month=2020-01")["items"] == []
    assert world.call("GET", f"{ONE}?month=2020").status == 400


def test_legal_holds_are_placed_listed_and_released() -> None:
    world = World()
    body = {
        "records": [{"place": "timeline", "id": "i1"}],
        "ground": "CPC art. 396",
        "authority": "1st court",
    }
    hold = world.ask("POST", "/v1/privacy/holds", body, 201)
    TypeAdapter(models.Hold).validate_python(hold)
    assert world.ask("GET", "/v1/privacy/holds")["items"] == [hold]
    released = world.ask("DELETE", f"/v1/privacy/holds/{hold['hold_id']}")
    assert released["released_at"]
    assert world.call("DELETE", "/v1/privacy/holds/nobody").status == 404
    assert world.call("POST", "/v1/privacy/holds", {**body, "records": []}).status == 400


def test_of_what_is_held_it_is_shown_how_much_and_by_which_hold() -> None:
    world = World()
    records = [{"place": "timeline", "id": "i1"}, {"place": "timeline", "id": "i2"}]
    body = {
        "records": [*records, {"place": "cases", "id": "P-1"}],
        "ground": "CPC art. 396",
        "authority": "1st court",
    }
    hold = world.ask("POST", "/v1/privacy/holds", body, 201)
    other = world.ask("POST", "/v1/privacy/holds", body, 201)["hold_id"]
    none = [{"place": "cases", "named": 1, "kept": 0}, {"place": "timeline", "named": 2, "kept": 0}]
    assert hold["places"] == none
    id_ = verified(world, "erasure")["request_id"]
    assert world.ask("GET", f"{ONE}/{id_}")["held"] == []
    # As the erasure counts it: once, and once more after another hold's release.
    rows = ErasureRows(
        world.privacy.rows, Seal(), id_, clock=lambda: 0.0, first="find", ended=frozenset()
    )
    subject, ground = Subject(id_, "", (), ()), f"legal hold {hold['hold_id']}"
    for round_, count in ((1, 9), (2, 1)):
        kept = (
            Kept("interactions", count, ground),
            Kept("interactions", 5, f"legal hold {other}"),
            Kept("consents", 4, "LGPD art. 16"),
        )
        rows.count(Counted(Census(9, kept)), subject, round_=round_)

    shown = world.ask("GET", f"{ONE}/{id_}")
    models.PrivacyRequestAnswer.model_validate(shown)
    kept_by = {one["hold_id"]: (one["place"], one["records"]) for one in shown["held"]}
    assert kept_by == {hold["hold_id"]: ("timeline", 1), other: ("timeline", 5)}
    listed = {one["hold_id"]: one for one in world.ask("GET", "/v1/privacy/holds")["items"]}
    models.Hold.model_validate(listed[other])
    for hold_id, (_, count) in kept_by.items():
        places = listed[hold_id]["places"]
        assert places == [none[0], {"place": "timeline", "named": 2, "kept": count}]
