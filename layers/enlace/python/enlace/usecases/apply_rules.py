"""Bring what is stored to the rules in force, component by component.

A change of rules concerns every component, so the job walks all identities. How
far it has come stands in an entry of the identity table, and every change of a
component is written in one transaction with that entry, which also keeps the
effects until the bus has them: a crash at any point loses nothing, and whoever
takes the job on finds what is left to do. What the rules leave as it was costs
no write.

Functions take up new rules within a minute, and a run of theirs may last another;
what they still write by the former rules a second walk finds.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from enlace.domain.change import Effect, Evolution, GraphChange, described, evolve
from enlace.domain.component import Component
from enlace.domain.envelope import Cause, Entry, Event
from enlace.domain.events import RULES_ACTIVATED
from enlace.domain.interaction import epoch_text
from enlace.domain.partition import overrulable
from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import Rules
from enlace.errors import ComponentSaturated, Conflict, TakenOver, TemporaryFailure
from enlace.normalise import normalise
from enlace.usecases.graph import own_part, read_neighbourhood
from enlace.usecases.ports import PutComponent, UpdateRecord, WalkedStore, Write
from enlace.usecases.publish import effect_entries
from enlace.usecases.rules_in_force import TTL_SECONDS, InForce, in_force
from enlace.usecases.rules_job import JOB, Job, Progress, belongs_to, new_walk, told_of

SOURCE = "enlace.apply_rules"
#: After this long nobody goes by the former rules: the time for which they are kept,
#: the longest run of a function that writes identities, and half a minute for clocks.
SETTLE_SECONDS = TTL_SECONDS + 60 + 30

_PAGE = 250
_ATTEMPTS = 10
#: Effects that wait for the bus; the entry that keeps them is written with every change.
_MAX_PENDING = 10


class Bus(Protocol):
    """Where events go."""

    def publish_all(self, entries: Sequence[Entry]) -> None:
        """Publish events, all of them."""


class ApplyRules:
    """The use case.

    Parameters
    ----------
    store : WalkedStore
    bus : Bus
    clock : callable
        Seconds since the epoch.
    sleep : callable
        Waits some seconds between attempts at a contended component.
    settle_seconds : int
        How long after a change of rules somebody may still go by the former ones.

    Attributes
    ----------
    counts : Counter
        What the last run did: components changed, customers merged and split.
    """

    def __init__(
        self,
        store: WalkedStore,
        bus: Bus,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        settle_seconds: int = SETTLE_SECONDS,
    ):
        self._store = store
        self._bus = bus
        self._clock = clock
        self._sleep = sleep
        self._settle_seconds = settle_seconds
        self.counts: Counter[str] = Counter()

    def run(self, time_left: Callable[[], bool] = lambda: True) -> Progress | None:
        """Go on with what there is to do, while there is time.

        Returns
        -------
        Progress or None
            How far the job has come; None where there was nothing to do, or where
            somebody else is at it.

        Raises
        ------
        Misconfigured
            If the rules in force cannot be used.
        TemporaryFailure
            If the store or the bus did not do its part; the next run goes on.
        """
        self.counts = Counter()
        known = self._store.get_entry(JOB)
        if known and known["lease_until"] > self._now():
            return None
        due = self._due(known, in_force(self._store.get_entry))
        if due is None and not (known and known["pending"]):
            return None
        job = Job(self._store, known, self._clock)
        try:
            job.save(due or {})
            self._tell(job)
            while time_left():
                active = in_force(self._store.get_entry)
                due = self._due(job.entry, active)
                if due is None:
                    break
                self._page(job, due, active.rules, time_left)
        except TakenOver:
            return None
        finally:
            job.release()
        return job.entry

    def follow(self, event: Event, time_left: Callable[[], bool]) -> str | None:
        """Begin at once when rules come into force; other events are nothing to the job.

        Raises
        ------
        Misconfigured, TemporaryFailure
            As :meth:`run`.
        """
        if (event.name, event.major) != (RULES_ACTIVATED, 1):
            return None
        return told_of(self.run(time_left))

    def _due(self, entry: Progress | None, active: InForce) -> Progress | None:
        """What is to be done: the walk under way, a new one, or nothing for now."""
        now, settled = self._now(), self._settled()
        if entry is None or not belongs_to(entry, active):
            # Shipped rules are in force since somebody first sees them.
            return new_walk(active, now, active.activated_at or now, entry)
        if not entry["finished_at"]:
            walking = entry["pass_started_at"] or entry["pass"] == 1
            return entry if walking or entry["since"] <= settled else None
        expires = any(rule.valid_days is not None for rule in active.rules.kinds.values())
        if expires and entry["day"] < settled[:10]:
            return new_walk(active, now, entry["since"], entry)
        return None

    def _page(self, job: Job, due: Progress, rules: Rules, time_left: Callable[[], bool]) -> None:
        if not due["pass_started_at"]:
            now = self._now()
            final = due["since"] <= self._settled()
            due = {**due, "pass_started_at": now, "day": now[:10], "final": final}
        if due is not job.entry:
            job.save(due)
        items, cursor = self._store.scan(due["cursor"], _PAGE)
        for item in items:
            if not time_left():
                # The next run looks at this page again; what is done takes no write then.
                return
            if key := _outdated(item, rules, self._now()[:10]):
                self._bring(job, key, rules)
        self._publish(job)
        after = {
            **job.entry,
            "pending": [],
            "cursor": cursor,
            "seen": job.entry["seen"] + len(items),
        }
        if cursor is None and after["final"]:
            after["finished_at"] = self._now()
        elif cursor is None:
            after |= {"pass": after["pass"] + 1, "pass_started_at": "", "seen": 0}
        job.save(after)

    def _bring(self, job: Job, key: str, rules: Rules) -> None:
        """Bring the component of an identifier to the rules, in one transaction."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, 0.01 * 2**attempt))
            try:
                return self._attempt(job, key, rules)
            except Conflict:
                continue
        raise TemporaryFailure("others kept changing the same customer")

    def _attempt(self, job: Job, key: str, rules: Rules) -> None:
        now = self._now()
        touched = read_neighbourhood(self._store, [key])
        members = {key for component in touched.components for key in component.nodes}
        records = touched.records
        if members - records.keys():
            records = self._store.get_identifiers(members, consistent=True)
        # All that the rules say of the component at once: no state in between is ever told.
        blocked = {
            key: flag
            for key, record in records.items()
            if (flag := _is_blocked(record, rules)) != record.blocked
        }
        try:
            evolution = evolve(
                touched.components, touched.loners, GraphChange(blocked=blocked), rules, now[:10]
            )
        except ComponentSaturated:
            job.save({**job.entry, "saturated": job.entry["saturated"] + 1})
            self.counts["saturated"] += 1
            return
        writes: list[Write] = [PutComponent(new, old) for old, new in evolution.components]
        for moved, (was, pointer) in evolution.pointers.items():
            if was is None:
                raise TypeError("rules bring no identifier into being")
            writes.append(UpdateRecord(moved, was, pointer, own_part(records, moved, was)))
        if not writes:
            return
        effects = [*evolution.effects, *_to_compare(evolution, rules, now[:10])]
        entry = {**job.entry, "changed": job.entry["changed"] + 1}
        for effect in effects:
            if effect["effect"] in ("merged", "split"):
                entry[effect["effect"]] += 1
        if effects:
            entry["occasion"] += 1
            told = {
                "version": entry["version"],
                # The same rules may part the same customers again some day.
                "occasion": f"{now}#{entry['occasion']}",
                "occurred_at": now,
                "effects": effects,
            }
            entry["pending"] = [*entry["pending"], told]
        former = job.entry
        job.save(entry, writes)
        for name in ("changed", "merged", "split"):
            self.counts[name] += entry[name] - former[name]
        if sum(len(told["effects"]) for told in entry["pending"]) >= _MAX_PENDING:
            self._tell(job)

    def _tell(self, job: Job) -> None:
        """Publish what the entry keeps, and forget it."""
        if job.entry["pending"]:
            self._publish(job)
            job.save({**job.entry, "pending": []})

    def _publish(self, job: Job) -> None:
        entries: list[Entry] = []
        for told in job.entry["pending"]:
            cause, occurred_at = Cause("rules_version", told["version"]), told["occurred_at"]
            entries += effect_entries(
                told["effects"], cause, occurred_at, self._now(), SOURCE, told["occasion"]
            )
        if entries:
            self._bus.publish_all(entries)

    def _now(self) -> str:
        return epoch_text(self._clock())

    def _settled(self) -> str:
        """Whatever began before this is known to everybody."""
        return epoch_text(self._clock() - self._settle_seconds)


