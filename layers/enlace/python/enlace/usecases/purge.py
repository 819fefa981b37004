"""Purge what has run out: count it first, then delete it, and go on after any crash.

A round goes over a store twice. The first pass only counts; if more would go than the policy
lets go at once, somebody's clock or policy is wrong, and nothing goes. The second deletes,
page by page, what the store itself finds due again when it reads it consistently. After each
page the row of the job says how far it has come, so whoever comes next goes on there; a page
that is done twice finds nothing the second time.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from enlace.domain.interaction import epoch_text
from enlace.errors import Conflict
from enlace.usecases.rows import Row, Rows

#: Longer than a function may run: whoever has not moved for so long is no more.
LEASE_SECONDS = 330
#: So few can be the whole of a small store, and are no flood.
LEAST = 50
COUNTING, DELETING, DONE, TRIPPED, COUNTED = "counting", "deleting", "done", "tripped", "counted"
_UNDER_WAY = (COUNTING, DELETING)


class Page(NamedTuple):
    """Some records of a store.

    Parameters
    ----------
    looked_at : int
    due : tuple of str
        Ids, for the store alone, of those that have run out.
    cursor : str
        Where to go on; "" at the end.
    """

    looked_at: int
    due: tuple[str, ...]
    cursor: str


class Purged(NamedTuple):
    """What became of some records: those that are neither have come to life meanwhile."""

    deleted: int
    held: int = 0


class Counted(Protocol):
    """A store that records run out in. Every method raises ``TemporaryFailure``."""

    #: Parts that are gone through one by one, each with a lease of its own.
    shards: int

    def page(self, shard: int, cursor: str, cutoff: str) -> Page:
        """Records from the cursor on, and which of them were due at the cutoff."""


class Purgeable(Counted, Protocol):
    """One that they can be deleted from."""

    name: str

    def purge(self, due: Sequence[str], cutoff: str) -> Purged:
        """Delete those that, read again consistently, are still due and not held."""


@dataclass(frozen=True, slots=True)
class Task:
    """A store to purge.

    Parameters
    ----------
    store : Purgeable
    cutoff : str
        Contract time.
    max_batch_pct : int
        See :class:`enlace.domain.retention_policy.RetentionRule`.
    """

    store: Purgeable
    cutoff: str
    max_batch_pct: int


def too_many(due: int, looked_at: int, max_batch_pct: int) -> bool:
    """Whether so many may not go at once."""
    return due > LEAST and due * 100 > looked_at * max_batch_pct


def counted(store: Counted, cutoff: str) -> tuple[int, int]:
    """How many records a store has, and how many have run out; changes nothing."""
    looked_at = due = 0
    for shard in range(store.shards):
        cursor, more = "", True
        while more:
            page = store.page(shard, cursor, cutoff)
            looked_at, due, cursor = looked_at + page.looked_at, due + len(page.due), page.cursor
            more = bool(cursor)
    return looked_at, due


class Purge:
    """The use case: one job over its stores.

    Parameters
    ----------
    rows : Rows
        The job keeps ``job#<name>:<store>`` / ``<shard>`` there.
    job : str
    policy : str
        Hash of the policy in force; a round that began under another begins again.
    clock : callable
        Seconds since the epoch.
    every_seconds : int
        From the end of a round to the beginning of the next one.
    most : int
        Records deleted in one run.
    batch : int
        Records deleted between two looks at the time.
    dry_run : bool
        Count only.

    Attributes
    ----------
    counts : Counter
        For metrics; ``<store>_deleted`` and so on.
    """

    def __init__(
        self,
        rows: Rows,
        *,
        job: str,
        policy: str,
        clock: Callable[[], float],
        every_seconds: int,
        most: int = 20_000,
        batch: int = 10,
        dry_run: bool = False,
    ):
        self._rows = rows
        self._job = job
        self._policy = policy
        self._clock = clock
        self._every_seconds = every_seconds
        self._most = most
        self._batch = batch
        self._dry_run = dry_run
        self._runner = uuid.uuid4().hex
        self.counts: Counter[str] = Counter()

    def run(self, tasks: Sequence[Task], time_left: Callable[[], bool]) -> bool:
        """Go on with every store, while there is time.

        Returns
        -------
        bool
            Whether nothing is left to do now; False to be called again soon.

        Raises
        ------
        TemporaryFailure
            If a store did not answer; the next run goes on where this one stopped.
        """
        parts = [(task, shard) for task in tasks for shard in range(task.store.shards)]
        # Every part, whether one before it has more to do or not: none waits for ever.
        return all([self._run(task, shard, time_left) for task, shard in parts])

    def _run(self, task: Task, shard: int, time_left: Callable[[], bool]) -> bool:
        row = self._row(task, shard)
        body, at = row.body, self._now()
        if body.get("lease_until", "") > at:
            self.counts["leased"] += 1
            return True
        if body.get("policy") != self._policy or body.get("dry_run") != self._dry_run:
            body = self._begun(task)
        elif body["phase"] not in _UNDER_WAY:
            if self._age(body["ended_at"]) < self._every_seconds:
                return True
            body = self._begun(task)
        try:
            row = self._save(row, body)
            while row.body["phase"] in _UNDER_WAY:
                if not time_left() or self.counts["deleted"] >= self._most:
                    self._save(row, row.body, lease=False)
                    return False
                row = self._save(row, self._step(task, shard, row.body, time_left))
            self._save(row, row.body, lease=False)
        except Conflict:
            # Somebody took it over when the lease had ended.
            self.counts["leased"] += 1
        return True

    def _step(
        self, task: Task, shard: int, body: Mapping[str, Any], time_left: Callable[[], bool]
    ) -> Mapping[str, Any]:
        page = task.store.page(shard, body["cursor"], body["cutoff"])
        self._count(task, "looked_at", page.looked_at)
        if body["phase"] == COUNTING:
            counted = {
                **body,
                "looked_at": body["looked_at"] + page.looked_at,
                "due": body["due"] + len(page.due),
                "cursor": page.cursor,
            }
            return counted if page.cursor else self._counted(task, counted)
        done = body
        for start in range(0, len(page.due), self._batch):
            if not time_left() or self.counts["deleted"] >= self._most:
                # The page is read again; what is deleted is not among it any more.
                return done
            found = task.store.purge(page.due[start : start + self._batch], body["cutoff"])
            done = {
                **done,
                "deleted": done["deleted"] + found.deleted,
                "held": done["held"] + found.held,
            }
            self.counts["deleted"] += found.deleted
            self._count(task, "deleted", found.deleted)
            self._count(task, "held", found.held)
            if done["deleted"] > body["due"] + LEAST:
                # More than were counted: the store gives what it should not.
                return self._ended(done, TRIPPED)
        done = {**done, "cursor": page.cursor}
        return done if page.cursor else self._ended(done, DONE)

    def _counted(self, task: Task, body: Mapping[str, Any]) -> Mapping[str, Any]:
        due, looked_at = body["due"], body["looked_at"]
        self._count(task, "due", due)
        if too_many(due, looked_at, task.max_batch_pct):
            return self._ended(body, TRIPPED)
        if self._dry_run:
            return self._ended(body, COUNTED)
        return self._ended(body, DONE) if not due else {**body, "phase": DELETING}

    def _ended(self, body: Mapping[str, Any], phase: str) -> Mapping[str, Any]:
        self.counts[phase] += 1
        return {**body, "phase": phase, "ended_at": self._now()}

    def _begun(self, task: Task) -> Mapping[str, Any]:
        zeros = dict.fromkeys(("looked_at", "due", "deleted", "held"), 0)
        return {
            "phase": COUNTING,
            "policy": self._policy,
            "dry_run": self._dry_run,
            "cutoff": task.cutoff,
            "began_at": self._now(),
            "cursor": "",
            **zeros,
        }

    def _row(self, task: Task, shard: int) -> Row:
        pk, sk = f"job#{self._job}:{task.store.name}", f"{shard:02d}"
        return self._rows.get(pk, sk) or Row(pk, sk)

    def _save(self, row: Row, body: Mapping[str, Any], *, lease: bool = True) -> Row:
        until = epoch_text(self._clock() + LEASE_SECONDS) if lease else ""
        held = {**body, "lease_until": until, "runner": self._runner}
        try:
            [saved] = self._rows.put([Row(row.pk, row.sk, held, row.version)])
        except Conflict:
            # An acknowledgement that was lost made the client write it again.
            found = self._rows.get(row.pk, row.sk)
            if found is None or found.body != held:
                raise
            return found
        return saved

    def _count(self, task: Task, what: str, count: int) -> None:
        self.counts[f"{task.store.name}_{what}"] += count

    def _now(self) -> str:
        return epoch_text(self._clock())

    def _age(self, moment: str) -> float:
        return self._clock() - datetime.fromisoformat(moment).timestamp()
