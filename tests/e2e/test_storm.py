"""A storm: five hundred webhooks of eight channels, each twice, shuffled, from eight threads.

The oracle is the memory store: the same requests, once and in order, through the same parsers and
the real resolve use case. What is sent follows from the people themselves.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from enlace.aws.identity_table import record_of
from enlace.channels import (
    generic,
    instagram,
    messenger,
    segment,
    twilio_sms,
    twilio_voice,
    whatsapp,
    x,
)
from enlace.channels.base import Interaction, Request
from enlace.domain.interaction import epoch_text
from enlace.rules import default_rules
from enlace.usecases.follow_crm import ACTIVITY_TYPES
from local import stack as local_stack
from local.demo.cast import cpf
from local.demo.hub import Hub
from local.memory_store import MemoryStore
from tests.e2e import vendors
from tests.e2e.queues import drain, set_visibility, visibility_seconds, waiting
from tests.stores.builders import resolver

pytestmark = pytest.mark.timeout(900)

PEOPLE = 62
WEBHOOKS = 500
FAMILY = 5
THREADS = 8
CHANNELS: dict[str, ModuleType] = {
    "whatsapp": whatsapp,
    "messenger": messenger,
    "instagram": instagram,
    "x": x,
    "twilio/sms": twilio_sms,
    "twilio/voice": twilio_voice,
    "segment": segment,
    "generic": generic,
}

Identity = tuple[str, str]


@dataclass
class Storm:
    """The webhooks of generated people, and what must be sent to them."""

    run: str
    now: int
    webhooks: list[vendors.Webhook] = field(default_factory=list)
    emails: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        rng = random.Random(self.run)
        digits = ["".join(str(rng.randrange(10)) for _ in range(8)) for _ in range(PEOPLE)]
        self.cpfs = [cpf(f"{1 + n % 9}{digits[n]}") for n in range(PEOPLE)]
        self.phones = [f"+55219{8 + n % 2}{digits[n][1:]}" for n in range(PEOPLE)]
        for n in range(PEOPLE):
            self._person(n)
        for n in range(WEBHOOKS - len(self.webhooks)):
            self.webhooks.append(
                vendors.whatsapp(self.phones[n], f"wamid.{self.run}.again.{n}", self.now - n)
            )

    def _person(self, n: int) -> None:
        """Eight webhooks, one a channel, in which a person tells more or less of who they are."""
        me, at = f"{self.run}.{n}", self.now - 60 * (n + 10)
        phone, number = self.phones[n], self.cpfs[n]
        # Every second family of five shares a mailbox: more CPFs than one person has. Families are
        # small enough for one component each; the laws hold while none is saturated.
        family = n // FAMILY
        mailbox = f"casa{family}" if family % 2 else f"casa.{n}"
        email = f"{mailbox}.{self.run}@storm.example.com"
        profile = {name: f"{k}{n:03d}{int(self.run, 36)}" for k, name in enumerate("mix", start=7)}
        traits = {"email": email, "cpf": number}
        if n % FAMILY == 0:
            traits["phone"] = phone
        if n % FAMILY == 1:
            # A couple's number.
            traits["phone"] = self.phones[n - 1]
        self.webhooks += [
            vendors.whatsapp(phone, f"wamid.{me}", at, bsuid=f"BR.{me}" if n % 2 else ""),
            vendors.messenger(profile["m"], f"m_{me}", at + 1),
            vendors.instagram(profile["i"], f"ig_{me}", at + 2),
            vendors.x(profile["x"], f"9{n:03d}{int(self.run, 36)}", at + 3),
            vendors.sms(phone, f"SM{me}"),
            vendors.voice(phone, f"CA{me}", at + 4, attested=n % 3 == 0),
            vendors.identify(
                f"user-{me}", f"seg-{me}", at + 5, traits, f"tablet-{self.run}-{family}"
            ),
            self._own(n, me, at + 6, email, profile),
        ]

    def _own(
        self, n: int, me: str, at: int, email: str, profile: dict[str, str]
    ) -> vendors.Webhook:
        phone, number = self.phones[n], self.cpfs[n]
        match n % 4:
            case 0:
                point = (f"instagram:{vendors.INSTAGRAM}", profile["i"], "proven")
                stated = (("phone", phone), ("x", profile["x"]))
                return vendors.own("form", me, at, "customer.identified", point, *stated)
            case 1:
                self.texts[phone] += 1
                point = ("phone", phone, "proven")
                return vendors.own("form", me, at, "complaint.opened", point, ("cpf", number))
            case 2:
                self.emails[email] += 1
                point, data = ("email", email, "stated"), vendors.order(me, 1000 + n)
                return vendors.own(
                    "shop", me, at, "order.placed", point, ("cpf", number), data=data
                )
        point = (f"messenger:{vendors.PAGE}", profile["m"], "proven")
        return vendors.own("form", me, at, "customer.identified", point, ("email", email))


@dataclass
class State:
    """What a store holds, in comparable form."""

    customers: set[frozenset[Identity]]
    timelines: dict[Identity, Counter[tuple[str, str]]]


@pytest.fixture(scope="module")
def hub(stack: dict[str, Any]) -> Iterator[Hub]:
    """The stack, with queues that deliver again soon."""
    hub = Hub(stack)
    before = set_visibility(hub, visibility_seconds(hub))
    yield hub
    set_visibility(hub, before)


def test_nothing_is_lost_and_nothing_done_twice(hub: Hub) -> None:
    now = int(time.time())
    run = os.environ.get("ENLACE_STORM") or f"{now:x}"
    storm = Storm(run, now)
    assert len(storm.webhooks) == WEBHOOKS
    requests = [hub.signed(channel, payload) for channel, payload in storm.webhooks]
    expected = oracle(storm, requests, hub)
    dead = waiting(hub, "_dlq")

    twice = requests * 2
    random.Random(run).shuffle(twice)
    with ThreadPoolExecutor(THREADS) as threads:
        for status in threads.map(hub.post, twice):
            assert status in (200, 202)
    drain(hub)

    assert waiting(hub, "_dlq") == dead
    mine = {identity for customer in expected.customers for identity in customer}
    found, owners, sent = read(hub, mine)
    assert found.customers == expected.customers
    assert found.timelines == expected.timelines
    assert sent == {"message.sent": sum((storm.emails + storm.texts).values())}
    emails = Counter(to for mail in local_stack.sent_emails() for to in mail["To"])
    texts = Counter(text["PhoneNumber"] for text in local_stack.sent_sms())
    assert {to: emails[to] for to in emails if run in to} == dict(storm.emails)
    assert {to: texts[to] for to in storm.phones if texts[to]} == dict(storm.texts)
    shown = crm(hub, owners)
    wrong = {id_ for id_ in {*owners, *shown} if owners.get(id_) != shown.get(id_)}
    assert not {id_: {"owed": owners.get(id_), "in the CRM": shown.get(id_)} for id_ in wrong}


def oracle(storm: Storm, requests: list[Any], hub: Hub) -> State:
    """The same requests once and in order, in memory."""
    store = MemoryStore()
    use_case = resolver(store)
    received_at = epoch_text(storm.now)
    for (channel, _), (method, path, headers, body) in zip(storm.webhooks, requests, strict=True):
        root, _, source = channel.partition("/")
        module = CHANNELS[channel] if channel in CHANNELS else CHANNELS[root]
        request = Request(method, path, "", headers, body, received_at, {"source": source})
        secret = hub.document["webhook_secrets"][root]
        module.verify(request, secret)
        for item in module.parse(request, secret):
            assert isinstance(item, Interaction), item
            use_case.resolve(item)
    customers: dict[str, set[Identity]] = defaultdict(set)
    timelines = {}
    for record in store.records.values():
        identity = record.kind, record.value
        customers[record.customer_id].add(identity)
        items = store.timelines.get(record.key, {}).values()
        if items:
            timelines[identity] = Counter((i.body["id"], i.body["type"]) for i in items)
    # A storm without merges and without protective limits would prove nothing.
    sizes = Counter(map(len, customers.values()))
    today = epoch_text(storm.now)[:10]
    refused = Counter(
        reason
        for component in store.components.values()
        for reason in component.partition(default_rules(), today).refused.values()
    )
    assert max(sizes) >= 8 and refused["shared"] >= 10 and len(refused) >= 2, (sizes, refused)
    assert max(len(component.nodes) for component in store.components.values()) <= 45
    return State(set(map(frozenset, customers.values())), timelines)


def read(hub: Hub, mine: set[Identity]) -> tuple[State, dict[str, Counter[str]], Counter[str]]:
    """The stack's tables: state, the CRM's activities by customer, and outbound types."""
    tables = hub.document["table_names"]
    pages = local_stack.client("dynamodb").get_paginator("scan")
    records = [
        record_of(item)
        for page in pages.paginate(TableName=tables["identity"])
        for item in page["Items"]
        if "kind" in item
    ]
    ours = {record.customer_id for record in records if (record.kind, record.value) in mine}
    records = [record for record in records if record.customer_id in ours]
    customers: dict[str, set[Identity]] = defaultdict(set)
    for record in records:
        customers[record.customer_id].add((record.kind, record.value))
    by_key = {record.key: record for record in records}
    timelines: dict[Identity, Counter[tuple[str, str]]] = defaultdict(Counter)
    activities: dict[str, Counter[str]] = defaultdict(Counter)
    outbound: Counter[str] = Counter()
    history = local_stack.client("dynamodb").get_paginator("scan")
    for page in history.paginate(TableName=tables["timeline"]):
        for item in page["Items"]:
            record = by_key.get(item["pk"]["S"])
            body = json_of(item)
            if record is None or body is None or "direction" not in body:
                continue
            if body["type"] in ACTIVITY_TYPES:
                activities[record.customer_id][body["id"]] += 1
            if body["direction"] == "outbound":
                outbound[body["type"]] += body["type"].startswith("message.sent")
            else:
                timelines[record.kind, record.value][body["id"], body["type"]] += 1
    state = State(set(map(frozenset, customers.values())), dict(timelines))
    return state, dict(activities), +outbound


def json_of(item: dict[str, Any]) -> dict[str, Any] | None:
    """The body of a timeline item; None for aggregates and pinned times."""
    body = json.loads(item["body"]["S"]) if "body" in item and "S" in item["body"] else None
    return body if isinstance(body, dict) and "id" in body else None


def crm(hub: Hub, wanted: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    """Activities by the customer of the contact that they stand under, in the CRM."""
    contacts = {
        contact["id"]: contact["properties"]["enlace_customer_id"]
        for contact in hub.crm("contacts")
        if "enlace_customer_id" in contact["properties"]
    }
    ids = {id_ for activities in wanted.values() for id_ in activities}
    found: dict[str, Counter[str]] = {
        owner: Counter() for owner in contacts.values() if owner in wanted
    }
    for note in hub.crm("engagements"):
        id_ = note["properties"]["enlace_interaction_id"]
        if id_ in ids:
            for contact in note["contacts"]:
                found.setdefault(contacts[contact], Counter())[id_] += 1
    return found
