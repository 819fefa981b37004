"""Requests by OpenDSR: whose signature does not hold is not read; controllers are told."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from enlace.api.opendsr import PATH, OpenDsrApi
from enlace.domain.http import Request
from enlace.domain.opendsr import status_of
from enlace.domain.privacy_request import STATES
from enlace.errors import ProviderUnavailable
from enlace.senders.crm_webhook import sign
from enlace.usecases.opendsr import MAX_FAILURES, OpenDsr, TellControllers
from tests.unit.privacy.test_privacy_requests import Desk

ID = "a7551968-d5d6-44b2-9831-815ac9017798"
URL = "https://shop.example.com/dsr"
SECRET, OTHERS = ("whsec_" + base64.b64encode(bytes([n] * 24)).decode() for n in (1, 2))
CONTROLLERS = {
    "shop": {"secret": SECRET, "verifies": True, "callback_hosts": ["shop.example.com"]},
    "agency": {"secret": OTHERS},
}
DOMAIN = "enlace.example.com"
WANTED: dict[str, Any] = {
    "regulation": "gdpr",
    "subject_request_id": ID,
    "subject_request_type": "erasure",
    "submitted_time": "2026-11-23T10:00:00Z",
    "subject_identities": [
        {"identity_type": "email", "identity_value": "joao@example.com", "identity_format": "raw"}
    ],
    "status_callback_urls": [URL],
    "api_version": "3.0",
}


class Counter:
    """Our side, with every call that came in and went out."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.asked = 0
        self.broken: set[str] = set()
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.dsr = OpenDsr(
            self.desk.rows,
            self.desk.requests,
            self.desk.on_record,
            ends=self.desk.ends,
            domain=DOMAIN,
            now=lambda: self.desk.now,
        )
        self.api = OpenDsrApi(
            self._use_case,
            lambda: {"controllers": CONTROLLERS},
            lambda body: {"value": f"signed:{len(body)}", "algorithm": "x", "public_key": "y"},
            domain=DOMAIN,
        )

    def _use_case(self) -> OpenDsr:
        self.asked += 1
        return self.dsr

    def send(
        self,
        body: Any = None,
        *,
        method: str = "POST",
        route: str = f"POST {PATH}",
        path: str = PATH,
        by: str = "shop",
        secret: str = SECRET,
        signed: bytes | None = None,
        age: int = 0,
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        at = int(self.desk.now.timestamp()) - age
        over = signed if signed is not None else raw or f"{method} {path}".encode()
        headers = {
            "x-opendsr-controller-id": by,
            "webhook-id": "m1",
            "webhook-timestamp": str(at),
            "webhook-signature": sign(secret, "m1", at, over),
        }
        ids = {"id": path.removeprefix(f"{PATH}/")} if path != PATH else {}
        now = self.desk.now.isoformat().replace("+00:00", ".000Z")
        status, text, sent = self.api.handle(
            route, Request(method, path, "", headers, raw, now, ids)
        )
        return status, json.loads(text), sent

    def one(self, method: str, **more: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
        path = f"{PATH}/{ID}"
        return self.send(method=method, route=f"{method} {PATH}/{{id}}", path=path, **more)

    def call(self, url: str, body: Mapping[str, Any]) -> None:
        if url in self.broken:
            raise ProviderUnavailable("no answer")
        self.calls.append((url, body))

    def tell(self) -> TellControllers:
        teller = TellControllers(
            self.desk.rows,
            self.desk.on_record,
            call=self.call,
            domain=DOMAIN,
            now=lambda: self.desk.now,
        )
        teller.run()
        return teller

    def stored(self) -> int:
        return len(self.desk.rows.rows)


def test_a_signed_request_is_taken_and_answered_with_a_signature() -> None:
    ours = Counter()
    status, body, headers = ours.send(WANTED)
    assert status == 201
    assert (body["subject_request_id"], body["controller_id"]) == (ID, "shop")
    assert body["request_status"] == "pending" and body["received_time"]
    assert json.loads(base64.b64decode(body["encoded_request"])) == WANTED
    assert headers["x-opendsr-processor-domain"] == DOMAIN
    assert headers["x-opendsr-signature"].startswith("signed:")
    # The shop has verified the person: the erasure begins.
    [request_id] = ours.desk.erasures
    known = ours.desk.on_record.known(request_id).body
    assert known["verified_by"] == "controller:shop" and not ours.desk.letters
    # Sent again, it is the same one.
    assert ours.send(WANTED)[1]["request_status"] == "pending"
    assert ours.desk.erasures == [request_id]


def test_who_does_not_verify_people_has_the_address_asked() -> None:
    ours = Counter()
    wanted = {**WANTED, "status_callback_urls": []}
    assert ours.send(wanted, by="agency", secret=OTHERS)[0] == 201
    assert [letter[:2] for letter in ours.desk.letters] == [("joao@example.com", "dsr_code")]
    assert not ours.desk.erasures


@pytest.mark.parametrize(
    "forged",
    [
        {"secret": OTHERS},
        {"by": "agency"},
        {"by": "nobody"},
        {"by": ""},
        {"signed": b"{}"},
        {"age": 301},
        {"age": -301},
    ],
)
def test_what_is_forged_is_refused_before_it_is_parsed(forged: dict[str, Any]) -> None:
    """Auditor's case 16."""
    ours = Counter()
    for body in (WANTED, b"\xff{not json"):
        status, answer, headers = ours.send(body, **forged)
        assert status == 401 and "x-opendsr-signature" not in headers
        # Of what could not be parsed the answer would have said so.
        assert "signature" in str(answer) or "timestamp" in str(answer) or "id" in str(answer)
        assert "JSON" not in str(answer)
    assert ours.asked == 0 and ours.stored() == 0


def test_signed_rubbish_is_refused_without_being_repeated() -> None:
    ours = Counter()
    assert ours.send(b"\xff{not json")[0] == 400
    changes: list[dict[str, Any]] = [
        {"subject_request_id": "joao@example.com"},
        {"subject_request_type": "rectification"},
        {"regulation": "ccpa"},
        {"subject_identities": []},
        {"subject_identities": WANTED["subject_identities"] * 2},
        {"subject_identities": [{**WANTED["subject_identities"][0], "identity_format": "sha256"}]},
        {"subject_identities": [{**WANTED["subject_identities"][0], "identity_type": "fpc"}]},
        {"subject_identities": [{**WANTED["subject_identities"][0], "identity_value": "joao"}]},
        {"submitted_time": None},
        {"submitted_time": "yesterday"},
        {"status_callback_urls": "https://shop.example.com/dsr"},
    ]
    for change in changes:
        status, body, _ = ours.send({**WANTED, **change})
        assert status == 400 and "joao" not in str(body), change
    assert ours.send(b" " * 2049)[0] == 413
    assert ours.stored() == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/dsr",
        "https://169.254.169.254/latest",
        "https://shop.example.com@localhost/",
        "https://shop.example.com:8443/",
        "https://shop.example.com.evil.example.com/",
        "https://[::1/",
        "file:///etc/passwd",
        7,
    ],
)
def test_nobody_has_us_call_what_was_not_agreed_upon(url: Any) -> None:
    ours = Counter()
    assert ours.send({**WANTED, "status_callback_urls": [url]})[0] == 400
    assert ours.stored() == 0


