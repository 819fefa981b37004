"""The consumers of the bus, wired as their functions wire them, over fakes.

Whatever a consumer does to the outside is noted by the name of the call, so that
a test can see whether it acted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from typing import Any, cast

from enlace.aws.bus_consumer import BusConsumer
from enlace.contracts.examples import (
    ASKED_MESSAGE,
    BOUNCE,
    CPF,
    EMAIL,
    INTERACTION,
    JOAO,
    JOAO_BY_EMAIL,
    ORDER,
    OUTCOME,
    PHONE,
    STOP,
)
from enlace.domain.address_key import AddressKeys
from enlace.domain.candidate import candidate
from enlace.domain.consent import ConsentPolicy, ConsentRecord
from enlace.domain.delivery import MessageRecord, Request, State
from enlace.domain.envelope import Entry, Event
from enlace.domain.interaction import utc_text
from enlace.domain.message_policy import MessagePolicy
from enlace.domain.records import TimelineItem
from enlace.logs import Logger
from enlace.rules import default_rules
from enlace.senders.crm_webhook import CrmWebhook
from enlace.senders.http_json import JsonHttp
from enlace.senders.registry import sender_channels
from enlace.usecases.apply_rules import ApplyRules
from enlace.usecases.cases import CaseKeeper
from enlace.usecases.consents import Consents
from enlace.usecases.crm_events import following
from enlace.usecases.crm_ports import Mapping
from enlace.usecases.deliver_message import DeliverMessage
from enlace.usecases.dispatch import Dispatch
from enlace.usecases.find_candidates import CandidateFinder
from enlace.usecases.follow_candidates import FollowCandidates
from enlace.usecases.follow_consents import FollowConsents
from enlace.usecases.follow_crm import FollowCrm
from enlace.usecases.follow_customers import FollowCustomers
from enlace.usecases.membership import Memberships
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.ports import CreateRecord, PutInteraction
from enlace.usecases.push_suppressions import PushSuppressions
from enlace.usecases.send_gate import SendGate
from local.memory_candidates import MemoryCandidates
from local.memory_consents import MemoryConsents
from local.memory_deliveries import MemoryDeliveries
from local.memory_store import MemoryStore
from tests.contract.template import rules
from tests.stores.memory_cases import MemoryCases
from tests.unit.usecases import fakes
from tests.unit.usecases.planning import planner

#: All that a rule feeds.
FUNCTIONS = tuple(sorted({rule.function for rule in rules()}))

#: Shortly after the examples happened, so that nothing has expired.
NOW = datetime(2026, 11, 20, 12, 35, tzinfo=UTC)

#: Calls that change nothing outside.
_READS = frozenset(
    (
        "get",
        "entry",
        "find",
        "begin",
        "own_contact",
        "find_activities",
        "progress",
        "look_up",
        "open_of",
        "opened_last",
        "case_of_message",
        "get_identifiers",
        "get_components",
        "page",
    )
)


class Noting:
    """Passes every call on to a fake, and notes those that do something."""

    def __init__(self, fake: Any, acts: list[str]):
        self._fake = fake
        self._acts = acts

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._fake, name)
        if name in _READS or not callable(value):
            return value

        def call(*arguments: Any, **named: Any) -> Any:
            self._acts.append(name)
            return value(*arguments, **named)

        return call


def _receiver(*request: Any) -> dict[str, Any]:
    """A receiver of the CRM webhook that takes everything."""
    return {}


class EntryBus:
    """A bus that accepts everything and keeps the entries as they were given."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def publish(self, entries: Sequence[Entry]) -> set[int]:
        self.entries.extend(entries)
        return set()

    def publish_all(self, entries: Sequence[Entry]) -> None:
        self.publish(entries)


def keeper(store: MemoryStore, cases: Any) -> CaseKeeper:
    return CaseKeeper(cases, memberships(store), default_rules().cases, now=lambda: NOW)


def memberships(store: MemoryStore) -> Memberships:
    return Memberships(store, default_rules(), today=lambda: f"{NOW:%Y-%m-%d}")


