"""How far the job of applying rules has come: one entry, and whoever has it.

Every write of the entry is conditional on what was read, so that two runs cannot
both go on; the lease only keeps the second from trying.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from enlace.domain.interaction import epoch_text
from enlace.errors import Conflict, TakenOver, TemporaryFailure
from enlace.usecases.ports import PutEntry, Store, Write
from enlace.usecases.rules_in_force import InForce

JOB = "job#apply_rules"
#: The job is whoever's that enters this first; nobody's after a minute of silence.
LEASE_SECONDS = 60

Progress = dict[str, Any]


def new_walk(active: InForce, now: str, since: str, former: Progress | None) -> Progress:
    """The entry of a new walk; what the former one has not told yet goes over."""
    former = former or {}
    return {
        "version": active.version,
        "activated_at": active.activated_at,
        "since": since,
        "started_at": now,
        "finished_at": "",
        "pass": 1,
        "pass_started_at": "",
        "final": False,
        "day": now[:10],
        "cursor": None,
        "seen": 0,
        "changed": 0,
        "merged": 0,
        "split": 0,
        "saturated": 0,
        "occasion": former.get("occasion", 0),
        "pending": former.get("pending", []),
        "lease_until": former.get("lease_until", ""),
        "runner": former.get("runner", ""),
    }


def belongs_to(entry: Mapping[str, Any], active: InForce) -> bool:
    """Whether the walk is for the rules in force, since they came into force last."""
    return (entry["version"], entry["activated_at"]) == (active.version, active.activated_at)


def state_of(entry: Mapping[str, Any] | None, active: InForce) -> str:
    """``pending``, ``running``, ``waiting`` (for the last to take up the rules) or ``done``."""
    if entry is None or not belongs_to(entry, active):
        return "pending"
    if entry["finished_at"]:
        return "done"
    return "running" if entry["pass_started_at"] or entry["pass"] == 1 else "waiting"


def told_of(progress: Progress | None) -> str:
    """A run in a few words."""
    if progress is None:
        return "nothing to do"
    return "done" if progress["finished_at"] else "to be continued"


class Job:
    """The entry, as this run wrote it last; what another run changes ends this one."""

    def __init__(self, store: Store, known: Progress | None, clock: Callable[[], float]):
        self._store = store
        self._clock = clock
        self._runner = uuid.uuid4().hex
        self._known = known

    @property
    def entry(self) -> Progress:
        """What is stored."""
        if self._known is None:
            raise TypeError("a job without its entry")
        return self._known

    def save(self, after: Progress, writes: Sequence[Write] = ()) -> None:
        """Write the entry, and other things with it.

        Raises
        ------
        Conflict
            If one of the other things is not as it was read.
        TakenOver
            If another run has the job now.
        """
        lease_until = epoch_text(self._clock() + LEASE_SECONDS)
        self._put({**(self._known or {}), **after, "lease_until": lease_until}, writes)

    def release(self) -> None:
        """Let anybody take the job on."""
        try:
            if self._known and self._known.get("runner") == self._runner:
                self._put({**self._known, "lease_until": ""}, ())
        except (TakenOver, Conflict, TemporaryFailure):
            # The lease runs out by itself.
            return

    def _put(self, entry: Progress, writes: Sequence[Write]) -> None:
        after = {**entry, "runner": self._runner}
        try:
            self._store.commit([PutEntry(JOB, after, self._known), *writes])
        except Conflict:
            found = self._store.get_entry(JOB)
            if found == self._known:
                raise
            # An acknowledgement that was lost made the client write it again.
            if found != after:
                raise TakenOver("another run has the job") from None
        self._known = after
