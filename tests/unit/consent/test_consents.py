"""Recording and looking up consent, through the HTTP API on the memory store."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from enlace.api.app import Api
from enlace.api.callers import Callers
from enlace.api.consent_models import ConsentReceipt
from enlace.api.consents import consent_routes
from enlace.domain.consent import ConsentPolicy
from enlace.domain.envelope import Entry
from enlace.domain.http import Request, Response
from enlace.errors import TemporaryFailure
from enlace.rules import default_rules
from enlace.usecases.consent_receipts import Controller
from enlace.usecases.consents import Consents, consent_key
from local.memory_consents import MemoryConsents
from tests.stores.builders import KEYS
from tests.stores.consent_suite import ConsentSuite

API_KEY = "the key of the laptop stack"
EMAIL = {"kind": "email", "value": "Maria@Example.com"}
GRANT = {
    "identifier": EMAIL,
    "channel": "email",
    "purpose": "marketing",
    "state": "granted",
    "actor": "subject",
    "evidence": {"form": "newsletter", "url": "https://example.com/n"},
    "notice": {"id": "privacy", "version": "2026-2"},
}


CONTROLLER = Controller(
    "Loja Exemplo", "Rua A, 1", "dpo@example.com", "BR", ("Parceira",), "sa-east-1"
)


class Log:
    def info(self, *args: Any, **fields: Any) -> None: ...

    error = info


class Bus:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.down = False

    def publish_all(self, entries: list[Entry]) -> None:
        if self.down:
            raise TemporaryFailure("the bus is down")
        self.entries += entries


class Queue:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.down = False

    def send(self, bodies: list[str]) -> None:
        if self.down:
            raise TemporaryFailure("the queue is down")
        self.sent += [json.loads(body) for body in bodies]


class World:
    def __init__(self, policy: ConsentPolicy | None = None) -> None:
        self.store, self.bus, self.queue, self.day = MemoryConsents(), Bus(), Queue(), 1
        consents = Consents(
            self.store,
            policy=policy or ConsentPolicy(),
            now=self.now,
            sleep=lambda seconds: None,
        )
        self.api = Api(
            consent_routes(
                consents,
                self.bus,
                self.queue,
                self.now,
                partial(consent_key, keys=KEYS, rules=default_rules()),
                CONTROLLER,
            ),
            Callers(lambda: API_KEY),
            Log(),
        )

    def now(self) -> str:
        return f"2026-11-{self.day:02d}T12:00:00.000Z"

    def ask(self, path: str, body: Any, status: int, key: str = "") -> dict[str, Any]:
        headers = {"x-api-key": API_KEY, **({"idempotency-key": key} if key else {})}
        request = Request("POST", path, "", headers, json.dumps(body).encode(), self.now())
        response: Response = self.api.handle(f"POST {path}", request)
        assert response.status == status, response.body
        return json.loads(response.body)

    def say(self, status: int = 201, key: str = "", **change: Any) -> dict[str, Any]:
        self.day += 1
        return self.ask("/v1/consents", {**GRANT, **change}, status, key)

    def look_up(self, **body: Any) -> dict[str, Any]:
        return self.ask("/v1/consents/lookup", {"identifier": EMAIL, **body}, 200)


@pytest.fixture
def world() -> World:
    return World()


class TestMemoryConsents(ConsentSuite):
    @pytest.fixture
    def store(self) -> MemoryConsents:
        return MemoryConsents()


def test_the_default_is_denied_and_says_so(world: World) -> None:
    (item,) = world.look_up()["items"]
    assert (item["state"], item["step"], item["record"]) == ("denied", 0, None)


def test_a_grant_holds_with_its_record_and_a_withdrawal_ends_it(world: World) -> None:
    granted = world.say()
    assert (granted["state"], granted["step"], granted["conflict"]) == ("granted", 9, False)
    assert granted["record"]["evidence"] == GRANT["evidence"]
    withdrawn = world.say(state="withdrawn")
    assert (withdrawn["state"], withdrawn["step"]) == ("denied", 4)
    # The same mailbox, written otherwise.
    again = world.look_up(identifier={"kind": "email", "value": "maria@example.com"})
    assert again["items"][0]["record"]["event_id"] == withdrawn["consent_id"]


def test_an_import_that_says_subscribed_changes_nothing_and_shows_it(world: World) -> None:
    world.say(state="denied")
    imported = world.say(actor="import")
    assert (imported["state"], imported["conflict"]) == ("denied", True)
    assert json.loads(world.bus.entries[-1].detail)["data"]["allowed"] is False
    assert world.say()["state"] == "granted"


def test_a_repeated_request_records_once_and_tells_it_again(world: World) -> None:
    world.bus.down = True
    lost = world.say(503, key="k-1")
    world.bus.down = False
    again = world.say(key="k-1")
    assert again["consent_id"] == lost["consent_id"]
    (ledger,) = world.store.ledgers.values()
    assert len(ledger) == len(world.bus.entries) == 1


def test_the_ledger_is_a_chain(world: World) -> None:
    for state in ("granted", "withdrawn", "granted"):
        world.say(state=state)
    (ledger,) = world.store.ledgers.values()
    entries = list(ledger.values())
    assert [e["previous_hash"] for e in entries] == ["", *(e["hash"] for e in entries[:-1])]


def test_nothing_clear_stands_in_keys_or_events(world: World) -> None:
    world.say()
    text = json.dumps([entry.detail for entry in world.bus.entries]) + str(
        list(world.store.states_by_key)
    )
    assert "maria" not in text.lower()


def test_one_purpose_can_be_asked_for(world: World) -> None:
    found = world.look_up(purpose="transactional", channel="email")
    assert (found["state"], found["step"], len(found["items"])) == ("granted", 10, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "maybe"},
        {"actor": "provider"},
        {"purpose": "Marketing mails"},
        {"channel": None},
        {"identifier": {"kind": "email", "value": "nobody"}},
        {"evidence": "yes"},
        {"notice": {"text": "x" * 5000}},
        {"occurred_at": "yesterday"},
    ],
)
def test_malformed_records_are_refused_and_leave_nothing(
    world: World, change: dict[str, Any]
) -> None:
    assert world.say(400, **change)["detail"]
    assert world.store.ledgers == {} and world.bus.entries == []


DOUBLE = ConsentPolicy(double_opt_in=frozenset(("email",)))


def test_a_forms_yes_waits_for_the_address_and_the_queue_makes_it_known() -> None:
    world = World(DOUBLE)
    notice = {"id": "privacy", "version": "2026-2", "language": "en"}
    world.queue.down = True
    lost = world.say(503, key="k-1", notice=notice)
    world.queue.down = False
    asked = world.say(key="k-1", notice=notice)
    assert asked["consent_id"] == lost["consent_id"]
    assert (asked["said"], asked["state"], asked["step"]) == ("requested", "denied", 5)
    assert asked["conflict"] is False
    (sent,) = world.queue.sent
    assert (sent["type"], sent["contact_point"]["level"]) == ("consent.requested", "stated")
    assert sent["contact_point"]["value"] == EMAIL["value"]
    assert sent["data"]["consent_id"] == asked["consent_id"]
    assert sent["traits"] == {"language": "en"}
    # Asked for again before it ends: recorded, and nobody is asked again.
    assert world.say()["said"] == "requested"
    assert len(world.queue.sent) == 1
    assert {entry.detail_type for entry in world.bus.entries} == {"consent.changed.v1"}


def test_what_was_confirmed_elsewhere_is_not_asked_for_again() -> None:
    world = World(DOUBLE)
    evidence = {"form": "fair", "confirmed_at": "2026-10-01T10:00:00Z"}
    assert world.say(evidence=evidence)["state"] == "granted"
    assert world.say(400, evidence={"confirmed_at": "lately"})["detail"]
    assert world.queue.sent == []


def test_a_list_asks_nobody_and_a_no_is_not_asked_again() -> None:
    world = World(DOUBLE)
    listed = world.say(actor="import")
    assert (listed["said"], listed["step"]) == ("requested", 5)
    world.say(state="denied")
    again = world.say(state="requested")
    assert (again["step"], again["conflict"]) == (4, True)
    assert world.queue.sent == []


def test_the_ledger_proves_which_notice_was_shown() -> None:
    world = World()
    first, second = world.say()["record"], world.say()["record"]
    other = world.say(notice={**GRANT["notice"], "version": "2026-3"})["record"]
    assert (first["notice_id"], first["notice_version"]) == ("privacy", "2026-2")
    assert first["notice_hash"] == second["notice_hash"] != other["notice_hash"]
    given = world.say(notice={"version": "1", "hash": "ab" * 32})["record"]
    assert given["notice_hash"] == "ab" * 32


def test_grants_lapse_by_the_policy() -> None:
    world = World(ConsentPolicy(valid_days={"marketing": 3}, least_notice={"news": "2026-3"}))
    assert world.say()["state"] == "granted"
    assert world.say(purpose="news")["step"] == 6
    world.day += 1
    assert world.look_up(purpose="marketing", channel="email")["step"] == 9
    world.day += 2
    lapsed = world.look_up(purpose="marketing", channel="email")
    assert (lapsed["step"], lapsed["reason"]) == (6, "expired")


def test_a_receipt_is_the_same_again_and_names_no_address() -> None:
    world = World()
    consent_id = world.say(valid_until="2027-01-01T00:00:00Z")["consent_id"]
    body = {"identifier": EMAIL, "consent_id": consent_id}
    receipt = world.ask("/v1/consents/receipts", body, 200)
    assert receipt == world.ask("/v1/consents/receipts", body, 200)
    assert ConsentReceipt.model_validate(receipt)
    (purpose,) = receipt["pii_processing"]["purposes"]
    assert (purpose["purpose"], purpose["pii_information"]) == (
        "marketing",
        [{"pii_type": "email"}],
    )
    assert receipt["events"][0]["event_state"] == "granted"
    assert receipt["party_identification"][0]["party_name"] == "Loja Exemplo"
    assert "maria" not in json.dumps(receipt).lower()
    world.ask("/v1/consents/receipts", {"identifier": EMAIL, "consent_id": "other"}, 404)
    world.ask("/v1/consents/receipts", {"identifier": EMAIL}, 400)
    stranger = {"kind": "email", "value": "ana@example.com"}
    world.ask("/v1/consents/receipts", {"identifier": stranger, "consent_id": consent_id}, 404)
