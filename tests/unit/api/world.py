"""The whole HTTP API on the memory store, called as API Gateway would call it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

from enlace.api.app import Api, Route
from enlace.api.callers import Callers
from enlace.api.candidates import candidate_routes
from enlace.api.cases import SOURCE, case_routes
from enlace.api.conciliations import conciliation_routes
from enlace.api.consents import consent_routes
from enlace.api.customers import customer_routes
from enlace.api.interactions import interaction_routes
from enlace.api.messages import message_routes
from enlace.api.openapi import openapi
from enlace.api.preview import preview_routes
from enlace.api.privacy import privacy_routes
from enlace.api.rules import rules_routes
from enlace.api.templates import template_routes
from enlace.domain.case import Case
from enlace.domain.consent import ConsentPolicy
from enlace.domain.envelope import Entry
from enlace.domain.http import Request, Response
from enlace.domain.interaction import Identifier, Interaction
from enlace.domain.outgoing import Attachment
from enlace.domain.records import TimelineItem
from enlace.domain.rfv import Quintiles
from enlace.domain.rules import Rules
from enlace.errors import NotFound, TemporaryFailure
from enlace.rules import default_rules, message_policy
from enlace.senders.registry import sender_channels
from enlace.usecases.candidate_ports import Point
from enlace.usecases.candidates_view import CandidatesView
from enlace.usecases.change_case import ChangeCase
from enlace.usecases.compared import Compared
from enlace.usecases.conciliation_log import ConciliationLog
from enlace.usecases.consent_receipts import Controller
from enlace.usecases.consents import Consents, consent_key
from enlace.usecases.context import Context
from enlace.usecases.customer_view import CustomerView
from enlace.usecases.edit_templates import EditTemplates
from enlace.usecases.explain import Explain
from enlace.usecases.find_customer import Asked, Customer, CustomerFinder, one_by_one
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.preview import Preview
from enlace.usecases.read_case import CaseView
from enlace.usecases.read_customer import CustomerReader
from enlace.usecases.read_history import Aggregates, Newest, OpenCase
from enlace.usecases.request_message import RequestMessage
from enlace.usecases.timeline import Timeline
from local.memory_candidates import MemoryCandidates
from local.memory_consents import MemoryConsents
from local.memory_deliveries import MemoryDeliveries
from local.memory_store import MemoryStore
from tests.stores.builders import KEYS, TODAY, conciliator, resolver
from tests.stores.memory_cases import MemoryCases
from tests.stores.memory_templates import MemoryTemplates
from tests.unit.api.privacy_desk import PrivacyOffice

API_KEY = "the key of the laptop stack"
MOMENT = f"{TODAY}T12:00:00.000Z"
ISSUER = "https://issuer.example.com"
CONTROLLER = Controller("Loja Exemplo", "Rua A, 1", "dpo@example.com", "BR", (), "sa-east-1")
NOW = datetime.fromisoformat(f"{TODAY}T12:00:00+00:00")


class MemoryHistory:
    """Timelines and totals of a memory store, and cases."""

    def __init__(self, store: MemoryStore):
        self._store = store
        self.cases: list[OpenCase] = []

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        return self._store.get(pk, sk)

    def page(
        self, pk: str, *, before: str | None, since: str | None, limit: int
    ) -> list[TimelineItem]:
        return self._store.page(pk, before=before, since=since, limit=limit)

    def newest(self, pk: str, limit: int) -> Newest:
        items = self._store.page(pk, before=None, since=None, limit=limit)
        return Newest(items, len(items) < limit)

    def aggregates(self, pks: Sequence[str]) -> dict[str, Aggregates]:
        found = {}
        for pk in pks:
            known = self._store.get_documents(pk, ["totals", "carts"])
            bodies = {sk: document.body for sk, document in known.items()}
            found[pk] = Aggregates(bodies.get("totals", {}), bodies.get("carts", {}))
        return found

    def open_cases(self, pk: str) -> list[OpenCase]:
        return [case for case in self.cases if case.contact_key == pk]


class OpenCandidates:
    """Pairs of contact points that may be one person."""

    def __init__(self) -> None:
        self.pairs: set[tuple[str, str]] = set()

    def points(self, keys: Collection[str]) -> dict[str, Point]:
        return {key: Point(open=frozenset(b for a, b in self.pairs if a == key)) for key in keys}


class FakeQueue:
    """Keeps what was sent; fails when told to."""

    def __init__(self) -> None:
        self.sent: list[list[Any]] = []
        self.down = False

    def send(self, bodies: Sequence[str]) -> None:
        if self.down:
            raise TemporaryFailure("the queue is down")
        self.sent.append([json.loads(body) for body in bodies])


class FakeBus:
    """Keeps what was published; fails when told to."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.down = False

    def publish_all(self, entries: Sequence[Entry]) -> None:
        if self.down:
            raise TemporaryFailure("the bus is down")
        self.entries += entries