def test_a_request_is_looked_at_and_taken_back_by_its_controller_alone() -> None:
    ours = Counter()
    ours.send({**WANTED, "subject_request_type": "erasure"})
    assert ours.one("GET")[1]["request_status"] == "pending"
    assert ours.one("GET", by="agency", secret=OTHERS)[0] == 404
    assert ours.one("DELETE", by="agency", secret=OTHERS)[0] == 404
    # A signed look is no cancellation, and none of another request.
    assert ours.one("DELETE", signed=f"GET {PATH}/{ID}".encode())[0] == 401
    assert ours.one("DELETE", signed=f"DELETE {PATH}/other".encode())[0] == 401
    status, body, _ = ours.one("DELETE")
    assert status == 202 and body["request_status"] == "cancelled"
    assert ours.one("DELETE")[0] == 202


def test_what_is_under_way_cannot_be_taken_back() -> None:
    ours = Counter()
    ours.send(WANTED)
    ours.desk.on_record.advance(ours.desk.erasures[0], "fenced")
    assert ours.one("DELETE")[0] == 400
    assert ours.one("GET")[1]["request_status"] == "in_progress"


def test_a_controller_does_not_take_back_what_the_person_asked_for() -> None:
    ours = Counter()
    own = ours.desk.ask()["request_id"]
    wanted = {**WANTED, "status_callback_urls": []}
    ours.send(wanted, by="agency", secret=OTHERS)
    assert ours.one("DELETE", by="agency", secret=OTHERS)[0] == 400
    assert ours.desk.on_record.shown(own)["state"] == "received"


