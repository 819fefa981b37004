"""Fakes of the ports of dispatch and the senders. No sockets, no AWS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from enlace.domain.delivery import SETTLED, Claim, MessageRecord, State
from enlace.domain.envelope import Entry, Event, read_event
from enlace.domain.interaction import utc_text
from enlace.domain.outgoing import Outgoing
from enlace.domain.records import IdentifierRecord, Pointer
from enlace.errors import Conflict
from enlace.usecases.crm_ports import Mapping


class Crash(BaseException):
    """The function was cut off here: nothing catches it."""


class Clock:
    """The time, which tests move."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        self.moment += timedelta(**by)


def event(name: str, data: dict[str, Any], *, event_id: str = "e-1") -> Event:
    return Event(name, 1, "enlace.test", event_id, {"id": event_id}, data)


def identifier(
    key: str,
    kind: str,
    value: str,
    customer_id: str = "c-1",
    *,
    raw: str = "",
    blocked: bool = False,
) -> IdentifierRecord:
    pointer = Pointer("2026-11-20T12:00:00.000Z", customer_id, blocked=blocked)
    return IdentifierRecord(key, kind, value, raw or value, customer_id, "i", pointer)


class Identities(dict[str, IdentifierRecord]):
    def get_identifiers(self, keys: Any, *, consistent: bool = False) -> dict[str, Any]:
        return {key: self[key] for key in keys if key in self}


class MemoryDeliveries:
    """:class:`enlace.aws.delivery_table.DeliveryTable` in memory; passes the same suite."""

    def __init__(self, now: Any) -> None:
        self._now = now
        self.records: dict[str, MessageRecord] = {}
        self._reported_at: dict[str, str] = {}
        self._tokens = 0

    def get(self, message_id: str) -> MessageRecord | None:
        return self.records.get(message_id)

    def accept(self, message: MessageRecord) -> None:
        if message.state == State.DENIED:
            message = replace(message, settled_at=utc_text(self._now()))
        self.records.setdefault(message.message_id, message)

    def claim(self, message: MessageRecord) -> Claim:
        now = self._now().timestamp()
        known = self.records.get(message.message_id)
        busy = known is not None and known.state in (State.SENDING, State.UNKNOWN)
        if known is not None and (known.state in SETTLED or (busy and known.lease_until >= now)):
            return Claim(known, mine=False)
        self._tokens += 1
        before = known or message
        record = replace(
            before,
            state=State.SENDING,
            token=str(self._tokens),
            lease_until=now + 90,
            attempts=before.attempts + 1,
        )
        self.records[message.message_id] = record
        return Claim(record, mine=True, doubtful=busy)

    def release(self, claim: Claim) -> None:
        known = self.records[claim.record.message_id]
        if known.state == State.SENDING and known.token == claim.record.token:
            state = State.UNKNOWN if claim.doubtful else State.ACCEPTED
            self.records[known.message_id] = replace(
                known, state=state, lease_until=0.0, attempts=known.attempts - 1
            )

    def settle(self, claim: Claim, state: State, **fields: str) -> MessageRecord:
        known = self.records[claim.record.message_id]
        mine = known.state == State.SENDING and known.token == claim.record.token
        if not mine and (state != State.SENT or known.state in SETTLED):
            return known
        open_ = state == State.UNKNOWN
        record = replace(
            claim.record,
            state=state,
            settled_at="" if open_ else utc_text(self._now()),
            lease_until=self._now().timestamp() + 60 if open_ else 0.0,
            **fields,
        )
        self.records[record.message_id] = record
        return record

    def report(
        self,
        message_id: str,
        state: State,
        *,
        at: str,
        provider_message_id: str = "",
        reason: str = "",
    ) -> bool:
        known = self.records.get(message_id)
        if known is None or known.state == State.DENIED:
            return False
        if state == State.SENT and known.state in SETTLED:
            return False
        if state != State.SENT and self._reported_at.get(message_id, "") >= at:
            return False
        self._reported_at[message_id] = at
        self.records[message_id] = replace(
            known,
            state=state,
            reason=reason,
            settled_at=at,
            reported=True,
            provider_message_id=provider_message_id or known.provider_message_id,
        )
        return True


class Provider:
    """Takes messages; each entry of ``script`` decides one call."""

    name = "fake"

    def __init__(self, *, idempotent: bool = False) -> None:
        self.idempotent = idempotent
        self.sent: list[Outgoing] = []
        self.script: list[tuple[str, BaseException | None]] = []

    def send(self, message: Outgoing) -> str:
        when, error = self.script.pop(0) if self.script else ("", None)
        if when == "before" and error:
            raise error
        if not (self.idempotent and message.message_id in {m.message_id for m in self.sent}):
            self.sent.append(message)
        if when == "after" and error:
            raise error
        return f"p-{len(self.sent)}"


class Bus:
    """Keeps what it accepted, by event id; refuses for the first ``refuse`` calls."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.refuse = 0

    def publish(self, entries: Sequence[Entry]) -> set[int]:
        if self.refuse:
            self.refuse -= 1
            return {0}
        for entry in entries:
            message = entry.to_put_events("bus")
            self.events[entry.event_id] = read_event(
                {
                    "source": message["Source"],
                    "detail-type": message["DetailType"],
                    "detail": __import__("json").loads(message["Detail"]),
                }
            )
        return set()

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events.values() if event.name == name]


class MemoryMappings:
    def __init__(self) -> None:
        self.mappings: dict[str, Mapping] = {}
        self.cursors: dict[str, str] = {}

    def get(self, customer_id: str) -> Mapping:
        return self.mappings.get(customer_id, Mapping(customer_id))

    def save(self, mapping: Mapping) -> None:
        if self.get(mapping.customer_id).version != mapping.version:
            raise Conflict("changed")
        self.mappings[mapping.customer_id] = replace(mapping, version=mapping.version + 1)

    def progress(self, event_id: str) -> str:
        return self.cursors.get(event_id, "")

    def save_progress(self, event_id: str, cursor: str) -> None:
        self.cursors[event_id] = cursor
