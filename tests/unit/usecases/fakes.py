"""Fakes of the ports of dispatch and the senders. No sockets, no AWS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from enlace.domain.envelope import Entry, Event, read_event
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


class Alarms:
    """Alarms that ring when a test says so; the same one set twice rings once."""

    def __init__(self) -> None:
        self.waiting: dict[tuple[str, str, int, str], str] = {}

    def set(self, message_id: str, *, purpose: str, cause: str, attempt: int, at: str) -> None:
        self.waiting[message_id, cause, attempt, at] = purpose

    def due(self, now: str) -> list[Event]:
        """The commands whose time has come, each once."""
        ringing = [key for key in self.waiting if key[3] <= now]
        return [
            event(
                "dispatch.message",
                {
                    "message_id": key[0],
                    "purpose": self.waiting.pop(key),
                    "cause": key[1],
                    "attempt": key[2],
                },
            )
            for key in sorted(ringing, key=lambda key: key[3])
        ]


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
        self.shown: dict[str, set[str]] = {}

    def show(self, keys: Iterable[str], customer_id: str) -> None:
        for key in keys:
            self.shown.setdefault(key, set()).add(customer_id)

    def showing(self, key: str) -> list[str]:
        return sorted(self.shown.get(key, ()))

    def hide(self, key: str, customer_id: str) -> None:
        self.shown.get(key, set()).discard(customer_id)

    def delete(self, customer_id: str) -> None:
        self.mappings.pop(customer_id, None)

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