def test_controllers_are_told_of_each_change_once() -> None:
    ours = Counter()
    ours.send(WANTED)
    request_id = ours.desk.erasures[0]
    told = []
    for state in ("", "fenced", "", "partial", "completed", ""):
        if state:
            ours.desk.on_record.advance(request_id, state)
        for _ in range(2):
            ours.tell()
        ours.desk.now += timedelta(minutes=15)
    for url, body in ours.calls:
        assert url == URL and body["status_callback_url"] == URL and body["controller_id"] == "shop"
        told.append((body["request_status"], body["extensions"][DOMAIN]["status"]))
    assert told == [
        ("pending", "verified"),
        ("in_progress", "fenced"),
        ("in_progress", "partial"),
        ("completed", "completed"),
    ]
    assert not ours.desk.rows.due("opendsr", "9999", 9)
    assert "joao" not in str(ours.calls)


def test_one_address_that_does_not_answer_is_called_again_and_the_other_is_not() -> None:
    ours = Counter()
    other = f"{URL}/2"
    ours.send({**WANTED, "status_callback_urls": [URL, other]})
    ours.broken = {URL}
    assert ours.tell().counts == {"callbacks": 1, "callbacks_failed": 1}
    ours.broken.clear()
    assert not ours.tell().counts
    ours.desk.now += timedelta(minutes=30)
    assert ours.tell().counts == {"callbacks": 1}
    assert [url for url, _ in ours.calls] == [other, URL]


def test_who_never_answers_is_given_up_and_that_is_counted() -> None:
    ours = Counter()
    ours.send(WANTED)
    ours.broken = {URL}
    given_up = 0
    for _ in range(MAX_FAILURES + 3):
        given_up += ours.tell().counts["callbacks_given_up"]
        ours.desk.now += timedelta(days=1)
    assert given_up == 1 and not ours.desk.rows.due("opendsr", "9999", 9)


def test_no_state_of_ours_is_lost_in_their_words() -> None:
    assert {state: status_of(state) for state in STATES} == {
        "received": "pending",
        "verified": "pending",
        "fenced": "in_progress",
        "running": "in_progress",
        "awaiting_processors": "in_progress",
        "verifying": "in_progress",
        "completed": "completed",
        "partial": "in_progress",
        "rejected": "cancelled",
        "cancelled": "cancelled",
    }


def test_discovery_says_what_is_taken_and_by_which_key_it_is_answered() -> None:
    ours = Counter()
    status, body, _ = ours.send(method="GET", route="GET /v1/opendsr/discovery", by="")
    assert status == 200 and body["extensions"][DOMAIN]["public_key"] == "y"
    assert body["supported_subject_request_types"] == ["erasure", "access", "portability"]
