"""A person is erased on the stack: everywhere, with proof, and nobody else is touched.

One erasure, and what comes after it in the order of the tests: late deliveries, a redrive,
the person who makes contact anew, and a restore of the tables as they were before.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from enlace.domain.certificate import check_chain
from local import stack as local_stack
from local.certificate_cli import check_signature
from local.demo.hub import Hub, wait_for
from local.deploy import RESTORE_LOOK_SECONDS
from tests.e2e.erasing import (
    Items,
    Person,
    certificate,
    erased,
    holding,
    impatient,
    invoke,
    items,
    text_of,
    write,
)
from tests.e2e.queues import drain, waiting

#: What a restore holds comes again after so long: longer than a refusal takes.
_SOON = 8


@pytest.fixture(scope="module")
def hub(stack: dict[str, Any]) -> Iterator[Hub]:
    """What is held back comes again soon."""
    with impatient(stack) as hub:
        yield hub


@pytest.fixture
def restored_hub(hub: Hub) -> Iterator[Hub]:
    """What is held back comes again at once, almost."""
    with impatient(hub.document, interactions=_SOON) as restored:
        yield restored


def settle(hub: Hub, person: Person) -> str:
    """Everything about somebody; gives their customer id."""
    who = {"kind": "phone", "value": person.phone}
    order = {
        "order_id": f"PED-{person.run[:6]}",
        "value": {"amount": 12300, "currency": "BRL"},
        "store": {"kind": "online", "id": "site"},
        "note": person.text,
    }
    write(
        hub,
        person.interaction(1),
        person.interaction(2, "complaint.opened"),
        person.interaction(3, "order.placed", data=order),
    )
    found: dict[str, Any] = wait_for("the customer", lambda: hub.customer("phone", person.phone))
    consent = {
        "identifier": who,
        "purpose": "marketing",
        "channel": "sms",
        "state": "granted",
        "actor": "subject",
        "evidence": {"form": person.text},
    }
    hub.api("POST", "/v1/consents", consent, expected=201)
    message = {
        "to": {"identifier": who},
        "purpose": "transactional",
        "template": "order_confirmation",
        "data": {"order_id": person.text[:20]},
        "channels": ["sms"],
    }
    told = f"/v1/messages/{hub.api('POST', '/v1/messages', message, expected=202)['message_id']}"
    wait_for("the message", lambda: hub.api("GET", told)["status"] in ("sent", "delivered"))
    return str(found["customer_id"])


@dataclass(frozen=True)
class Story:
    """Somebody who was erased, and somebody else."""

    person: Person
    customer: str
    neighbour: Person
    other: str
    before: Items
    certificate: dict[str, Any]


@pytest.fixture(scope="module")
def story(hub: Hub) -> Story:
    person, neighbour = Person(), Person()
    with ThreadPoolExecutor(2) as pool:
        customer, other = pool.map(lambda one: settle(Hub(hub.document), one), (person, neighbour))
    drain(hub)
    before = items(hub)
    assert sum(map(len, holding(before, [person.text]).values())) >= 3
    [done] = erased(hub, person.asked_by_phone)
    return Story(person, customer, neighbour, other, before, certificate(hub, done))


def unknown(hub: Hub, person: Person) -> bool:
    """Whether nobody is known by their addresses, and they stand in no table."""
    points = (("phone", person.phone), ("email", person.mail))
    return (
        not any(hub.customer(*point) for point in points)
        and holding(items(hub), person.canaries) == {}
    )


def test_everything_goes_with_proof_and_nobody_else_is_touched(hub: Hub, story: Story) -> None:
    """Auditor's case 1."""
    after = items(hub)
    assert holding(after, story.person.canaries) == {}
    others = (story.neighbour.text, story.other)
    assert holding(after, others) == holding(story.before, others)

    proof = story.certificate
    check_signature(proof)
    check_chain([proof])
    places = {one["place"]: one for one in proof["places"]}
    assert places["timeline"]["deleted"] >= 3 and places["identity"]["deleted"] >= 2
    assert places["consents"]["retained"] >= 1 and proof["residual_hits"] == 0
    assert not [canary for canary in story.person.canaries if canary in text_of(proof)]


def test_what_is_delivered_late_brings_nobody_back(hub: Hub, story: Story) -> None:
    """Auditor's case 8: one that was known, and one that came never before."""
    at = "2026-11-20T10:00:00.000Z"
    late = (story.person.interaction(n, occurred_at=at) for n in (1, 4))
    write(hub, *late, story.neighbour.interaction(4))
    drain(hub)
    assert unknown(hub, story.person)
    written = {one["source_id"] for one in hub.timeline(story.other)}
    assert f"{story.neighbour.run}-4" in written


