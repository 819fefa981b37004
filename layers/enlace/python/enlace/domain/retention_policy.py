"""The policy of retention: what goes when, on which ground; ``rules/retention.toml`` ships.

A mistake in it deletes for ever. So every field must be there and be known, and a purge
remembers the hash of the policy that it began with.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from enlace.domain.interaction import utc_text
from enlace.errors import InvalidRules

DEFAULT = "default"
#: What can be purged, and by which clocks.
CLOCKS: Mapping[str, tuple[str, ...]] = {
    "timeline": ("last_interaction",),
    "messages": ("created",),
    "consents": ("reduced",),
}
ACTIONS = ("delete",)
#: Stores whose records legal holds name (:data:`enlace.usecases.legal_holds.PLACES`).
_HELD = frozenset(("timeline",))
_FIELDS = frozenset(
    ("id", "store", "purpose", "clock", "keep", "basis", "action", "hold_aware", "max_batch_pct")
)
_PERIOD = re.compile(r"P([1-9][0-9]{0,4})([DWMY])")
_ID = re.compile(r"[a-z][a-z0-9_]{0,31}")
_REGION = re.compile(r"[A-Z]{2}")
#: A shorter time is a slip of the pen: `P1D` of timelines would leave nothing by tomorrow.
LEAST_DAYS = 7
_MOST_MONTHS = 100 * 12


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar time: so many months, and so many days."""

    months: int
    days: int

    def before(self, now: str) -> str:
        """The contract time that lies so long before another.

        A month before 31 March is the last of February.
        """
        return utc_text(self._moved(now, -1))

    def after(self, now: str) -> datetime:
        """The time that lies so long after a contract time."""
        return self._moved(now, 1)

    def _moved(self, now: str, sign: int) -> datetime:
        moment = datetime.fromisoformat(now)
        number = moment.year * 12 + moment.month - 1 + sign * self.months
        year, month = divmod(number, 12)
        day = min(moment.day, monthrange(year, month + 1)[1])
        return moment.replace(year=year, month=month + 1, day=day) + sign * timedelta(self.days)


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long one store keeps.

    Parameters
    ----------
    id : str
        For logs and metrics.
    store, clock, action : str
        See :data:`CLOCKS` and :data:`ACTIONS`.
    purpose : str
        What it is kept for, in words that people can be told.
    keep : mapping of jurisdiction to Period
        ``default`` is among them.
    basis : mapping of jurisdiction to str
        The law it rests on.
    hold_aware : bool
        Legal holds keep records of it.
    max_batch_pct : int
        A run that would delete more of the store than so many percent deletes nothing.
    """

    id: str
    store: str
    purpose: str
    clock: str
    keep: Mapping[str, Period]
    basis: Mapping[str, str]
    action: str
    hold_aware: bool
    max_batch_pct: int


@dataclass(frozen=True)
class RetentionPolicy:
    """A whole policy, read.

    Parameters
    ----------
    version, jurisdiction : str
    rules : tuple of RetentionRule
        One for each store that is purged.
    """

    version: str
    jurisdiction: str
    rules: tuple[RetentionRule, ...]

    @cached_property
    def hash(self) -> str:
        """Of what it says, however it is written."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def rule_of(self, store: str) -> RetentionRule | None:
        """The rule of a store; None for one that is not purged."""
        return next((rule for rule in self.rules if rule.store == store), None)

    def keep(self, rule: RetentionRule) -> Period:
        """How long, under the deployment's law."""
        return rule.keep.get(self.jurisdiction, rule.keep[DEFAULT])

    def cutoff(self, store: str, now: str) -> str:
        """The time up to which a store's records have run out; "" where none do."""
        rule = self.rule_of(store)
        return self.keep(rule).before(now) if rule else ""


