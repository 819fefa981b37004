"""A long history is erased on the stack, in the CRM too; a hold keeps one part of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from enlace.domain.interaction import interaction_id
from local import stack as local_stack
from local.certificate_cli import check_signature
from local.demo.hub import Hub, wait_for
from tests.e2e.erasing import (
    REQUESTS,
    Items,
    Person,
    certificate,
    erased,
    holding,
    impatient,
    items,
    write,
)
from tests.e2e.queues import drain, waiting

#: Together more than DynamoDB reads at once, which is a megabyte.
LONG, COUNT = 150_000, 9
COMPLAINT = 100


@pytest.fixture(scope="module")
def hub(stack: dict[str, Any]) -> Iterator[Hub]:
    """What is held back comes again soon."""
    with impatient(stack) as hub:
        yield hub


def speak(hub: Hub, person: Person, length: int = 0) -> None:
    """A history, with a case in it."""
    data = {"text": person.text + "x" * length}
    for n in range(COUNT if length else 1):
        write(hub, person.interaction(n, data=data))
    complaint = {"text": person.text, "nature": "complaint"}
    write(hub, person.interaction(COMPLAINT, data=complaint))


def in_crm(hub: Hub, person: Person) -> bool:
    shown = json.dumps([hub.crm("contacts"), hub.crm("engagements")])
    return any(canary in shown for canary in (person.phone, person.mail, person.text))


@dataclass(frozen=True)
class Story:
    """Three people: one of a long history and a held part, one who is erased, and a neighbour."""

    long: Person
    late: Person
    neighbour: Person
    held: str
    hold: str
    before: Items
    known: dict[str, Any]
    certificate: dict[str, Any]
    certificate_path: str


@pytest.fixture(scope="module")
def story(hub: Hub) -> Story:
    long, late, neighbour = people = Person(), Person(), Person()
    speak(hub, long, LONG)
    speak(hub, late)
    speak(hub, neighbour)
    wait_for("them", lambda: all(hub.customer("phone", person.phone) for person in people))
    drain(hub)
    assert all(in_crm(hub, person) for person in people)
    customer: dict[str, Any] = hub.customer("phone", late.phone) or {}
    timeline = hub.timeline(customer["customer_id"])
    [said] = [one for one in timeline if one["source_id"] == f"{late.run}-{COMPLAINT}"]
    before = items(hub)
    assert sum(map(len, holding(before, [long.text])["timeline"])) > 2**20

    held = interaction_id("webchat", "site", f"{long.run}-3")
    body = {
        "records": [{"place": "timeline", "id": held}],
        "ground": "CPC art. 396",
        "authority": "1a Vara Civel",
    }
    hold = hub.api("POST", "/v1/privacy/holds", body, expected=201)["hold_id"]
    done, _ = erased(hub, long.asked_by_phone, late.asked_by_phone)
    path = f"{REQUESTS}/{done['request_id']}/certificate"
    known = {**customer, "said": said}
    return Story(long, late, neighbour, held, hold, before, known, certificate(hub, done), path)


def test_every_page_of_a_long_history_goes_and_a_held_record_stays(hub: Hub, story: Story) -> None:
    """Auditor's cases 2 and 22."""
    person, after = story.long, items(hub)
    # The held one alone, where nobody comes upon it who has the address later.
    left = holding(after, person.canaries)
    assert left.keys() == {"timeline"} and len(left["timeline"]) == 1
    [kept] = map(json.loads, left["timeline"])
    assert kept["sk"]["S"].partition("#")[2] == story.held
    assert kept["pk"]["S"].startswith("held#")
    assert not in_crm(hub, person) and in_crm(hub, story.neighbour)

    places = {one["place"]: one for one in story.certificate["places"]}
    assert places["timeline"]["deleted"] >= COUNT and places["timeline"]["retained"] == 1
    assert story.hold in places["timeline"]["kept"][0]["ground"]
    assert places["cases"]["deleted"] >= 4 and places["crm:hubspot"]["deleted"] >= 2
    others = [story.neighbour.text]
    assert holding(after, others) == holding(story.before, others)


def test_a_hold_that_is_released_ends_what_it_kept(hub: Hub, story: Story) -> None:
    """Auditor's case 22: by a second certificate, which names the first."""
    hub.api("DELETE", f"/v1/privacy/holds/{story.hold}")

    def second() -> dict[str, Any] | None:
        found = dict(hub.api("GET", story.certificate_path))
        return found if "earlier" in found else None

    found: dict[str, Any] = wait_for("the second round", second)
    assert found["earlier"] == [story.certificate]
    check_signature({name: value for name, value in found.items() if name != "earlier"})
    assert holding(items(hub), story.long.canaries) == {}


def test_events_that_come_after_an_erasure_end_quietly(hub: Hub, story: Story) -> None:
    """Auditor's case 8: what the bus still has is given up on by nobody, and makes nobody."""
    person, said = story.late, story.known["said"]
    keys = (one["pk"]["S"] for one in story.before["timeline"] if said["id"] in one["sk"]["S"])
    recorded = {
        "source": "enlace.resolve_identity",
        "detail-type": "interaction.recorded.v1",
        "detail": {
            "metadata": {
                "id": said["id"],
                "schema_version": "1.0",
                "occurred_at": said["occurred_at"],
                "recorded_at": said["occurred_at"],
                "correlation_id": said["id"],
                "causation_id": said["id"],
            },
            "data": {
                "interaction_id": said["id"],
                "customer_id": story.known["customer_id"],
                "channel": "webchat",
                "account": "site",
                "type": "message.received",
                "direction": "inbound",
                "occurred_at": said["occurred_at"],
                "contact_point": {"kind": "phone", "key": next(keys)},
                "timeline_key": f"{said['occurred_at']}#{said['id']}",
                "nature": "complaint",
                "protocol": None,
                "opt_out": None,
            },
        },
    }
    dead, sqs = waiting(hub, "_dlq"), local_stack.client("sqs")
    for queue in ("dispatch", "consents", "crm"):
        url = hub.document["queue_urls"][queue]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(recorded))
    drain(hub)
    assert waiting(hub, "_dlq") == dead
    assert holding(items(hub), person.canaries) == {} and not in_crm(hub, person)
    assert hub.customer("phone", person.phone) is None
