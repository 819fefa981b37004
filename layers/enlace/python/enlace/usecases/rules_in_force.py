"""The rules of identity in force on a running stack, and putting others in force.

Those that ship hold until others are put in force; then an entry beside the
identities names them. What is stored follows (:mod:`enlace.usecases.apply_rules`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from enlace.domain.rules import Rules, parse_rules
from enlace.errors import Conflict, InvalidRules, Misconfigured, RulesRefused
from enlace.rules import default_rules, default_text
from enlace.usecases.ports import PutEntry, Store

ACTIVE = "rules#active"
#: How long a running function may go on with rules that are no more in force.
TTL_SECONDS = 60

#: What address keys and hubs, which are for ever, were made by.
_FOR_EVER: dict[str, Callable[[Rules], object]] = {
    "email.fold_local_part": lambda rules: rules.fold_local_part,
    "phone.default_region": lambda rules: rules.default_region,
    "hub_degree": lambda rules: rules.hub_degree,
}

GetEntry = Callable[[str], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class InForce:
    """Rules in force.

    Parameters
    ----------
    rules : Rules
    text : str
        The file that they were read from.
    activated_at : str
        Contract time; empty for those that ship.
    activated_by : str
        Id of the operator.
    previous_version : str
        Of the rules before; empty where there were none.
    """

    rules: Rules
    text: str
    activated_at: str = ""
    activated_by: str = ""
    previous_version: str = ""

    @property
    def version(self) -> str:
        """The version that the file gives itself."""
        return self.rules.version


def in_force(get_entry: GetEntry) -> InForce:
    """Read the rules in force.

    Parameters
    ----------
    get_entry : callable
        A store's.

    Raises
    ------
    Misconfigured
        If what is in force cannot be used, as rules may that an earlier release took.
    TemporaryFailure
        If the store does not answer.
    """
    return _read(get_entry(ACTIVE))


def _read(entry: dict[str, Any] | None) -> InForce:
    if entry is None:
        return InForce(default_rules(), default_text())
    try:
        rules = parse_rules(entry["text"])
    except InvalidRules as error:
        raise Misconfigured(f"the rules in force cannot be used: {error}") from error
    return InForce(
        rules,
        entry["text"],
        entry["activated_at"],
        entry["activated_by"],
        entry["previous_version"],
    )


class ChangeRules:
    """The use case of putting rules in force.

    Parameters
    ----------
    store : Store
    now : callable
        Gives the current contract time.
    """

    def __init__(self, store: Store, *, now: Callable[[], str]):
        self._store = store
        self._now = now

    def __call__(self, text: str, *, operator: str) -> InForce:
        """Put the rules of ``text`` in force; those that are in force already stay so.

        Raises
        ------
        InvalidRules
            If the text is no rules file; says where.
        RulesRefused
            If the version is in force with another text, a setting changes that
            stored identities were made by, or somebody else changes the rules too.
        TemporaryFailure
            If the store did not do its part.
        """
        rules = parse_rules(text)
        entry = self._store.get_entry(ACTIVE)
        known = _read(entry)
        if known.text == text:
            return known
        if known.version == rules.version:
            raise RulesRefused(f"version {rules.version} is in force with another text: name a new")
        for name, setting in _FOR_EVER.items():
            if setting(rules) != setting(known.rules):
                raise RulesRefused(
                    f"{name} cannot change on a running stack, since stored identifiers were made "
                    "by it: replay the interactions into a new stack"
                )
        made = InForce(rules, text, self._now(), operator, known.version)
        after = {
            "version": made.version,
            "text": made.text,
            "activated_at": made.activated_at,
            "activated_by": made.activated_by,
            "previous_version": made.previous_version,
        }
        try:
            self._store.commit([PutEntry(ACTIVE, after, entry)])
        except Conflict:
            if self._store.get_entry(ACTIVE) != after:
                raise RulesRefused("somebody else is changing the rules: look again") from None
        return made