class FakeLog:
    """Keeps every line as text."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, message: str, **fields: Any) -> None:
        self.lines.append(json.dumps([message, fields]))

    def error(self, message: str, **fields: Any) -> None:
        self.lines.append(json.dumps([message, fields]))


class World:
    """An Enlace in memory."""

    def __init__(self, store: MemoryStore | None = None, rules: Rules | None = None) -> None:
        self.store = MemoryStore() if store is None else store
        self.history = MemoryHistory(self.store)
        self.cases = MemoryCases()
        self.queue, self.bus, self.log = FakeQueue(), FakeBus(), FakeLog()
        rules = self.rules = rules or default_rules()
        self.finder = CustomerFinder(self.store, KEYS, rules, today=lambda: TODAY)
        self.quintiles: Quintiles | None = None
        self.consents = MemoryConsents()
        self.templates = MemoryTemplates()
        self.candidates, self.pairs = OpenCandidates(), MemoryCandidates()
        self.deliveries = MemoryDeliveries()
        self.attachments: dict[str, Attachment] = {}
        customers = CustomerReader(
            self.finder,
            self.history,
            parallel=one_by_one,
            quintiles=lambda: self.quintiles,
            candidates=self.candidates,
            consents=self.consents,
        )
        self.views = CustomerView(customers, now=lambda: MOMENT)
        self.timeline = Timeline(self.finder, self.history, parallel=one_by_one)
        self.context = Context(customers, today=lambda: TODAY)
        self.explain = Explain(
            self.finder,
            today=lambda: TODAY,
            get_interaction=self.store.get,
            get_entry=self.store.get_entry,
        )
        preview = Preview(
            self.store,
            KEYS,
            rules,
            self.history,
            now=lambda: MOMENT,
            parallel=one_by_one,
            consents=self.consents,
        )
        log = ConciliationLog(self.store, rules, now=lambda: MOMENT, parallel=one_by_one)
        consents = Consents(
            self.consents, policy=ConsentPolicy(), now=lambda: MOMENT, sleep=lambda seconds: None
        )
        policy = message_policy()
        request = RequestMessage(
            customer_of=self._customer_of,
            key_of=partial(consent_key, keys=KEYS, rules=rules),
            record=resolver(self.store, rules).resolve,
            templates=MessageTemplates(self.templates),
            deliveries=self.deliveries,
            bus=self.bus,
            policy=policy,
            channels=sender_channels(),
            keep=self._keep,
            now=lambda: NOW,
        )
        self.privacy = PrivacyOffice(self, MOMENT, NOW)
        self.routes: list[Route] = [
            *privacy_routes(self.privacy.desk),
            *interaction_routes(self.queue),
            *consent_routes(
                consents,
                self.bus,
                self.queue,
                lambda: MOMENT,
                partial(consent_key, keys=KEYS, rules=rules),
                CONTROLLER,
            ),
            *customer_routes(
                self.finder, self.views, self.timeline, self.context, self.explain, cache(openapi)
            ),
            *case_routes(
                CaseView(self.finder, self.cases, self.cases, self.store, parallel=one_by_one),
                ChangeCase(self.cases, self._owner, now=lambda: NOW, source=SOURCE),
                self.bus,
                lambda: NOW,
            ),
            *preview_routes(preview),
            *template_routes(EditTemplates(self.templates, now=lambda: MOMENT)),
            *message_routes(request, self.deliveries.get, policy),
            *rules_routes(self.store, self.bus, lambda: f"{TODAY}T12:00:00.000Z"),
            *conciliation_routes(
                conciliator(self.store, rules),
                log,
                self.bus,
                lambda: MOMENT,
                Compared(self.pairs, KEYS, rules),
            ),
            *candidate_routes(CandidatesView(self.store, self.pairs, rules, today=lambda: TODAY)),
        ]
        self.api = Api(self.routes, Callers(lambda: API_KEY, issuer=ISSUER), self.log)

    def record(self, *interactions: Interaction) -> None:
        """Record interactions through the real use case."""
        for interaction in interactions:
            resolver(self.store, self.rules).resolve(interaction)

    def open_case(self, interaction: Interaction, protocol: str) -> None:
        """Open the case of a recorded interaction."""
        self.history.cases.append(
            OpenCase(
                protocol,
                self.finder.key_of(interaction.contact_point),
                interaction.id,
                "complaint",
                interaction.occurred_at or "",
            )
        )

    def file(self, interaction: Interaction) -> Case:
        """Open the case of a recorded interaction, with its thread."""
        point = interaction.contact_point
        return self.cases.open(
            contact_key=self.finder.key_of(point),
            contact_kind=point.kind,
            interaction_id=interaction.id,
            customer_id=self.customer(point.kind, point.value).id,
            nature="complaint",
            opened_at=interaction.occurred_at or "",
            level=point.level,
            channel=interaction.channel,
        )

    def _owner(self, case: Case) -> str:
        return self.finder.find(Asked(case.contact_key)).id

    def _customer_of(self, to: Identifier) -> Customer | None:
        try:
            return self.finder.by_identifier(to)
        except NotFound:
            if to.kind == "customer_id":
                raise
            return None

    def _keep(self, message_id: str, number: int, attachment: Attachment) -> str:
        name = f"attachments/{message_id}/{number}"
        self.attachments[name] = attachment
        return name

    def asked(self, kind: str, value: str) -> Asked:
        """Whom an identifier asks for."""
        return self.finder.asked_by(Identifier(kind, value))

    def customer(self, kind: str, value: str) -> Customer:
        """The customer behind an identifier."""
        return self.finder.by_identifier(Identifier(kind, value))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> Response:
        """One request; with the API key unless there are headers or claims."""
        if headers is None:
            headers = {} if claims is not None else {"x-api-key": API_KEY}
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        path, _, query = path.partition("?")
        key, parameters = self._matched(method, path)
        request = Request(method, path, query, headers, raw, f"{TODAY}T12:00:00.000Z", parameters)
        return self.api.handle(key, request, claims)

    def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The JSON that a request is answered with."""
        response = self.call(method, path, body)
        assert response.status == status, response.body
        return json.loads(response.body)

    def _matched(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        # A literal route goes before one with a parameter, as in API Gateway.
        for route in sorted(self.routes, key=lambda route: "{" in route.key):
            wanted, _, template = route.key.partition(" ")
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
            if match and wanted == method:
                return route.key, match.groupdict()
        return "$default", {}