def test_what_is_redriven_is_dropped_and_makes_nobody(hub: Hub, story: Story) -> None:
    """Auditor's case 6: given up on while the erasure went on, and redriven after it."""
    sqs, urls = local_stack.client("sqs"), hub.document["queue_urls"]
    dead, live = urls["interactions_dlq"], urls["interactions"]
    at = "2026-11-20T10:00:00.000Z"
    before = waiting(hub, "_dlq")["interactions"]
    given_up = [story.person.interaction(5, occurred_at=at), story.neighbour.interaction(5)]
    for one in given_up:
        sqs.send_message(QueueUrl=dead, MessageBody=json.dumps(one))

    assert redrive(sqs, dead, live, {one["source_id"] for one in given_up}) == 2

    drain(hub)
    assert unknown(hub, story.person)
    assert waiting(hub, "_dlq")["interactions"] == before
    written = {one["source_id"] for one in hub.timeline(story.other)}
    assert f"{story.neighbour.run}-5" in written


def test_whoever_makes_contact_anew_is_somebody_new_who_said_yes_to_nothing(
    hub: Hub, story: Story
) -> None:
    """Auditor's case 10."""
    person = story.person
    while person.interaction(6)["occurred_at"] <= story.certificate["erased_before"]:
        time.sleep(1)
    write(hub, person.interaction(6))
    new: dict[str, Any] = wait_for("the newcomer", lambda: hub.customer("phone", person.phone))
    assert new["customer_id"] not in (story.customer, story.other)
    assert [one["source_id"] for one in hub.timeline(new["customer_id"])] == [f"{person.run}-6"]
    about = {"purpose": "marketing", "channel": "sms"}
    holds = hub.api("POST", "/v1/consents/lookup", {**person.asked_by_phone, **about})
    assert holds["state"] == "denied"


def test_after_a_restore_traffic_waits_for_the_erasures_to_be_done_again(
    restored_hub: Hub, story: Story
) -> None:
    """Auditor's case 17."""
    hub, person, other = restored_hub, story.person, Person()
    lookup = {"kind": "phone", "value": person.phone}
    drain(hub)
    # While an entry of the journal is missing nothing can be done again, and everything waits.
    with without_entry(hub, story.certificate["number"]):
        restore(hub, story.before)
        assert person.text in text_of(items(hub)["timeline"])
        # What an instance of a function found before may hold for so long, in each of them.
        time.sleep(RESTORE_LOOK_SECONDS + 1)
        assert hub.ask("POST", "/v1/customers/lookup", lookup)[0] == 503
        write(hub, other.interaction(1))
        time.sleep(3)
        assert waiting(hub)["interactions"] == 1
        assert holding(items(hub), other.canaries) == {}

    # What the schedule does every minute, at once.
    invoke("EraseSubject")
    wait_for(
        "the way to be free", lambda: hub.ask("POST", "/v1/customers/lookup", lookup)[0] == 404
    )
    assert unknown(hub, person)
    # What waited goes on.
    wait_for("whoever wrote meanwhile", lambda: hub.customer("phone", other.phone))


def redrive(sqs: Any, dead: str, live: str, source_ids: set[str]) -> int:
    """Put dead letters back, as the console does: a new message each, then the old one goes."""
    moved, others = 0, []
    while taken := sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages"):
        for message in taken:
            if json.loads(message["Body"]).get("source_id") in source_ids:
                sqs.send_message(QueueUrl=live, MessageBody=message["Body"])
                sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
                moved += 1
            else:
                others.append(message["ReceiptHandle"])
    for handle in others:
        sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=handle, VisibilityTimeout=0)
    return moved


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


def restore(hub: Hub, backup: Items) -> None:
    """Every table but that of the requests as it was."""
    dynamodb, now = local_stack.client("dynamodb"), items(hub)
    for name, table in hub.document["table_names"].items():
        if name == "privacy":
            continue
        there, kept = ({text_of(one): one for one in of[name]} for of in (now, backup))
        for one in (there[text] for text in there.keys() - kept.keys()):
            keys = {part: one[part] for part in ("pk", "sk") if part in one}
            dynamodb.delete_item(TableName=table, Key=keys)
        for one in (kept[text] for text in kept.keys() - there.keys()):
            dynamodb.put_item(TableName=table, Item=one)
