"""A person is erased on the stack: everywhere, with proof, and nobody else is touched."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from enlace.domain.certificate import check_chain
from local import stack as local_stack
from local.certificate_cli import check_signature
from local.demo.hub import Hub, wait_for
from local.deploy import RESTORE_LOOK_SECONDS
from tests.e2e.queues import drain, set_visibility, visibility_seconds

REQUESTS = "/v1/privacy/requests"
ENDED = {"completed", "partial", "rejected"}


@pytest.fixture(scope="module")
def hub(stack: dict[str, Any]) -> Iterator[Hub]:
    """What is held back comes again soon."""
    hub = Hub(stack)
    before = set_visibility(hub, visibility_seconds(hub))
    yield hub
    set_visibility(hub, before)


class Person:
    """Somebody with values that stand nowhere else."""

    def __init__(self) -> None:
        self.run = uuid.uuid4().hex
        number = int(self.run[:8], 16) % 10**8
        self.phone = f"+55119{number:08d}"
        self.mail = f"canary.{self.run[:12]}@example.com"
        self.name = f"Canario{self.run[12:20]}"
        self.text = f"segredo{self.run[20:28]}"

    @property
    def canaries(self) -> list[str]:
        return [self.phone, self.phone[3:], self.mail, self.name, self.text]

    def interaction(self, n: int, type_: str = "message.received", **more: Any) -> dict[str, Any]:
        return {
            "source_id": f"{self.run}-{n}",
            "channel": "webchat",
            "account": "site",
            "type": type_,
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "contact_point": {"kind": "phone", "value": self.phone, "level": "proven"},
            "identifiers": [{"kind": "email", "value": self.mail, "level": "stated"}],
            "traits": {"name": self.name},
            "data": {"text": self.text},
            **more,
        }


def known(hub: Hub, kind: str, value: str) -> dict[str, Any] | None:
    return hub.customer(kind, value)


def settle(hub: Hub, person: Person) -> str:
    """Everything about somebody; gives their customer id."""
    hub.api(
        "POST",
        "/v1/interactions",
        [
            person.interaction(1),
            person.interaction(2, "complaint.opened"),
            person.interaction(
                3,
                "order.placed",
                data={
                    "order_id": f"PED-{person.run[:6]}",
                    "value": {"amount": 12300, "currency": "BRL"},
                    "store": {"kind": "online", "id": "site"},
                    "note": person.text,
                },
            ),
        ],
        expected=202,
    )
    found: dict[str, Any] = wait_for("the customer", lambda: known(hub, "phone", person.phone))
    hub.api(
        "POST",
        "/v1/consents",
        {
            "identifier": {"kind": "phone", "value": person.phone},
            "purpose": "marketing",
            "channel": "sms",
            "state": "granted",
            "actor": "subject",
            "evidence": {"form": person.text},
        },
        expected=201,
    )
    message = hub.api(
        "POST",
        "/v1/messages",
        {
            "to": {"identifier": {"kind": "phone", "value": person.phone}},
            "purpose": "transactional",
            "template": "order_confirmation",
            "data": {"order_id": person.text[:20]},
            "channels": ["sms"],
        },
        expected=202,
    )
    id_ = message["message_id"]
    wait_for(
        "the message",
        lambda: hub.api("GET", f"/v1/messages/{id_}")["status"] in ("sent", "delivered"),
    )
    return str(found["customer_id"])


def items(hub: Hub) -> dict[str, list[dict[str, Any]]]:
    """Every item of every table."""
    dynamodb = local_stack.client("dynamodb")
    found: dict[str, list[dict[str, Any]]] = {}
    for name, table in hub.document["table_names"].items():
        pages = dynamodb.get_paginator("scan").paginate(TableName=table)
        found[name] = [item for page in pages for item in page["Items"]]
    return found


def erased(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    asked = hub.api(
        "POST", REQUESTS, {"type": "erasure", "regulation": "lgpd", **body}, expected=201
    )
    id_ = asked["request_id"]
    hub.api("POST", f"{REQUESTS}/{id_}/verify", {"operator_reason": "saw a document"})

    def ended() -> dict[str, Any] | None:
        found = dict(hub.api("GET", f"{REQUESTS}/{id_}"))
        return found if found["status"] in ENDED else None

    done: dict[str, Any] = wait_for("the erasure", ended)
    return done


def test_a_person_is_erased_everywhere_with_proof_and_nobody_else(hub: Hub) -> None:
    """Auditor's cases 1, 8, 10."""
    person, neighbour = Person(), Person()
    customer, other = settle(hub, person), settle(hub, neighbour)
    drain(hub)
    before = items(hub)
    of_neighbour = {
        name: [one for one in found if any(v in json.dumps(one) for v in (neighbour.text, other))]
        for name, found in before.items()
    }
    assert sum(person.text in json.dumps(one) for found in before.values() for one in found) >= 3

    done = erased(hub, {"identifier": {"kind": "phone", "value": person.phone}})
    assert done["status"] == "completed", done

    after = items(hub)
    for name, found in after.items():
        for one in found:
            text = json.dumps(one, ensure_ascii=False)
            assert not [canary for canary in person.canaries if canary in text], (name, one)
    for name, found in of_neighbour.items():
        assert [one for one in found if one not in after[name]] == [], name

    certificate = hub.api("GET", f"{REQUESTS}/{done['request_id']}/certificate")
    check_signature(certificate)
    check_chain([certificate])
    places = {one["place"]: one for one in certificate["places"]}
    assert places["timeline"]["deleted"] >= 3 and places["identity"]["deleted"] >= 2
    assert places["consents"]["retained"] >= 1 and certificate["residual_hits"] == 0
    said = json.dumps(certificate, ensure_ascii=False)
    assert not [canary for canary in person.canaries if canary in said]

    # Late deliveries bring nobody back.
    assert known(hub, "phone", person.phone) is None
    hub.api(
        "POST",
        "/v1/interactions",
        [{**person.interaction(n), "occurred_at": "2026-11-20T10:00:00.000Z"} for n in (1, 4)],
        expected=202,
    )
    time.sleep(5)
    assert known(hub, "phone", person.phone) is None and known(hub, "email", person.mail) is None

    # Whoever makes contact anew is somebody new, and has not said yes to anything.
    fence = certificate["erased_before"]
    while time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()) <= fence:
        time.sleep(2)
    hub.api("POST", "/v1/interactions", [person.interaction(5)], expected=202)
    new: dict[str, Any] = wait_for("the newcomer", lambda: known(hub, "phone", person.phone))
    assert new["customer_id"] != customer
    holds = hub.api(
        "POST",
        "/v1/consents/lookup",
        {
            "identifier": {"kind": "phone", "value": person.phone},
            "purpose": "marketing",
            "channel": "sms",
        },
    )
    assert holds["state"] == "denied"


