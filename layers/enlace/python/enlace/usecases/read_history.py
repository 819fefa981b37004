"""What happened through a customer's contact points, read side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from enlace.domain.records import IdentifierRecord, TimelineItem
from enlace.domain.rules import LEVEL_RANK
from enlace.usecases.find_customer import Customer, CustomerFinder, Parallel


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A service case that is still open."""

    protocol: str
    contact_key: str
    interaction_id: str
    nature: str | None
    opened_at: str


class HistoryReader(Protocol):
    """Reads beside the identities; the tables of timelines and cases."""

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The stored body of one interaction."""

    def page(
        self, pk: str, *, before: str | None, since: str | None, limit: int
    ) -> list[TimelineItem]:
        """Interactions of one contact point, newest first, below ``before`` (a sort key)."""

    def totals(self, pks: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Purchase totals (:mod:`enlace.domain.totals`) by contact point, where there are any."""

    def open_cases(self, pk: str) -> list[OpenCase]:
        """Open cases of one contact point, newest first; bounded."""


@dataclass(frozen=True, slots=True)
class History:
    """What the views are made of.

    Parameters
    ----------
    records : dict
        Identifiers of the contact points, and further ones that were asked for.
    newest : dict of address key to list of TimelineItem
        The newest interactions of each contact point, newest first.
    complete : bool
        Those are all there are.
    totals : dict of address key to totals
    cases : list of OpenCase
        Newest first.
    """

    records: Mapping[str, IdentifierRecord]
    newest: Mapping[str, Sequence[TimelineItem]]
    complete: bool
    totals: Mapping[str, Mapping[str, Any]]
    cases: Sequence[OpenCase]

    def contact_level(self, key: str) -> str | None:
        """The highest level at which a contact point itself came, as far as was read."""
        levels = [item.body["contact_point"]["level"] for item in self.newest.get(key, ())]
        return max(levels, key=LEVEL_RANK.__getitem__, default=None)

    def merged(self) -> list[TimelineItem]:
        """The newest interactions of all contact points, newest first."""
        items = [item for items in self.newest.values() for item in items]
        return sorted(items, key=lambda item: item.sk, reverse=True)


def read_history(
    finder: CustomerFinder,
    reader: HistoryReader,
    parallel: Parallel,
    customer: Customer,
    keys: Sequence[str],
    *,
    newest: int,
    further: Iterable[str] = (),
) -> History:
    """Everything about the contact points ``keys`` in one round of reads.

    Parameters
    ----------
    newest : int
        Interactions to read of each contact point.
    further : iterable of str
        Address keys of other identifiers whose values are wanted.
    """
    unread = [key for key in sorted({*keys, *further}) if key != customer.asked.key]
    reads: list[Callable[[], Any]] = [
        partial(finder.identifiers, unread),
        partial(reader.totals, keys),
    ]
    for key in keys:
        reads.append(partial(reader.page, key, before=None, since=None, limit=newest))
        reads.append(partial(reader.open_cases, key))
    records, totals, *rest = parallel(reads)
    pages, cases = rest[::2], rest[1::2]
    return History(
        records={customer.asked.key: customer.asked, **records},
        newest=dict(zip(keys, pages, strict=True)),
        complete=all(len(page) < newest for page in pages),
        totals=totals,
        cases=sorted(
            (case for found in cases for case in found),
            key=lambda case: (case.opened_at, case.protocol),
            reverse=True,
        ),
    )


def named(record: IdentifierRecord) -> dict[str, str]:
    """An identifier as the API shows it."""
    return {"kind": record.kind, "value": record.value}
