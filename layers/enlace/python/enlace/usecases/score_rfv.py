"""Where the fifths of recency, frequency and value lie, once a day.

The job walks over the contact points that anything was ever bought through, page by
page, and counts each customer at the first of them. It remembers how far it came and
what it has counted, so a run that ends early goes on where it stopped; the cut points
of the day before stay in force until those of the day are complete. No interaction is
read, and no customer written.

A customer who merges or splits while the job runs may be counted twice or not at all:
among all customers, that moves no cut point that anybody would notice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from enlace.domain.rfv import CutPoints, Distribution, Quintiles, figures_of
from enlace.errors import Conflict
from enlace.usecases.ports import IdentityReader, PutEntry, Write
from enlace.usecases.purchases_view import combined_purchases

#: Where the cut points are, and how far the job has come.
CUT_POINTS = "rfv#cut_points"
JOB = "job#score_rfv"
#: Contact points a page.
PAGE = 100
#: Currencies with values of their own; each costs the job's entry some 30 KB at most.
MAX_CURRENCIES = 10


class JobStore(IdentityReader, Protocol):
    """Reads of identities; reads and writes of entries."""

    def get_entry(self, key: str) -> dict[str, Any] | None:
        """An entry by its key, read consistently."""

    def commit(self, writes: Sequence[Write]) -> None:
        """Make all writes, or none; raises ``Conflict`` if one is not as it was read."""


class BuyerReader(Protocol):
    """Contact points that something was bought through."""

    def buyers(self, after: str | None, limit: int) -> tuple[list[str], str | None]:
        """A page of address keys, and the position after it; None at the end."""

    def totals(self, pks: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Purchase totals by contact point, where there are any."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What one run did.

    Parameters
    ----------
    day : str
        Whose cut points are being made.
    contact_points, customers : int
        Looked at in this run; counted so far.
    complete : bool
        The day's cut points are in force.
    """

    day: str
    contact_points: int
    customers: int
    complete: bool


class ScoreRfv:
    """The job.

    Parameters
    ----------
    store : JobStore
    buyers : BuyerReader
    today : callable
        Gives the current day, ``YYYY-MM-DD`` (UTC).
    goes_on : callable
        Whether there is time for one more page.
    """

    def __init__(
        self,
        store: JobStore,
        buyers: BuyerReader,
        *,
        today: Callable[[], str],
        goes_on: Callable[[], bool],
    ):
        self._store = store
        self._buyers = buyers
        self._today = today
        self._goes_on = goes_on

    def run(self) -> Scored:
        """Go on with the job, or do nothing if the day's cut points are there.

        Raises
        ------
        TemporaryFailure
            If a store did not do its part; the next run goes on.
        """
        job = self._store.get_entry(JOB)
        in_force = self._store.get_entry(CUT_POINTS)
        if job is None and in_force is not None and in_force["day"] >= self._today():
            return Scored(in_force["day"], 0, in_force["customers"], complete=True)
        count = _Count.from_json(job) if job else _Count(self._today())
        looked_at = 0
        # At least one page, or a job that is always late would never end.
        while not count.done and (looked_at == 0 or self._goes_on()):
            keys, count.after = self._buyers.buyers(count.after, PAGE)
            count.done = count.after is None
            self._count(keys, count)
            looked_at += len(keys)
        writes: list[Write] = [PutEntry(JOB, None if count.done else count.to_json(), job)]
        if count.done:
            writes = [PutEntry(CUT_POINTS, count.quintiles().to_json(), in_force)]
            writes += [PutEntry(JOB, None, job)] if job else []
        try:
            self._store.commit(writes)
        except Conflict:
            # Another run did the same pages; what it has written is as good.
            return Scored(count.day, looked_at, count.customers, complete=False)
        return Scored(count.day, looked_at, count.customers, count.done)

    def _count(self, keys: Sequence[str], count: _Count) -> None:
        records = self._store.get_identifiers(keys)
        ids = {r.pointer.component for r in records.values()} - {None}
        components = self._store.get_components(id_ for id_ in ids if id_)
        members: dict[str, list[str]] = {}
        for key, record in records.items():
            component = components.get(record.pointer.component or "")
            joined = component is not None and key in component.nodes
            members[key] = (
                component.members(component.customer_of[key]) if component and joined else [key]
            )
        totals = self._buyers.totals(sorted({key for own in members.values() for key in own}))
        for key, own in members.items():
            bought = [member for member in own if member in totals]
            if bought and min(bought) == key:
                count.add(combined_purchases((totals[b] for b in bought), count.day))


class _Count:
    """What has been counted, and up to where."""

    def __init__(self, day: str):
        self.day = day
        self.after: str | None = None
        self.done = False
        self.customers = 0
        self.recency, self.frequency = Distribution(), Distribution()
        self.value: dict[str, Distribution] = {}

    def add(self, purchases: Mapping[str, Any]) -> None:
        """Count one customer."""
        figures = figures_of(purchases, self.day)
        if figures is None:
            return
        recency, frequency, values = figures
        self.customers += 1
        self.recency.add(recency)
        self.frequency.add(frequency)
        for currency, amount in values.items():
            if currency in self.value or len(self.value) < MAX_CURRENCIES:
                self.value.setdefault(currency, Distribution()).add(amount)

    def quintiles(self) -> Quintiles:
        """The cut points of all that was counted."""
        by_currency = {c: d.cut_points() for c, d in sorted(self.value.items())}
        value: dict[str, CutPoints] = {c: cuts for c, cuts in by_currency.items() if cuts}
        return Quintiles(
            self.day,
            self.customers,
            self.recency.cut_points(),
            self.frequency.cut_points(),
            value,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "day": self.day,
            "after": self.after,
            "customers": self.customers,
            "recency": self.recency.to_json(),
            "frequency": self.frequency.to_json(),
            "value": {currency: d.to_json() for currency, d in sorted(self.value.items())},
        }

    @staticmethod
    def from_json(body: Mapping[str, Any]) -> _Count:
        count = _Count(body["day"])
        count.after, count.customers = body["after"], body["customers"]
        count.recency = Distribution.from_json(body["recency"])
        count.frequency = Distribution.from_json(body["frequency"])
        count.value = {c: Distribution.from_json(d) for c, d in body["value"].items()}
        return count


class CachedQuintiles:
    """The cut points in force, asked for again after some minutes.

    Parameters
    ----------
    get_entry : callable
    clock : callable
        Seconds.
    """

    SECONDS = 600.0

    def __init__(
        self,
        get_entry: Callable[[str], Mapping[str, Any] | None],
        *,
        clock: Callable[[], float],
    ):
        self._get_entry = get_entry
        self._clock = clock
        self._known: Quintiles | None = None
        self._until: float | None = None

    def __call__(self) -> Quintiles | None:
        """They, or None before the first job ended.

        Raises
        ------
        TemporaryFailure
            If the store did not do its part.
        """
        now = self._clock()
        if self._until is None or now >= self._until:
            body = self._get_entry(CUT_POINTS)
            self._known = Quintiles.from_json(body) if body else None
            self._until = now + self.SECONDS
        return self._known
