"""The rules of identity: which identifiers may join customers, and how many.

One TOML file, versioned; ``enlace/rules/default.toml`` ships. A kind that the
file does not name links nothing, so that a new channel cannot join people by
accident.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard, TypeVar

from enlace.domain.interaction import LEVELS
from enlace.errors import InvalidRules

T = TypeVar("T")

#: Of a limit or a number of days: a century of them.
_MOST = 36_500
_MAX_VERSION = 64

LEVEL_RANK = {level: rank for rank, level in enumerate(LEVELS)}


@dataclass(frozen=True, slots=True)
class KindRule:
    """What identifiers of one kind may do.

    ``max_per_customer`` and ``shared_after`` are None for no limit;
    ``valid_days`` is None for evidence that never expires.
    """

    links: bool = True
    min_level: str = "imported"
    max_per_customer: int | None = None
    priority: int = 100
    unique: bool = False
    shared_after: int | None = None
    joins_only: tuple[str, ...] = ()
    valid_days: int | None = None
    contradiction: bool = False


@dataclass(frozen=True, slots=True)
class CandidateRules:
    """Which likenesses operators are shown.

    Parameters
    ----------
    threshold : float
        Least probability of being one person.
    auto_merge_above : float or None
        Pairs above it are joined without asking; None (never) is what ships.
    block_size : int
        A blocking key that more contact points share finds nothing any more.
    """

    threshold: float = 0.5
    auto_merge_above: float | None = None
    block_size: int = 40


@dataclass(frozen=True, slots=True)
class CaseRules:
    """How long an open case takes up what its customer says next."""

    join_within_hours: int = 72


_UNDECLARED = KindRule(links=False, priority=999)


@dataclass(frozen=True, slots=True)
class Rules:
    """A whole rules file, read."""

    version: str
    kinds: Mapping[str, KindRule]
    max_identifiers: int = 50
    hub_degree: int = 24
    fold_local_part: bool = True
    default_region: str = "BR"
    blocked_local_parts: frozenset[str] = frozenset()
    blocked_emails: frozenset[str] = frozenset()
    blocked_values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: A ``same`` that joins more identifiers than this waits for a second approver.
    approval_above: int | None = None
    candidates: CandidateRules = CandidateRules()
    cases: CaseRules = CaseRules()
    #: Channel -> rank; a trait's value from a lower rank goes first.
    trait_sources: Mapping[str, int] = field(default_factory=dict)

    def of(self, kind: str) -> KindRule:
        """The rule of a kind; scoped kinds share the rule of their root."""
        return self.kinds.get(root(kind), _UNDECLARED)

    def blocks(self, kind: str, match_value: str) -> bool:
        """Whether an identifier is a placeholder, a role or a machine, and no person."""
        base = root(kind)
        if base == "email":
            local = match_value.partition("@")[0].partition("+")[0]
            return match_value in self.blocked_emails or local in self.blocked_local_parts
        # One digit repeated is what people type to get past a form, and passes check digits.
        if base == "phone" and len(set(match_value[-8:])) == 1:
            return True
        if base in ("cpf", "cnpj") and len(set(match_value)) == 1:
            return True
        return match_value in self.blocked_values.get(base, frozenset())


def root(kind: str, separator: str = ":") -> str:
    """``messenger:123`` -> ``messenger``; with ``#``, the root that an address key begins with."""
    return kind.partition(separator)[0]