def test_a_held_record_stays_until_it_is_released(hub: Hub) -> None:
    """Auditor's case 22."""
    person = Person()
    customer = settle(hub, person)
    drain(hub)
    page = hub.api("GET", f"/v1/customers/{customer}/timeline")
    held = next(one for one in page["items"] if one["type"] == "complaint.opened")
    hold = hub.api(
        "POST",
        "/v1/privacy/holds",
        {
            "records": [{"place": "timeline", "id": held["id"]}],
            "ground": "CPC art. 396",
            "authority": "1a Vara Civel",
        },
        expected=201,
    )
    done = erased(hub, {"identifier": {"kind": "phone", "value": person.phone}})
    certificate = f"{REQUESTS}/{done['request_id']}/certificate"
    first = hub.api("GET", certificate)
    places = {one["place"]: one for one in first["places"]}
    assert places["timeline"]["retained"] >= 1
    assert hold["hold_id"] in places["timeline"]["kept"][0]["ground"]
    kept = [one for one in items(hub)["timeline"] if person.text in json.dumps(one)]
    assert len(kept) == 1 and held["id"] in json.dumps(kept)

    hub.api("DELETE", f"/v1/privacy/holds/{hold['hold_id']}")
    second: dict[str, Any] = wait_for(
        "the second round",
        lambda: hub.api("GET", certificate) if "earlier" in hub.api("GET", certificate) else None,
    )
    assert second["earlier"] == [first]
    check_signature({name: value for name, value in second.items() if name != "earlier"})
    assert not [one for one in items(hub)["timeline"] if person.text in json.dumps(one)]


def test_after_a_restore_traffic_waits_for_the_erasures_to_be_done_again(hub: Hub) -> None:
    """Auditor's case 17."""
    person, other = Person(), Person()
    settle(hub, person)
    drain(hub)
    backup = items(hub)
    done = erased(hub, {"identifier": {"kind": "phone", "value": person.phone}})
    assert done["status"] == "completed"
    number = hub.api("GET", f"{REQUESTS}/{done['request_id']}/certificate")["number"]

    lookup = {"kind": "phone", "value": person.phone}
    # While an entry of the journal is missing nothing can be done again, and everything waits.
    with without_entry(hub, number):
        restore(hub, backup)
        assert person.text in json.dumps(items(hub)["timeline"])
        # What an instance of a function found before may hold for so long, in each of them.
        time.sleep(RESTORE_LOOK_SECONDS + 1)
        assert hub.ask("POST", "/v1/customers/lookup", lookup)[0] == 503
        hub.api("POST", "/v1/interactions", [other.interaction(1)], expected=202)
        time.sleep(5)
        assert other.mail not in json.dumps(items(hub)["identity"])

    look_for_erasures()
    wait_for(
        "the way to be free", lambda: hub.ask("POST", "/v1/customers/lookup", lookup)[0] == 404
    )
    for name, found in items(hub).items():
        text = json.dumps(found, ensure_ascii=False)
        assert not [canary for canary in person.canaries if canary in text], name
    # What waited goes on.
    wait_for("whoever wrote meanwhile", lambda: known(hub, "phone", other.phone))


@contextmanager
def without_entry(hub: Hub, number: int) -> Iterator[None]:
    """The journal without one of its erasures; whatever fails meanwhile, it is put back."""
    dynamodb, table = local_stack.client("dynamodb"), hub.document["table_names"]["privacy"]
    key = {"pk": {"S": "journal"}, "sk": {"S": f"{number:09d}"}}
    entry = dynamodb.get_item(TableName=table, Key=key)["Item"]
    dynamodb.delete_item(TableName=table, Key=key)
    try:
        yield
    finally:
        dynamodb.put_item(TableName=table, Item=entry)


def look_for_erasures() -> None:
    """What the schedule does every minute, at once."""
    client = local_stack.client("lambda")
    pages = client.get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    [name] = [name for name in names if "EraseSubject" in name]
    answer = client.invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()


def restore(hub: Hub, backup: dict[str, list[dict[str, Any]]]) -> None:
    """Every table but that of the requests as it was."""
    dynamodb = local_stack.client("dynamodb")
    now = items(hub)
    for name, table in hub.document["table_names"].items():
        if name == "privacy":
            continue
        kept = {json.dumps(one, sort_keys=True) for one in backup[name]}
        for one in now[name]:
            if json.dumps(one, sort_keys=True) not in kept:
                keys = {part: one[part] for part in ("pk", "sk") if part in one}
                dynamodb.delete_item(TableName=table, Key=keys)
        for one in backup[name]:
            dynamodb.put_item(TableName=table, Item=one)
