"""The rules in force, as a running function has them: read once a minute, not once an event."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from enlace.domain.rules import Rules
from enlace.errors import Misconfigured, TemporaryFailure
from enlace.usecases.rules_in_force import TTL_SECONDS, GetEntry, InForce, in_force

T = TypeVar("T")

#: Rules that could not be read are asked for again after this.
RETRY_SECONDS = 5


class ActiveRules:
    """Gives the rules in force; the same object while they are unchanged.

    Parameters
    ----------
    get_entry : callable
        A store's; its consistent read is the only call.
    warn : callable
        Gets a line for the log when rules that were read before have to do.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        get_entry: GetEntry,
        warn: Callable[[str], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._get_entry = get_entry
        self._warn = warn
        self._clock = clock
        self._known: InForce | None = None
        self._read_again_at = 0.0

    def __call__(self) -> Rules:
        """The rules in force, at most a minute old while the store answers.

        Raises
        ------
        TemporaryFailure, Misconfigured
            If they cannot be read, or used, and never were: rules that merely ship
            might join people whom those in force keep apart.
        """
        now = self._clock()
        if self._known is None or now >= self._read_again_at:
            self._read(now)
        if self._known is None:
            raise TemporaryFailure("the rules are not there")
        return self._known.rules

    def renewing(self, build: Callable[[Rules], T]) -> Callable[[], T]:
        """Gives what ``build`` makes of the rules in force, and makes it anew when they change."""
        made: list[tuple[Rules, T]] = []

        def current() -> T:
            rules = self()
            if not made or made[0][0] is not rules:
                made[:] = [(rules, build(rules))]
            return made[0][1]

        return current

    def _read(self, now: float) -> None:
        try:
            found = in_force(self._get_entry)
        except (TemporaryFailure, Misconfigured) as error:
            if self._known is None:
                raise
            self._warn(f"the former rules are kept: {error}")
            self._read_again_at = now + RETRY_SECONDS
            return
        if self._known is None or self._known.text != found.text:
            self._known = found
        self._read_again_at = now + TTL_SECONDS