def dispatch(
    *,
    timeline: MemoryStore,
    bus: Any,
    cases: Any = None,
    messages: Any = None,
    consents: Any = None,
    alarms: Any = None,
) -> Dispatch:
    cases = cases or MemoryCases()
    return Dispatch(
        timeline=timeline,
        cases=cases,
        keeper=keeper(timeline, cases),
        messages=messages or MemoryDeliveries(),
        planner=planner(
            store=timeline,
            memberships=memberships(timeline),
            deliveries=messages,
            consents=consents,
            alarms=alarms,
            now=lambda: NOW,
        ),
        channels=sender_channels(),
        bus=bus,
        now=lambda: NOW,
    )


@dataclass
class Consumer:
    """One function's handler over fakes.

    Parameters
    ----------
    acts : list of str
        What it did to the outside, in order.
    """

    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    acts: list[str]
    log: StringIO

    def consume(self, event: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        """Deliver an event as SQS does; gives whether it was acknowledged, and the log line."""
        record = {
            "messageId": "00000000-0000-4000-8000-000000000001",
            "receiptHandle": "handle",
            "body": json.dumps(event),
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:sa-east-1:123456789012:queue",
            "awsRegion": "sa-east-1",
        }
        response = self.handler({"Records": [record]}, None)
        line: dict[str, Any] = json.loads(self.log.getvalue().splitlines()[-1])
        return response == {"batchItemFailures": []}, line


def consumer(function: str, event: dict[str, Any]) -> Consumer:
    """A fresh consumer by its function's name, in the world just after ``event``."""
    acts: list[str] = []
    log = StringIO()
    data = event["detail"]["data"]
    owners = {
        key: part["customer_id"] for part in data.get("into", ()) for key in part["identifiers"]
    }
    use_case = _use_cases(acts, _store(owners), parted=bool(owners))[function]()
    return Consumer(BusConsumer(use_case, Logger(function, stream=log)), acts, log)


def _rules(acts: list[str], store: MemoryStore) -> Callable[[Event], str | None]:
    job = ApplyRules(
        cast(Any, Noting(store, acts)),
        cast(Any, Noting(EntryBus(), acts)),
        clock=NOW.timestamp,
        sleep=lambda seconds: None,
    )
    return lambda event: job.follow(event, lambda: True)


def _use_cases(
    acts: list[str], store: MemoryStore, *, parted: bool
) -> dict[str, Callable[[], Callable[[Event], str | None]]]:
    messages = Noting(_deliveries(), acts)
    consents = MemoryConsents()
    mappings = fakes.MemoryMappings()
    cases = MemoryCases()
    cases.open(
        contact_key=PHONE.key,
        contact_kind=PHONE.kind,
        interaction_id=INTERACTION["id"],
        customer_id=JOAO,
        nature="complaint",
        opened_at=INTERACTION["occurred_at"],
    )
    for customer_id, levels in ((JOAO, [PHONE.key]), (JOAO_BY_EMAIL, [EMAIL.key, CPF.key])):
        mappings.save(Mapping(customer_id, customer_id, levels=dict.fromkeys(levels, "proven")))

    def deliver(channel: str) -> Callable[[Event], str]:
        use_case = DeliverMessage(
            sender_channels()[channel],
            Noting(fakes.Provider(), acts),
            identities=store,
            deliveries=messages,
            templates=MessageTemplates(),
            gate=SendGate(Noting(MemoryConsents(), acts), policy=MessagePolicy(), now=lambda: NOW),
            report=lambda outcome: acts.append(outcome.type),
            account="enlace",
            now=lambda: NOW,
        )
        return lambda event: use_case(event).state

    return {
        "dispatch_message": lambda: dispatch(
            timeline=store,
            cases=Noting(MemoryCases(), acts),
            messages=messages,
            consents=consents,
            alarms=Noting(fakes.Alarms(), acts),
            bus=Noting(EntryBus(), acts),
        ),
        "apply_rules": lambda: _rules(acts, store),
        "find_candidates": lambda: _candidates(acts, store, parted),
        "follow_customers": lambda: FollowCustomers(
            cast(Any, Noting(store, acts)),
            memberships(store),
            cases=cases,
            keeper=keeper(store, Noting(cases, acts)),
            timeline=store,
        ),
        "record_consent": lambda: FollowConsents(
            Consents(
                cast(Any, Noting(MemoryConsents(), acts)),
                policy=ConsentPolicy(),
                now=lambda: utc_text(NOW),
                sleep=lambda seconds: None,
            ),
            timeline=store,
            bus=Noting(EntryBus(), acts),
            channels=sender_channels(),
            now=lambda: utc_text(NOW),
            later=lambda seconds: utc_text(NOW),
        ),
        "send_crm": lambda: _crm(acts, store, mappings),
        # A sender is wired by its channel alone.
        **{f"send_{channel}": partial(deliver, channel) for channel in sender_channels()},
    }


def _crm(
    acts: list[str], store: MemoryStore, mappings: fakes.MemoryMappings
) -> Callable[[Event], str]:
    """Whom the example of changed consent is about has said no."""
    crm, noted = Noting(CrmWebhook(cast(JsonHttp, _receiver)), acts), Noting(mappings, acts)
    at = utc_text(NOW)
    consents = MemoryConsents()
    said = ConsentRecord("c", "marketing", "email", "withdrawn", "subject", at, at)
    Consents(consents, policy=ConsentPolicy(), now=lambda: at, sleep=lambda _: None).record(
        EMAIL.key, said
    )
    follow = FollowCrm(crm, identities=store, timeline=store, mappings=noted)
    push = PushSuppressions(
        crm,
        identities=store,
        mappings=noted,
        consents=consents,
        policy=ConsentPolicy(),
        now=lambda: at,
    )
    return following(follow, push)


def _candidates(acts: list[str], store: MemoryStore, parted: bool) -> FollowCandidates:
    """Knows João's two contact points as candidates, listed as before the event."""
    traits = {"name": {'"João da Silva"': ["2026-11-20", "0", "generic"]}}
    for key in (PHONE.key, EMAIL.key):
        store.records[key] = replace(store.records[key], traits=traits)
    known = MemoryCandidates()
    known.keep([candidate(PHONE.key, EMAIL.key, probability=0.99, bits=20.0, listed=not parted)])
    noting = cast(Any, Noting(known, acts))
    keys = AddressKeys(b"a secret of thirty-two bytes....")
    finder = CandidateFinder(store, noting, keys, default_rules(), now=lambda: NOW.isoformat())
    return FollowCandidates(finder, store, noting)


def _store(owners: dict[str, str]) -> MemoryStore:
    """What the tables hold after the examples were recorded: all João's, but for ``owners``."""
    store = MemoryStore()
    clear = {PHONE: "+5511987654321", EMAIL: "joao@example.com", CPF: "52998224725"}
    for (kind, key), value in clear.items():
        store.commit([CreateRecord(fakes.identifier(key, kind, value, owners.get(key, JOAO)))])
    for body, point in (
        (INTERACTION, PHONE),
        (ORDER, EMAIL),
        (OUTCOME, PHONE),
        (STOP, PHONE),
        (BOUNCE, EMAIL),
    ):
        sk = f"{body['occurred_at']}#{body['id']}"
        store.commit([PutInteraction(TimelineItem(point.key, sk, {**body, "ids": []}))])
    return store


def _deliveries() -> MemoryDeliveries:
    """Knows the message whose delivery the third interaction reports."""
    deliveries = MemoryDeliveries()
    deliveries.accept(MessageRecord(OUTCOME["data"]["message_id"], State.ACCEPTED))
    deliveries.accept(
        MessageRecord(
            ASKED_MESSAGE,
            State.ACCEPTED,
            template="protocol_opened",
            purpose="transactional",
            customer_id=JOAO,
            accepted_at=INTERACTION["occurred_at"],
            request=Request(
                PHONE.key, False, ("preferred",), {"protocol": "1"}, "2099-01-01T00:00:00.000Z"
            ),
        )
    )
    return deliveries
