"""AWS fails all the time, and the result is the same.

Two hundred events of twenty people come in over every channel, while a proxy between the functions
and the emulator throttles three DynamoDB calls in ten and breaks connections to DynamoDB, SQS,
EventBridge and SES, before the call and after it was carried out (the acknowledgement is lost).
What comes of them is held against the same use case in memory, without a fault.

SES has no idempotency: whoever loses its acknowledgement can send twice, or perhaps not at all. A
message of the transactional kind is sent twice then, once its lease has run out. So an address may
get more than one copy, and all together no more than acknowledgements of SES were lost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from local import faults, processes
from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from local.settings import ROOT
from tests.e2e.faults.oracle import Oracle, stored, without_receipts
from tests.e2e.faults.people import Happening, Person, crowd, shuffled

pytestmark = pytest.mark.timeout(900)

HOME = ROOT / ".enlace" / "e2e-faults"
RUN = "f" + str(int(time.time()))[-7:]
#: Longest wait until everything is settled.
SETTLE_SECONDS = 400.0
#: Redelivered by then. On AWS a queue's timeout is six times its function's, which a test would
#: spend waiting; the e-mail queue's is longer than the minute for which a message is in doubt.
VISIBILITY_SECONDS = {"crm": 60, "email": 80, "sms": 80, "whatsapp": 80}
OTHER_VISIBILITY_SECONDS = 30

RULES = [
    *faults.throttled(
        "dynamodb", 0.3, "ProvisionedThroughputExceededException", "ThrottlingException"
    ),
    *faults.broken("dynamodb", 0.06),
    *faults.broken("sqs", 0.1),
    *faults.broken("events", 0.2),
    # Twice each and no more, so they may as well be sure to come.
    *faults.broken("ses", 0.9, times=2),
]


@dataclass
class Run:
    """A stack behind its proxy."""

    hub: Hub
    faults: faults.Faults
    people: list[Person]
    happenings: list[Happening]


def _local(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key != "PERSIST"}
    return subprocess.run(
        [sys.executable, "-m", "local", command],
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """A stack of its own, deployed with the functions' endpoint at the proxy."""
    home = {"ENLACE_HOME": str(HOME)}
    _local("down", home)
    port = processes.free_port(14600)
    proxy_port = processes.free_port(port + 2000)
    proxy = faults.start(proxy_port, f"http://127.0.0.1:{port}")
    switch = faults.Faults(f"http://127.0.0.1:{proxy_port}")
    settings = {
        **home,
        "ENLACE_PORT": str(port),
        "ENLACE_AUTH": "0",
        "ENLACE_FUNCTION_ENDPOINT_URL": switch.url,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENLACE_HOME", str(HOME))
        try:
            started = _local("up", settings)
            if started.returncode != 0:
                pytest.fail(f"the stack did not start:\n{started.stdout}{started.stderr}")
            people = crowd(RUN)
            yield Run(Hub(local_stack.load()), switch, people, shuffled(people))
        finally:
            _local("down", home)
            proxy.terminate()
            proxy.wait(timeout=30)


def _redeliver_soon(document: dict[str, Any]) -> None:
    sqs = local_stack.client("sqs")
    for name in document["queue_urls"]:
        if name.endswith("_dlq") or name == "rules":
            continue
        seconds = VISIBILITY_SECONDS.get(name, OTHER_VISIBILITY_SECONDS)
        sqs.set_queue_attributes(
            QueueUrl=document["queue_urls"][name],
            Attributes={"VisibilityTimeout": str(seconds)},
        )


def _deliver(hub: Hub, happening: Happening) -> None:
    if happening.channel == "email":
        hub.mail(happening.payload["mail"]["messageId"], happening.raw, happening.payload)
    else:
        hub.webhook(happening.channel, happening.payload)


def _depths(document: dict[str, Any]) -> dict[str, int]:
    sqs = local_stack.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return {
        name: sum(
            int(count)
            for count in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)[
                "Attributes"
            ].values()
        )
        for name, url in document["queue_urls"].items()
    }


def _settled(hub: Hub, people: list[Person]) -> bool:
    depths = _depths(dict(hub.document))
    dead = {name: count for name, count in depths.items() if name.endswith("_dlq") and count}
    assert not dead, f"in the dead-letter queues: {dead}"
    return (
        not any(depths.values())
        and all(hub.emails_to(person.email) for person in people)
        and all(hub.texts_to(person.phone) for person in people)
    )


