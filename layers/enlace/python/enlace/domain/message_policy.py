"""What the company decided about messages: ``rules/messages.toml``, validated."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from enlace.domain.consent import ConsentPolicy
from enlace.errors import InvalidRules

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MAX_CAP_HOURS = 24 * 30


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``most`` messages to one person within ``hours``."""

    hours: int
    most: int


@dataclass(frozen=True, slots=True)
class OpenHours:
    """When it may ring, in the recipient's own time.

    Parameters
    ----------
    days : tuple of seven (from, until) or None
        Monday first; None for a day on which it may not.
    zone : str
        IANA name, for people of whom nothing tells where they live.
    """

    days: tuple[tuple[time, time] | None, ...] = ((time(0), time(23, 59)),) * 7
    zone: str = "America/Sao_Paulo"


@dataclass(frozen=True, slots=True)
class MessagePolicy:
    """The file as a value.

    Parameters
    ----------
    caps : tuple of Cap
        Of the purposes that rest on consent.
    fallback_after_seconds : mapping of channel to seconds
    answer_on_same_channel : bool
        A phone that wrote by WhatsApp is answered there, and not by SMS.
    """

    version: str = "none"
    consent: ConsentPolicy = field(default_factory=ConsentPolicy)
    caps: tuple[Cap, ...] = ()
    open_hours: OpenHours = field(default_factory=OpenHours)
    fallback_after_seconds: Mapping[str, int] = field(default_factory=dict)
    answer_on_same_channel: bool = False

    def needs_consent(self, purpose: str) -> bool:
        """Whether a purpose rests on consent: then caps and open hours hold for it too."""
        return purpose not in self.consent.other_basis


def parse_message_policy(text: str) -> MessagePolicy:
    """A policy from the text of its file.

    Raises
    ------
    InvalidRules
        If it cannot be used; names the field and says what it must be.
    """
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRules(f"not TOML: {error}") from error
    version = body.pop("version", None)
    if not isinstance(version, str) or not version:
        raise InvalidRules("version: must be text")
    policy = MessagePolicy(
        version,
        _consent(body.pop("consent", {})),
        tuple(_cap(n, cap) for n, cap in enumerate(_list(body.pop("caps", []), "caps"))),
        _open_hours(body.pop("open_hours", {})),
        _wholes(body.pop("fallback_after_seconds", {}), "fallback_after_seconds"),
        body.pop("answer_on_same_channel", False),
    )
    if not isinstance(policy.answer_on_same_channel, bool):
        raise InvalidRules("answer_on_same_channel: must be true or false")
    if body:
        raise InvalidRules(f"{min(body)}: no such field")
    return policy


def _consent(body: Any) -> ConsentPolicy:
    fields = dict(_table(body, "consent"))
    values: dict[str, Any] = {}
    for name in ("other_basis", "double_opt_in"):
        if name in fields:
            values[name] = frozenset(_texts(fields.pop(name), f"consent.{name}"))
    if "least_notice" in fields:
        notices = _table(fields.pop("least_notice"), "consent.least_notice")
        if not all(isinstance(version, str) for version in notices.values()):
            raise InvalidRules("consent.least_notice: versions must be text")
        values["least_notice"] = notices
    if "valid_days" in fields:
        values["valid_days"] = _wholes(fields.pop("valid_days"), "consent.valid_days")
    if fields:
        raise InvalidRules(f"consent.{min(fields)}: no such field")
    return ConsentPolicy(**values)


def _cap(number: int, body: Any) -> Cap:
    where = f"caps[{number}]"
    fields = _wholes(body, where)
    if set(fields) != {"hours", "most"}:
        raise InvalidRules(f"{where}: must have hours and most")
    if not 1 <= fields["hours"] <= _MAX_CAP_HOURS:
        raise InvalidRules(f"{where}.hours: must be 1 to {_MAX_CAP_HOURS}")
    return Cap(**fields)


def _open_hours(body: Any) -> OpenHours:
    fields = dict(_table(body, "open_hours"))
    if not fields:
        return OpenHours()
    zone = fields.pop("zone", OpenHours().zone)
    if not isinstance(zone, str):
        raise InvalidRules("open_hours.zone: must be text")
    days = tuple(_window(day, fields.pop(day, None)) for day in DAYS)
    if fields:
        raise InvalidRules(f"open_hours.{min(fields)}: no such field")
    if not any(days):
        raise InvalidRules("open_hours: at least one day must be open")
    return OpenHours(days, zone)


def _window(day: str, body: Any) -> tuple[time, time] | None:
    if body is None or body == []:
        return None
    try:
        begin, end = (time.fromisoformat(text) for text in body)
    except (TypeError, ValueError):
        raise InvalidRules(f'open_hours.{day}: must be ["09:00", "18:00"]') from None
    if begin >= end:
        raise InvalidRules(f"open_hours.{day}: must begin before it ends")
    return begin, end


def _table(body: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise InvalidRules(f"{name}: must be a table")
    return body


def _list(body: Any, name: str) -> list[Any]:
    if not isinstance(body, list):
        raise InvalidRules(f"{name}: must be a list")
    return body


def _texts(body: Any, name: str) -> list[str]:
    texts = _list(body, name)
    if not all(isinstance(text, str) and text for text in texts):
        raise InvalidRules(f"{name}: must be a list of words")
    return texts


def _wholes(body: Any, name: str) -> Mapping[str, int]:
    table = _table(body, name)
    for field_, value in table.items():
        if type(value) is not int or value < 1:
            raise InvalidRules(f"{name}.{field_}: must be a whole number above zero")
    return table
