"""A whole Enlace in memory, as far as messages go: asked for, planned, sent, reported, stopped.

Only the providers, the clock and the queues are invented. What a provider took is the judge.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from enlace.domain.delivery import MessageRecord, State
from enlace.domain.envelope import Entry, Event, read_event
from enlace.domain.interaction import Identifier, Interaction, utc_text
from enlace.domain.message_policy import MessagePolicy
from enlace.domain.outgoing import Outgoing
from enlace.domain.sender_channel import SenderChannel
from enlace.errors import EnlaceError, NotFound, TemporaryFailure
from enlace.rules import default_rules, message_policy
from enlace.usecases.cases import CaseKeeper
from enlace.usecases.consents import Consents, consent_key
from enlace.usecases.deliver_message import DeliverMessage
from enlace.usecases.dispatch import Dispatch
from enlace.usecases.find_customer import Customer, CustomerFinder
from enlace.usecases.follow_consents import FollowConsents
from enlace.usecases.membership import Memberships
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.publish import resolved_entries
from enlace.usecases.request_message import RequestMessage, Wanted
from enlace.usecases.send_gate import SendGate
from local.memory_consents import MemoryConsents
from local.memory_deliveries import MemoryDeliveries
from local.memory_store import MemoryStore
from tests.stores.builders import KEYS, conciliator, interaction, resolver
from tests.stores.memory_cases import MemoryCases
from tests.unit.usecases.fakes import Alarms, Clock, Crash
from tests.unit.usecases.planning import planner

EMAIL = SenderChannel("email", ("email",), cost=100)
SMS = SenderChannel("sms", ("phone",), cost=20_000, quiet_hours=True)
WHATSAPP = SenderChannel(
    "whatsapp", ("phone",), cost=6_800, read_receipts=True, quiet_hours=True, needs_contact=True
)
CHANNELS = {channel.name: channel for channel in (EMAIL, SMS, WHATSAPP)}
NEWS = {"headline": "Novidades", "text": "Os novos planos chegaram."}
#: A Thursday at noon in São Paulo: everything is open.
NOON = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)


class Provider:
    """Takes what it is given; ``script`` says what goes wrong, call by call."""

    idempotent = False

    def __init__(self, name: str, scene: MessageScene) -> None:
        self.name = name
        self._scene = scene
        self.script: list[tuple[str, BaseException]] = []

    def send(self, message: Outgoing) -> str:
        """Take a message."""
        when, error = self.script.pop(0) if self.script else ("", None)
        if when == "before" and error:
            raise error
        self._scene.taken.append((self.name, message, self._scene.clock()))
        if when == "after" and error:
            raise error
        return f"{self.name}-{len(self._scene.taken)}"


class Bus:
    """Puts events onto the queues of their consumers."""

    def __init__(self, scene: MessageScene) -> None:
        self._scene = scene

    def publish(self, entries: Sequence[Entry]) -> set[int]:
        """Publish; accepts everything."""
        for entry in entries:
            self._scene.queue.append(
                read_event(
                    {
                        "source": entry.source,
                        "detail-type": entry.detail_type,
                        "detail": json.loads(entry.detail),
                    }
                )
            )
        return set()

    def publish_all(self, entries: Sequence[Entry]) -> None:
        """Publish."""
        self.publish(entries)


class MessageScene:
    """The stack.

    Attributes
    ----------
    taken : list of (provider, Outgoing, datetime)
        What providers took, in order.
    queue : deque of Event
        What waits to be delivered; :meth:`run` delivers it all.
    """

    def __init__(self, policy: MessagePolicy | None = None) -> None:
        self.policy = policy or message_policy()
        self.rules = default_rules()
        self.clock = Clock()
        self.clock.moment = NOON
        self.store = MemoryStore()
        self.consents = MemoryConsents()
        self.deliveries = MemoryDeliveries()
        self.alarms = Alarms()
        self.queue: deque[Event] = deque()
        self.taken: list[tuple[str, Outgoing, datetime]] = []
        self.outcomes: list[Interaction] = []
        self.providers = {name: Provider(name, self) for name in CHANNELS}
        self.bus = Bus(self)
        self._asked = 0
        self.cases = cases = MemoryCases()
        memberships = Memberships(self.store, self.rules, today=lambda: self.now[:10])
        self.finder = CustomerFinder(self.store, KEYS, self.rules, today=lambda: self.now[:10])
        self.dispatch = Dispatch(
            timeline=self.store,
            cases=cases,
            keeper=CaseKeeper(cases, memberships, self.rules.cases, now=self.clock),
            messages=self.deliveries,
            planner=planner(
                store=self.store,
                memberships=memberships,
                deliveries=self.deliveries,
                consents=self.consents,
                alarms=self.alarms,
                policy=self.policy,
                channels=CHANNELS,
                now=self.clock,
            ),
            channels=CHANNELS,
            bus=self.bus,
            now=self.clock,
        )
        self.ledger = Consents(
            self.consents,
            policy=self.policy.consent,
            now=lambda: self.now,
            sleep=lambda seconds: None,
        )
        self.follow = FollowConsents(
            self.ledger,
            timeline=self.store,
            bus=self.bus,
            channels=CHANNELS,
            now=lambda: self.now,
            later=lambda seconds: utc_text(self.clock() + timedelta(seconds=seconds)),
        )
        templates = MessageTemplates()
        self.request = RequestMessage(
            customer_of=self._customer_of,
            key_of=self.key_of,
            record=resolver(self.store).resolve,
            templates=templates,
            deliveries=self.deliveries,
            bus=self.bus,
            policy=self.policy,
            channels=CHANNELS,
            keep=lambda message_id, number, attachment: f"attachments/{message_id}/{number}",
            now=self.clock,
        )
        self.senders = {
            name: DeliverMessage(
                channel,
                self.providers[name],
                identities=self.store,
                deliveries=self.deliveries,
                templates=templates,
                gate=SendGate(self.consents, policy=self.policy, now=self.clock),
                report=self.outcomes.append,
                account="enlace",
                now=self.clock,
            )
            for name, channel in CHANNELS.items()
        }

    @property
    def now(self) -> str:
        """Contract time."""
        return utc_text(self.clock())

    def key_of(self, identifier: Identifier) -> str:
        """The address key."""
        return consent_key(identifier, KEYS, self.rules)

    def _customer_of(self, to: Identifier) -> Customer | None:
        try:
            return self.finder.by_identifier(to)
        except NotFound:
            if to.kind == "customer_id":
                raise
            return None

    # What happens in the world.

    def contact(
        self, source_id: str, point: tuple[str, ...], *others: tuple[str, ...], **fields: Any
    ) -> str:
        """Somebody gets in touch; gives the customer's id."""
        fields = {"at": self.now, **fields}
        made = interaction(source_id, point, *others, **fields)
        return self.record(replace(made, received_at=self.now))

    def record(self, made: Interaction) -> str:
        """Record an interaction, and let its events wait."""
        resolved = resolver(self.store).resolve(made)
        self.bus.publish(resolved_entries(resolved, self.now))
        return resolved.customer_id

    def same(self, a: tuple[str, str], b: tuple[str, str], *, verified: bool = True) -> str:
        """An operator's decision; gives its id."""
        made = conciliator(self.store).decide(
            "same", Identifier(*a), Identifier(*b), operator="op", reason="r", verified=verified
        )
        return made.id

    def withdraw_decision(self, id_: str) -> None:
        """Take a decision back."""
        conciliator(self.store).withdraw(id_, operator="op")

    def says(
        self,
        address: tuple[str, str],
        state: str,
        *,
        channel: str,
        actor: str = "subject",
        purpose: str = "marketing",
    ) -> None:
        """Somebody says yes or no about an address, with evidence."""
        from enlace.domain.consent import ConsentRecord

        self._asked += 1
        self.ledger.record(
            self.key_of(Identifier(*address)),
            ConsentRecord(
                f"said-{self._asked}",
                purpose,
                channel,
                state,
                actor,
                self.now,
                self.now,
                has_evidence=True,
            ),
        )

    def ask(
        self,
        to: tuple[str, str],
        *,
        purpose: str = "marketing",
        template: str = "",
        key: str = "",
        **fields: Any,
    ) -> MessageRecord:
        """A system of the company asks for a message; ``to`` may be ``("customer_id", id)``."""
        self._asked += 1
        wanted = Wanted(
            Identifier(*to),
            purpose,
            template or ("newsletter" if purpose == "marketing" else "protocol_opened"),
            fields.pop("data", NEWS if purpose == "marketing" else {"protocol": "20261126-1"}),
            **fields,
        )
        key = key or f"asked-{self._asked}"
        return self.request(wanted, caller="shop", idempotency_key=key).message

    # How it goes on.

    def deliver(self, event: Event) -> bool:
        """Deliver one event to its consumers; whether all of them acknowledged it."""
        done = True
        for consumer in self._consumers(event):
            try:
                consumer(event)
            except TemporaryFailure:
                done = False
            except EnlaceError:
                continue
            except Crash:
                done = False
        return done

    def _consumers(self, event: Event) -> list[Any]:
        if event.name == "send.message":
            return [self.senders[event.data["channel"]]]
        if event.name == "interaction.recorded":
            return [self.dispatch, self.follow]
        return [self.dispatch] if event.name == "dispatch.message" else []

    def run(self, *, rounds: int = 12) -> None:
        """Deliver what waits until nothing does; what failed comes again after its lease."""
        for _ in range(rounds):
            again: list[Event] = []
            while self.queue or self.outcomes:
                while self.outcomes:
                    self.record(self.outcomes.pop(0))
                if self.queue:
                    event = self.queue.popleft()
                    if not self.deliver(event):
                        again.append(event)
            if not again:
                return
            self.queue.extend(again)
            self.clock.forward(seconds=120)

    def wait(self, **by: float) -> None:
        """Let time pass, and what is due come back."""
        self.clock.forward(**by)
        self.queue.extend(self.alarms.due(self.now))
        self.run()

    def state(self, message: MessageRecord) -> State:
        """Where a message is now."""
        return self.deliveries.records[message.message_id].state

    def addresses(self) -> list[str]:
        """What providers sent to, in order."""
        return [message.address for _, message, _ in self.taken]
