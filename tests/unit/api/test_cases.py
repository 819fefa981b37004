"""Cases over HTTP: where one stands, its thread, and handing it over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from enlace.domain.case import Case, Contact
from enlace.domain.protocol import format_protocol
from tests.stores.builders import interaction
from tests.unit.api.world import ISSUER, World

PHONE, EMAIL = ("phone", "+5511987650001"), ("email", "joao@example.com")
SAME = {
    "decision": "same",
    "a": {"kind": PHONE[0], "value": PHONE[1]},
    "b": {"kind": EMAIL[0], "value": EMAIL[1]},
    "reason": "told both",
}
OPENER = interaction("1", PHONE, type_="complaint.opened", data={"text": "Sem sinal"})
LATER = interaction("2", EMAIL, at="2026-11-20T13:00:00.000Z", data={"text": "Ainda sem"})


class Scene(World):
    def __init__(self) -> None:
        super().__init__()
        self.record(OPENER, LATER)
        self.decision = self.ask("POST", "/v1/conciliations", SAME, 201)["conciliation_id"]
        self.bus.entries.clear()
        self.case = self.file(OPENER)
        self.join(LATER)

    def join(self, made: Any) -> None:
        point = made.contact_point
        self.cases.join(
            Contact(
                self.case.protocol, made.id, made.occurred_at, self.finder.key_of(point),
                point.kind, "c", made.channel, made.type, made.direction, "window",
            )
        )  # fmt: skip

    def path(self, *rest: str) -> str:
        return "/".join(("/v1/cases", self.case.protocol, *rest))

    def details(self) -> list[tuple[str, dict[str, Any]]]:
        return [(e.detail_type, json.loads(e.detail)["data"]) for e in self.bus.entries]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_case_with_its_thread_newest_first(scene: Scene) -> None:
    shown = scene.ask("GET", scene.path())
    assert (shown["protocol"], shown["state"]) == (scene.case.protocol, "open")
    assert shown["customer_id"] == scene.customer(*PHONE).id
    assert (shown["opener"]["value"], shown["opener"]["level"]) == (PHONE[1], "proven")
    assert [
        (item["joined_by"], item["interaction"]["data"]["text"]) for item in shown["items"]
    ] == [("window", "Ainda sem"), ("opened", "Sem sinal")]
    assert shown["items"][0]["interaction"]["contact_point"]["value"] == EMAIL[1]
    assert scene.ask("GET", f"/v1/cases/{format_protocol(scene.case.protocol)}") == shown


def test_the_thread_comes_in_pages(scene: Scene) -> None:
    first = scene.ask("GET", scene.path() + "?limit=1")
    second = scene.ask("GET", f"{scene.path()}?limit=1&cursor={first['next_cursor']}")
    found = [item["interaction"]["id"] for item in first["items"] + second["items"]]
    assert found == [LATER.id, OPENER.id]
    assert second["next_cursor"] is None


def test_after_a_split_each_customers_words_are_their_own(scene: Scene) -> None:
    scene.ask("DELETE", f"/v1/conciliations/{scene.decision}")
    shown = scene.ask("GET", scene.path())
    other, own = shown["items"]
    assert other["interaction"] is None
    assert other["customer_id"] == scene.customer(*EMAIL).id != shown["customer_id"]
    assert own["interaction"]["data"]["text"] == "Sem sinal"
    assert EMAIL[1] not in json.dumps(shown)


def test_handing_over_is_kept_and_told(scene: Scene) -> None:
    scene.ask("POST", scene.path("assign"), {"to": "ana", "reason": "rede"})
    body = {"to": "redes", "channel": "telefone", "reason": "antena"}
    after = scene.ask("POST", scene.path("transfer"), body)
    assert (after["assignee"], after["team"]) == ("redes", "telefone")
    history = scene.ask("GET", scene.path())["history"]
    assert [(c["kind"], c["to"], c["reason"]) for c in history] == [
        ("transferred", "redes", "antena"),
        ("assigned", "ana", "rede"),
    ]
    (first, assigned), (second, transferred) = scene.details()
    assert (first, assigned["to"]) == ("case.assigned.v1", "ana")
    assert (second, transferred["channel"]) == ("case.transferred.v1", "telefone")
    # Reasons are somebody's words, and stay where those who may read them look.
    assert "antena" not in json.dumps(scene.details())
    assert {e.source for e in scene.bus.entries} == {"enlace.api_cases"}


def test_closed_is_closed_until_it_is_reopened(scene: Scene) -> None:
    closed = scene.ask("POST", scene.path("close"), {"reason": "resolvido"})
    assert (closed["state"], closed["state_since"]) == ("closed", "2026-11-22T12:00:00.000Z")
    assert scene.cases.open_of([scene.case.contact_key]) == []
    scene.ask("POST", scene.path("assign"), {"to": "ana"}, 409)
    assert scene.ask("POST", scene.path("reopen"))["state"] == "open"
    assert scene.ask("POST", scene.path("assign"), {"to": "ana"})["assignee"] == "ana"
    assert [name for name, _ in scene.details()] == [
        "case.closed.v1",
        "case.reopened.v1",
        "case.assigned.v1",
    ]


def test_the_same_again_changes_nothing_and_is_told_under_the_same_id(scene: Scene) -> None:
    for _ in range(3):
        scene.ask("POST", scene.path("close"), {})
    assert len(scene.ask("GET", scene.path())["history"]) == 1
    assert len({entry.event_id for entry in scene.bus.entries}) == 1


def test_what_the_bus_did_not_hear_is_told_when_it_is_asked_for_again(scene: Scene) -> None:
    scene.bus.down = True
    scene.ask("POST", scene.path("close"), {}, 503)
    scene.bus.down = False
    scene.ask("POST", scene.path("close"), {})
    assert [name for name, _ in scene.details()] == ["case.closed.v1"]


def test_an_idempotency_key_changes_once(scene: Scene) -> None:
    headers = {"x-api-key": "the key of the laptop stack", "idempotency-key": "k-1"}
    for to in ("ana", "bia"):
        scene.call("POST", scene.path("assign"), {"to": to}, headers=headers)
    assert scene.ask("GET", scene.path())["assignee"] == "ana"


def test_the_operator_is_the_tokens_subject(scene: Scene) -> None:
    claims = {"sub": "operator-7", "iss": ISSUER, "roles": "agent"}
    scene.call("POST", scene.path("close"), {}, claims=claims)
    assert scene.ask("GET", scene.path())["history"][0]["by"] == "operator-7"
    claims["roles"] = "marketing"
    assert scene.call("GET", scene.path(), claims=claims).status == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/cases/20261120000000000", None, 404),
        ("GET", "/v1/cases/nonsense", None, 404),
        ("GET", "{case}?limit=0", None, 400),
        ("GET", "{case}?limit=51", None, 400),
        ("GET", "{case}?cursor=x", None, 400),
        ("GET", "{case}?before=x", None, 400),
        ("POST", "{case}/assign", {}, 400),
        ("POST", "{case}/assign", {"to": " "}, 400),
        ("POST", "{case}/assign", {"to": "x" * 129}, 400),
        ("POST", "{case}/transfer", {"to": "ana", "channel": 7}, 400),
        ("POST", "{case}/close", {"reason": "x" * 1001}, 400),
        ("POST", "{case}/close", None, 400),
    ],
)
def test_what_is_malformed_or_unknown_changes_nothing(
    scene: Scene, method: str, path: str, body: Any, status: int
) -> None:
    scene.ask(method, path.replace("{case}", scene.path()), body, status)
    assert scene.cases.find(scene.case.protocol).version == 0  # type: ignore[union-attr]
    assert scene.bus.entries == []


def test_a_case_of_nobody_is_not_there(scene: Scene) -> None:
    assert isinstance(scene.case, Case)
    del scene.store.records[scene.case.contact_key]
    scene.ask("GET", scene.path(), status=404)