def parse_rules(text: str) -> Rules:
    """Read a rules file.

    Raises
    ------
    InvalidRules
        If it is not TOML, has an unknown field, or a value out of range; the
        text says where.
    """
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRules(f"not a TOML file: {error}") from error
    version = body.pop("version", None)
    if not isinstance(version, str) or not 0 < len(version) <= _MAX_VERSION:
        raise InvalidRules(f"version: must be text of 1 to {_MAX_VERSION} characters")
    email, phone, approval, candidates, cases, declared, blocked = (
        _table(body, name)
        for name in ("email", "phone", "approval", "candidates", "cases", "kinds", "blocked_values")
    )
    kinds = {name: _kind_rule(name, rule) for name, rule in declared.items()}
    rules = Rules(
        version=version,
        kinds=kinds,
        max_identifiers=_bounded(body, "max_identifiers", 50, 2, 60),
        hub_degree=_bounded(body, "hub_degree", 24, 2, 40),
        fold_local_part=_typed(email, "fold_local_part", True),
        default_region=_typed(phone, "default_region", "BR"),
        blocked_local_parts=_texts(email, "role_mailboxes") | _texts(email, "unread_mailboxes"),
        blocked_emails=_texts(email, "placeholders"),
        blocked_values={name: _texts(blocked, name) for name in tuple(blocked)},
        approval_above=_bounded(approval, "above_identifiers", None, 1, 60),
        candidates=CandidateRules(
            threshold=_share(candidates, "threshold", 0.5),
            auto_merge_above=_share(candidates, "auto_merge_above", None),
            block_size=_bounded(candidates, "block_size", 40, 2, 100),
        ),
        cases=CaseRules(_bounded(cases, "join_within_hours", 72, 1, 24 * 90)),
        trait_sources=_ranks(body.pop("trait_sources", {})),
    )
    sections = {
        "email": email,
        "phone": phone,
        "approval": approval,
        "candidates": candidates,
        "cases": cases,
    }
    unknown = [*body, *(f"{name}.{key}" for name, rest in sections.items() for key in rest)]
    if unknown:
        raise InvalidRules(f"unknown field: {unknown[0]}")
    return rules


def _kind_rule(name: str, body: Any) -> KindRule:
    if not isinstance(body, dict):
        raise InvalidRules(f"kinds.{name}: must be a table")
    unknown = set(body) - set(KindRule.__dataclass_fields__)
    if unknown:
        raise InvalidRules(f"kinds.{name}: unknown field {sorted(unknown)[0]}")
    if body.get("min_level", "imported") not in LEVELS:
        raise InvalidRules(f"kinds.{name}.min_level: must be one of {', '.join(LEVELS)}")
    for field_name in ("max_per_customer", "shared_after", "valid_days"):
        value = body.get(field_name)
        if value is not None and (not _is_whole(value) or not 1 <= value <= _MOST):
            raise InvalidRules(
                f"kinds.{name}.{field_name}: must be a whole number from 1 to {_MOST}"
            )
    for field_name in ("links", "unique", "contradiction"):
        if not isinstance(body.get(field_name, False), bool):
            raise InvalidRules(f"kinds.{name}.{field_name}: must be true or false")
    if not _is_whole(body.get("priority", 0)):
        raise InvalidRules(f"kinds.{name}.priority: must be a whole number")
    joins_only = _texts({"joins_only": body.get("joins_only", [])}, "joins_only")
    return KindRule(**{**body, "joins_only": tuple(sorted(joins_only))})


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _table(body: dict[str, Any], name: str) -> dict[str, Any]:
    table = body.pop(name, {})
    if not isinstance(table, dict):
        raise InvalidRules(f"{name}: must be a table")
    return table


def _texts(body: dict[str, Any], name: str) -> frozenset[str]:
    texts = body.pop(name, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidRules(f"{name}: must be a list of texts")
    return frozenset(texts)


def _typed(body: dict[str, Any], name: str, default: T) -> T:
    value = body.pop(name, default)
    if not isinstance(value, type(default)):
        what = "true or false" if isinstance(default, bool) else "text"
        raise InvalidRules(f"{name}: must be {what}")
    return value


def _ranks(body: Any) -> Mapping[str, int]:
    if not isinstance(body, dict) or not all(map(_is_whole, body.values())):
        raise InvalidRules("trait_sources: must give channels a whole number each")
    return body


def _share(body: dict[str, Any], name: str, default: T) -> float | T:
    value = body.pop(name, default)
    if value is not default and (not isinstance(value, float) or not 0 < value <= 1):
        raise InvalidRules(f"{name}: must be a number above 0.0 and up to 1.0")
    return value


def _bounded(body: dict[str, Any], name: str, default: T, low: int, high: int) -> int | T:
    value = body.pop(name, default)
    if value is default:
        return default
    if not _is_whole(value) or not low <= value <= high:
        raise InvalidRules(f"{name}: must be a whole number from {low} to {high}")
    return value