def parse_retention_policy(text: str) -> RetentionPolicy:
    """Read a policy.

    Raises
    ------
    InvalidRules
        If it cannot be used; names the field, and says what it must be.
    """
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRules(f"retention policy: not a TOML file: {error}") from None
    version, region = body.pop("version", None), body.pop("jurisdiction", None)
    found = body.pop("rules", None)
    _refuse_others(body, "")
    if not isinstance(version, str) or not 0 < len(version) <= 64:
        raise InvalidRules("version: must be text of 1 to 64 characters")
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        raise InvalidRules('jurisdiction: must be a country, such as "BR"')
    if not isinstance(found, list) or not found:
        raise InvalidRules("rules: must be a list of at least one [[rules]]")
    rules = tuple(_rule(one, f"rules[{n}]") for n, one in enumerate(found))
    for what, names in (("id", [r.id for r in rules]), ("store", [r.store for r in rules])):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InvalidRules(f"rules: two have the {what} {twice[0]}")
    return RetentionPolicy(version, region, rules)


def _rule(body: Any, where: str) -> RetentionRule:
    if not isinstance(body, dict):
        raise InvalidRules(f"{where}: must be a table")
    if isinstance(id_ := body.get("id"), str) and _ID.fullmatch(id_):
        where = f"rules.{id_}"
    else:
        raise InvalidRules(f"{where}.id: must be up to 32 small letters, digits and _")
    _refuse_others({name: body[name] for name in body if name not in _FIELDS}, f"{where}.")
    if missing := sorted(_FIELDS - body.keys()):
        raise InvalidRules(f"{where}.{missing[0]}: is missing")
    store = _one_of(body["store"], tuple(CLOCKS), f"{where}.store")
    hold_aware, percent = body["hold_aware"], body["max_batch_pct"]
    if type(hold_aware) is not bool:
        raise InvalidRules(f"{where}.hold_aware: must be true or false")
    if hold_aware != (store in _HELD):
        said = "true: legal holds name" if store in _HELD else "false: no hold can name"
        raise InvalidRules(f"{where}.hold_aware: must be {said} records of {store}")
    if type(percent) is not int or not 1 <= percent <= 100:
        raise InvalidRules(f"{where}.max_batch_pct: must be a whole number of 1 to 100")
    purpose = body["purpose"]
    if not isinstance(purpose, str) or not 0 < len(purpose.strip()) <= 200:
        raise InvalidRules(f"{where}.purpose: must say in up to 200 characters what it is kept for")
    return RetentionRule(
        id_,
        store,
        purpose,
        _one_of(body["clock"], CLOCKS[store], f"{where}.clock"),
        _keep(body["keep"], f"{where}.keep"),
        _basis(body["basis"], f"{where}.basis"),
        _one_of(body["action"], ACTIONS, f"{where}.action"),
        hold_aware,
        percent,
    )


def _keep(body: Any, where: str) -> dict[str, Period]:
    if not isinstance(body, dict) or DEFAULT not in body:
        raise InvalidRules(f'{where}: must be a table with a default, {{ default = "P24M" }}')
    return {name: _period(value, _region(name, where)) for name, value in body.items()}


def _period(value: Any, where: str) -> Period:
    found = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise InvalidRules(f"{where}: must be a time such as P24M, P400D, P12W or P5Y")
    count, unit = int(found[1]), found[2]
    months = count * {"M": 1, "Y": 12}.get(unit, 0)
    days = count * {"D": 1, "W": 7}.get(unit, 0)
    if not months and days < LEAST_DAYS:
        raise InvalidRules(f"{where}: must be at least P{LEAST_DAYS}D")
    if months > _MOST_MONTHS or days > _MOST_MONTHS * 30:
        raise InvalidRules(f"{where}: must be at most P100Y")
    return Period(months, days)


def _basis(body: Any, where: str) -> dict[str, str]:
    if not isinstance(body, dict) or not body:
        raise InvalidRules(f"{where}: must name the law for at least one jurisdiction")
    for name, value in body.items():
        if not isinstance(value, str) or not value:
            raise InvalidRules(f"{_region(name, where)}: must be text")
    return body


def _region(name: str, where: str) -> str:
    if name != DEFAULT and not _REGION.fullmatch(name):
        raise InvalidRules(f"{where}.{name}: must be `default` or a jurisdiction of two letters")
    return f"{where}.{name}"


def _one_of(value: Any, allowed: tuple[str, ...], where: str) -> str:
    if value not in allowed:
        raise InvalidRules(f"{where}: must be one of {', '.join(allowed)}")
    return str(value)


def _refuse_others(body: Mapping[str, Any], where: str) -> None:
    if body:
        raise InvalidRules(f"{where}{min(body)}: unknown field")
