"""Requests, samples and fakes for the tests of the channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

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
from enlace.channels.base import Interaction, Rejected, Request
from local.sign import EVENTS, SAMPLE_TIME_SECONDS, sample, sample_secrets, sign

RECEIVED_AT = "2026-11-20T13:40:00.000Z"

#: Channel as in the samples' folder -> module, how it is signed.
HTTP_CHANNELS: dict[str, tuple[ModuleType, str]] = {
    "whatsapp": (whatsapp, "whatsapp"),
    "messenger": (messenger, "messenger"),
    "instagram": (instagram, "instagram"),
    "x": (x, "x"),
    "twilio_sms": (twilio_sms, "twilio/sms"),
    "twilio_voice": (twilio_voice, "twilio/voice"),
    "segment": (segment, "segment"),
    "generic": (generic, "generic/pos"),
}

SAMPLES = [
    (channel, path.stem)
    for channel in HTTP_CHANNELS
    for path in sorted((EVENTS / "channels" / channel).glob("*.json"))
]


def secret_of(channel: str) -> dict[str, Any]:
    secrets: dict[str, Any] = sample_secrets()[HTTP_CHANNELS[channel][1].partition("/")[0]]
    return secrets


def request_of(channel: str, payload: Any, **changes: Any) -> Request:
    """A request signed as the vendor would, at the samples' time."""
    method, target, headers, body = sign(
        HTTP_CHANNELS[channel][1], payload, secret_of(channel), now_seconds=SAMPLE_TIME_SECONDS
    )
    path, _, query = target.partition("?")
    fields: dict[str, Any] = {
        "method": method,
        "path": path,
        "query": query,
        "headers": headers,
        "body": body,
        "received_at": RECEIVED_AT,
        "path_parameters": {"source": "pos"} if channel == "generic" else {},
    }
    return Request(**{**fields, **changes})


def parse(channel: str, payload: Any) -> list[Interaction | Rejected]:
    """Verify and parse a payload as its channel does."""
    module = HTTP_CHANNELS[channel][0]
    request, secret = request_of(channel, payload), secret_of(channel)
    module.verify(request, secret)
    found: list[Interaction | Rejected] = module.parse(request, secret)
    return found


def parse_sample(channel: str, name: str) -> list[Interaction]:
    """The interactions of a sample, none of which is rejected."""
    found = parse(channel, sample(channel, name))
    rejected = [item for item in found if isinstance(item, Rejected)]
    assert not rejected
    return [item for item in found if isinstance(item, Interaction)]


@dataclass
class FakeSecrets:
    """A store whose secret may have rotated to ``fresh``."""

    value: Mapping[str, Any]
    fresh: Mapping[str, Any] | None = None
    refetches: int = 0

    def get(self) -> Mapping[str, Any]:
        return self.value

    def refetch(self) -> Mapping[str, Any] | None:
        self.refetches += 1
        return self.fresh


@dataclass
class FakeQueue:
    """Remembers what was queued; ``failure`` is raised instead, where given."""

    failure: Exception | None = None
    bodies: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    calls: int = 0

    def send(self, bodies: Sequence[str]) -> None:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        self.bodies += bodies

    def send_rejected(self, rejected: Sequence[tuple[str, str]], channel: str) -> None:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        self.rejected += rejected


@dataclass
class FakeLog:
    """Keeps what was logged as one text."""

    lines: list[str] = field(default_factory=list)

    def __call__(self, level: str, message: str, **fields: Any) -> None:
        self.lines.append(f"{level} {message} {fields}")