@pytest.fixture(scope="module")
def after(run: Run) -> Run:
    """All events delivered through the faults, and the queues drained."""
    document = dict(run.hub.document)
    _redeliver_soon(document)
    run.faults.on(RULES)
    again = run.happenings[::10]
    with ThreadPoolExecutor(6) as vendors:
        # Every tenth is delivered twice, as vendors do.
        list(vendors.map(lambda each: _deliver(run.hub, each), [*run.happenings, *again]))

    # Twice in a row: between two queues an event is in neither.
    calm = 0

    def probe() -> bool:
        nonlocal calm
        calm = calm + 1 if _settled(run.hub, run.people) else 0
        return calm >= 3

    wait_for("every queue drained", probe, seconds=SETTLE_SECONDS, every=1.0)
    run.faults.off()
    return run


def test_there_were_two_hundred_events_and_faults_of_every_kind(after: Run) -> None:
    injected = after.faults.injected()
    print(json.dumps({" ".join(key): count for key, count in sorted(injected.items())}, indent=1))

    assert len(after.happenings) == 200
    for service in faults.CHANGING:
        assert injected[service, "reset"], service
        assert injected[service, "lost"], service
    for code in ("ProvisionedThroughputExceededException", "ThrottlingException"):
        assert injected["dynamodb", f"error:{code}"] > 100


def test_customers_histories_totals_and_traits_are_what_they_are_without_faults(
    after: Run,
) -> None:
    oracle = Oracle(after.hub.document, after.happenings)
    pinned = {i.id for i in oracle.interactions if i.occurred_at is None}
    expected = without_receipts(oracle.state(), pinned)

    found = without_receipts(stored(after.hub.document, oracle.points()), pinned)

    assert len(oracle.interactions) == 200
    assert len(pinned) == len(after.people), "a text message has no time of its vendor's"
    assert len(expected["customers"]) == 4 * len(after.people)
    for part in expected:
        assert found[part] == expected[part], part


def test_everybody_has_their_answer_and_no_copy_more_than_acknowledgements_were_lost(
    after: Run,
) -> None:
    hub = after.hub
    lost = after.faults.injected()["ses", "lost"]
    mails = {person.email: hub.emails_to(person.email) for person in after.people}
    copies = sum(len(sent) - 1 for sent in mails.values())
    reported = Counter[tuple[str, str]]()
    for person in after.people:
        view = hub.customer("email", person.email)
        assert view is not None
        assert view["purchases"]["value"] == [
            {"currency": "BRL", "orders": 1, "amount": person.amount}
        ]
        for item in hub.timeline(view["customer_id"]):
            if item["type"].startswith("message.") and item["direction"] == "outbound":
                assert item["type"] == "message.sent"
                reported[item["channel"], item["contact_point"]["value"]] += 1
        assert all("PED-" in mail["Subject"] + mail["BodyText"] for mail in mails[person.email])
        assert len(hub.texts_to(person.phone)) == 1, "SNS is not among the faults"

    assert all(mails.values())
    assert copies <= lost, f"{copies} copies, {lost} lost acknowledgements"
    # However many copies there were: one message, and one report.
    assert reported == {
        **{("email", person.email): 1 for person in after.people},
        **{("sms", person.phone): 1 for person in after.people},
    }


def test_the_crm_has_one_contact_a_customer_and_every_activity_once(after: Run) -> None:
    oracle = Oracle(after.hub.document, after.happenings)
    contacts = {
        c["id"]: c["properties"].get("enlace_customer_id") for c in after.hub.crm("contacts")
    }
    customer_of = {}
    for person in after.people:
        view = after.hub.customer("phone", person.phone)
        assert view is not None
        for item in after.hub.timeline(view["customer_id"]):
            customer_of[item["id"]] = view["customer_id"]

    assert len(set(contacts.values())) == len(contacts), "a customer has two contacts"
    shown = Counter[str]()
    for note in after.hub.crm("engagements"):
        interaction = note["properties"]["enlace_interaction_id"]
        shown[interaction] += 1
        (contact,) = note["contacts"]
        if interaction in customer_of:
            assert contacts[contact] == customer_of[interaction]
    assert {shown[id_] for id_ in oracle.activities()} == {1}
    assert set(shown.values()) == {1}


def test_nothing_is_left_in_any_queue(after: Run) -> None:
    assert not any(_depths(dict(after.hub.document)).values())
