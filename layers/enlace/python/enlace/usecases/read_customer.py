"""A customer and what happened through their contact points, in two round trips.

Who belongs to a customer stands in the component, which is found through a record: read
one after another, and then the history, they would be three trips. So each record
carries a hint of its customer's members, told asynchronously. The first trip reads the
record and all about its own contact point; the second the component and, beside it, all
about the members of the hint. The component alone decides: what the hint named wrongly
is dropped unseen, what it did not name yet takes a third trip.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from enlace.domain.component import Component
from enlace.domain.consent import AddressConsent
from enlace.domain.records import IdentifierRecord
from enlace.domain.rfv import Quintiles
from enlace.errors import TemporaryFailure
from enlace.usecases.candidate_ports import Point
from enlace.usecases.find_customer import (
    ATTEMPTS,
    CHANGING,
    Asked,
    Customer,
    CustomerFinder,
    Parallel,
)
from enlace.usecases.read_history import (
    NOTHING,
    Aggregates,
    History,
    HistoryReader,
    Newest,
    OpenCase,
)

#: Contact points whose aggregates one request reads: two items each, and it takes a hundred.
_AGGREGATES = 50

#: A read, and what to do with what it gives.
_Job = tuple[Callable[[], Any], Callable[[Any], Any]]


class ConsentReader(Protocol):
    """What addresses have said about being written to."""

    def states(self, keys: Collection[str]) -> dict[str, AddressConsent]:
        """Consents by address key, where anything is on record; one round trip."""


class CandidateReader(Protocol):
    """What operators are asked to look at."""

    def points(self, keys: Collection[str]) -> dict[str, Point]:
        """The entries of contact points, empty where there is none; one round trip."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A customer at one moment.

    Parameters
    ----------
    customer : Customer
    history : History
        Of its contact points.
    quintiles : Quintiles or None
        The cut points in force.
    open_candidate : bool
        An operator is to say whether the contact point that was asked for is also
        somebody else's.
    consents : dict of address key to AddressConsent
        Of the members that have any on record.
    """

    customer: Customer
    history: History
    quintiles: Quintiles | None = None
    open_candidate: bool = False
    consents: Mapping[str, AddressConsent] = field(default_factory=dict)


@dataclass
class _Gathered:
    """What has been read so far."""

    records: dict[str, IdentifierRecord] = field(default_factory=dict)
    newest: dict[str, Newest] = field(default_factory=dict)
    aggregates: dict[str, Aggregates] = field(default_factory=dict)
    cases: dict[str, list[OpenCase]] = field(default_factory=dict)
    component: Component | None = None
    quintiles: Quintiles | None = None
    points: Mapping[str, Point] = field(default_factory=dict)
    consents: dict[str, AddressConsent] = field(default_factory=dict)


class CustomerReader:
    """Reads customers with their histories.

    Parameters
    ----------
    finder : CustomerFinder
    reader : HistoryReader
    parallel : callable
        Runs reads side by side.
    quintiles : callable, optional
        Gives the cut points in force.
    candidates : CandidateReader, optional
    consents : ConsentReader, optional
    """

    def __init__(
        self,
        finder: CustomerFinder,
        reader: HistoryReader,
        *,
        parallel: Parallel,
        quintiles: Callable[[], Quintiles | None] | None = None,
        candidates: CandidateReader | None = None,
        consents: ConsentReader | None = None,
    ):
        self._finder = finder
        self._reader = reader
        self._parallel = parallel
        self._quintiles = quintiles
        self._candidates = candidates
        self._consents = consents

    @property
    def finder(self) -> CustomerFinder:
        """Finds customers without their histories."""
        return self._finder

    @property
    def history(self) -> HistoryReader:
        """Reads single things."""
        return self._reader

    def side_by_side(self, reads: Sequence[Callable[[], Any]]) -> list[Any]:
        """The results of reads in one round trip, in order."""
        return self._parallel(reads) if reads else []

    def read(
        self,
        asked: Asked,
        *,
        newest: int,
        further: Callable[[Customer], Iterable[str]] = lambda customer: (),
    ) -> Seen:
        """A customer and the newest of its history.

        Parameters
        ----------
        newest : int
            Interactions to read of each contact point.
        further : callable
            Address keys of other identifiers whose values are wanted.

        Raises
        ------
        NotFound
            If there is no such customer.
        TemporaryFailure
            If a store did not do its part.
        """
        known = _Gathered()
        self._run([*self._about([asked.key], newest, known), *self._beside(asked.key, known)])
        customer = self._customer(asked, newest, known)
        members = customer.members
        unread = [key for key in members if key not in known.newest]
        named = {*members, *further(customer)}
        values = sorted(named - known.records.keys() - set(unread))
        jobs = self._about(unread, newest, known)
        if values:
            jobs.append((partial(self._finder.identifiers, values), known.records.update))
        self._run(jobs)
        cases = [case for key in members for case in known.cases[key]]
        history = History(
            records={key: known.records[key] for key in named if key in known.records},
            newest={key: known.newest[key] for key in members},
            # What was added up of interactions goes with them: they may have run out.
            aggregates={
                key: known.aggregates.get(key, NOTHING) if known.newest[key].items else NOTHING
                for key in members
            },
            cases=sorted(cases, key=lambda case: (case.opened_at, case.protocol), reverse=True),
        )
        open_ = known.points.get(asked.key, Point()).open
        consents = {key: known.consents[key] for key in members if key in known.consents}
        return Seen(customer, history, known.quintiles, _undecided(customer, open_), consents)

    def _customer(self, asked: Asked, newest: int, known: _Gathered) -> Customer:
        for attempt in range(ATTEMPTS):
            if attempt:
                # A merge or a split came between the two reads.
                known.records.pop(asked.key, None)
                records = partial(self._finder.identifiers, [asked.key])
                self._run([(records, known.records.update)])
            record = known.records.get(asked.key)
            id_ = record.pointer.component if record else None
            if record and id_:
                hinted = [] if record.hint is None else record.hint.members
                unread = [key for key in hinted if key not in known.newest]
                component = (partial(self._finder.component, id_), _setter(known, "component"))
                self._run([component, *self._about(unread, newest, known)])
            found = self._finder.at(asked, record, known.component if id_ else None)
            if found:
                return found
        raise TemporaryFailure(CHANGING)

    def _about(self, keys: Collection[str], newest: int, known: _Gathered) -> list[_Job]:
        """Reads of everything about some contact points."""
        ordered = sorted(keys)
        if not ordered:
            return []
        jobs: list[_Job] = [(partial(self._finder.identifiers, ordered), known.records.update)]
        for start in range(0, len(ordered), _AGGREGATES):
            part = ordered[start : start + _AGGREGATES]
            jobs.append((partial(self._reader.aggregates, part), known.aggregates.update))
            if self._consents:
                jobs.append((partial(self._consents.states, part), known.consents.update))
        for key in ordered:
            jobs.append((partial(self._reader.newest, key, newest), _putter(known.newest, key)))
            jobs.append((partial(self._reader.open_cases, key), _putter(known.cases, key)))
        return jobs

    def _beside(self, key: str, known: _Gathered) -> list[_Job]:
        jobs: list[_Job] = []
        if self._quintiles:
            jobs.append((self._quintiles, _setter(known, "quintiles")))
        if self._candidates:
            points = partial(self._candidates.points, [key])
            jobs.append((points, _setter(known, "points")))
        return jobs

    def _run(self, jobs: Sequence[_Job]) -> None:
        for (_, take), result in zip(
            jobs, self.side_by_side([read for read, _ in jobs]), strict=True
        ):
            take(result)


def _undecided(customer: Customer, partners: Collection[str]) -> bool:
    """Whether a candidate is left that is neither joined nor decided upon.

    The list of candidates follows customers and decisions with a delay.
    """
    own = customer.asked.key
    settled = set(customer.members)
    if customer.component:
        for decision in customer.component.decisions.values():
            if own in (decision.a, decision.b):
                settled |= {decision.a, decision.b}
    return not settled.issuperset(partners)


def _setter(known: _Gathered, name: str) -> Callable[[Any], None]:
    return partial(setattr, known, name)


def _putter(into: dict[str, Any], key: str) -> Callable[[Any], None]:
    return partial(into.__setitem__, key)