def _outdated(item: IdentifierRecord | Component, rules: Rules, today: str) -> str | None:
    """An identifier by which to find what the rules now see otherwise; or None."""
    if isinstance(item, Component):
        now = item.partition(rules, today).customer_of
        return min(item.nodes) if now != item.customer_of else None
    return item.key if _is_blocked(item, rules) != item.blocked else None


def _is_blocked(record: IdentifierRecord, rules: Rules) -> bool:
    if rules.blocks(record.kind, record.value):
        return True
    # No rule makes an invalid value valid; only those that are blocked can be invalid.
    return record.blocked and not normalise(record.kind, record.raw, rules).valid


def _to_compare(evolution: Evolution, rules: Rules, today: str) -> list[Effect]:
    """For whom the news is a tie that an operator could restore."""
    parted = {effect["customer_id"] for effect in evolution.effects if effect["effect"] == "split"}
    told = {effect["key"] for effect in evolution.effects if effect["effect"] == "described"}
    effects = []
    for was, component in evolution.components:
        if was is None or component is None or parted.isdisjoint(was.customer_of.values()):
            continue
        refused = component.partition(rules, today).refused.items()
        pairs = [pair for pair, reason in refused if overrulable(reason)]
        if pairs and told.isdisjoint(component.nodes):
            key = next(key for key in min(pairs) if key in component.nodes)
            effects.append(described(component.customer_of[key], key))
    return effects
