"""Requests of data subjects: what can be asked, by when it is owed, which states there are.

The states are those of ``docs/privacy.md``; OpenDSR's four are mapped to them in
:mod:`enlace.domain.opendsr`.
"""

from __future__ import annotations

import calendar
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from enlace.domain.interaction import utc_text
from enlace.errors import InvalidRules

TYPES = ("access", "portability", "rectification", "erasure", "objection", "information")

RECEIVED, VERIFIED, FENCED, RUNNING = "received", "verified", "fenced", "running"
AWAITING, VERIFYING = "awaiting_processors", "verifying"
COMPLETED, PARTIAL, REJECTED, CANCELLED = "completed", "partial", "rejected", "cancelled"
STATES = (
    *(RECEIVED, VERIFIED, FENCED, RUNNING, AWAITING),
    *(VERIFYING, COMPLETED, PARTIAL, REJECTED, CANCELLED),
)
#: Nothing more is owed; a partial one still waits for somebody.
CLOSED = frozenset({COMPLETED, REJECTED, CANCELLED})
#: Once the fence is up there is no way back.
CANCELLABLE = frozenset({RECEIVED, VERIFIED})

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def day_text(moment: str, language: str) -> str:
    """The day of a contract time (UTC) as people read it; Portuguese if no language is named."""
    day = datetime.fromisoformat(moment)
    if language == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{day.day:02d}/{day.month:02d}/{day.year}"


@dataclass(frozen=True, slots=True)
class Regulation:
    """How long a regulation gives.

    Parameters
    ----------
    days, months : int
        To the deadline; one of them is 0.
    extension_months : int
        By which it can be put off once.
    internal_days : int
        The company's own goal.
    """

    days: int
    months: int
    extension_months: int
    internal_days: int

    def deadline(self, received_at: str, *, extended: bool = False) -> str:
        """Contract time by which a request that came then is to be answered."""
        months = self.months + (self.extension_months if extended else 0)
        moment = datetime.fromisoformat(received_at) + timedelta(days=self.days)
        year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
        # A month after the 31st is the last of the next (Regulation 1182/71, art. 3).
        day = min(moment.day, calendar.monthrange(year, month + 1)[1])
        return utc_text(moment.replace(year=year, month=month + 1, day=day))


@dataclass(frozen=True, slots=True)
class PrivacyPolicy:
    """``rules/privacy.toml``.

    Parameters
    ----------
    regulations : mapping of name to Regulation
    alert_percent : tuple of int
        Of the time to the deadline, ascending.
    code_digits, code_seconds, code_tries : int
    """

    version: str
    regulations: Mapping[str, Regulation]
    alert_percent: tuple[int, ...]
    code_digits: int
    code_seconds: int
    code_tries: int

    def alerts(self, received_at: str, deadline: str) -> list[tuple[int, str]]:
        """When somebody is to be told: percent, contract time."""
        since, until = (datetime.fromisoformat(moment) for moment in (received_at, deadline))
        return [(p, utc_text(since + (until - since) * p / 100)) for p in self.alert_percent]


def parse_privacy_policy(text: str) -> PrivacyPolicy:
    """Read ``privacy.toml``.

    Raises
    ------
    InvalidRules
        If it cannot be used; names the field.
    """
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRules(f"privacy policy: {error}") from None
    regulations = {}
    for name, one in _table(body, "regulations").items():
        where = f"regulations.{name}"
        days, months = _number(one, "days", where, 0), _number(one, "months", where, 0)
        if bool(days) == bool(months):
            raise InvalidRules(f"{where}: must have either days or months")
        regulations[name] = Regulation(
            days,
            months,
            _number(one, "extension_months", where, 0),
            _number(one, "internal_days", where, days or 25),
        )
    percent = _table(body, "alerts").get("percent")
    if not isinstance(percent, list) or percent != sorted(percent) or not percent:
        raise InvalidRules("alerts.percent: must be ascending numbers, such as [50, 80, 100]")
    code = _table(body, "code")
    return PrivacyPolicy(
        str(body.get("version", "")),
        regulations,
        tuple(int(one) for one in percent),
        _number(code, "digits", "code", 8),
        _number(code, "seconds", "code", 600),
        _number(code, "tries", "code", 5),
    )


def _table(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    if not isinstance(found, dict) or not found:
        raise InvalidRules(f"{name}: must be a table")
    return found


def _number(body: Mapping[str, Any], name: str, where: str, default: int) -> int:
    value = body.get(name, default)
    if type(value) is not int or value < 0:
        raise InvalidRules(f"{where}.{name}: must be a whole number")
    return value
