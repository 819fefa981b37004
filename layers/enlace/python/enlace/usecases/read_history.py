"""What happened through a customer's contact points."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from enlace.domain.records import IdentifierRecord, TimelineItem
from enlace.domain.rules import LEVEL_RANK


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A service case that is still open.

    ``level`` is the contact point's in the interaction that opened it; None where
    the case does not say.
    """

    protocol: str
    contact_key: str
    interaction_id: str
    nature: str | None
    opened_at: str
    level: str | None = None


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest interactions of a contact point, newest first; ``complete``: they are all."""

    items: Sequence[TimelineItem]
    complete: bool


@dataclass(frozen=True, slots=True)
class Aggregates:
    """What is kept beside a contact point's timeline.

    Parameters
    ----------
    totals : mapping
        Purchase totals (:mod:`enlace.domain.totals`); empty where nothing was bought.
    carts : mapping
        As :mod:`enlace.domain.carts` keeps them.
    """

    totals: Mapping[str, Any]
    carts: Mapping[str, Any]


NOTHING = Aggregates({}, {})


class HistoryReader(Protocol):
    """Reads beside the identities; the tables of timelines and cases.

    Each is one round trip, but for :meth:`page`.
    """

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The stored body of one interaction."""

    def page(
        self, pk: str, *, before: str | None, since: str | None, limit: int
    ) -> list[TimelineItem]:
        """Interactions of one contact point, newest first, below ``before`` (a sort key)."""

    def newest(self, pk: str, limit: int) -> Newest:
        """The newest interactions of one contact point; fewer where they are very large."""

    def aggregates(self, pks: Sequence[str]) -> dict[str, Aggregates]:
        """Aggregates by contact point, where there are any; 50 contact points at most."""

    def open_cases(self, pk: str) -> list[OpenCase]:
        """Open cases of one contact point, newest first; bounded."""


@dataclass(frozen=True, slots=True)
class History:
    """What the views are made of.

    Parameters
    ----------
    records : dict
        Identifiers of the contact points, and further ones that were asked for.
    newest : dict of address key to Newest
    aggregates : dict of address key to Aggregates
    cases : list of OpenCase
        Newest first.
    """

    records: Mapping[str, IdentifierRecord]
    newest: Mapping[str, Newest]
    aggregates: Mapping[str, Aggregates]
    cases: Sequence[OpenCase]

    @property
    def complete(self) -> bool:
        """Whether the interactions are all there are."""
        return all(newest.complete for newest in self.newest.values())

    @property
    def totals(self) -> list[Mapping[str, Any]]:
        """Purchase totals of the contact points that have any."""
        return [kept.totals for kept in self.aggregates.values() if kept.totals]

    @property
    def carts(self) -> list[Mapping[str, Any]]:
        """Carts of the contact points that have any."""
        return [kept.carts for kept in self.aggregates.values() if kept.carts]

    def contact_level(self, key: str) -> str | None:
        """The highest level at which a contact point itself came, as far as was read."""
        items = self.newest[key].items if key in self.newest else ()
        levels = [item.body["contact_point"]["level"] for item in items]
        return max(levels, key=LEVEL_RANK.__getitem__, default=None)

    def merged(self) -> list[TimelineItem]:
        """The newest interactions of all contact points, newest first."""
        items = [item for newest in self.newest.values() for item in newest.items]
        return sorted(items, key=lambda item: item.sk, reverse=True)

    def within(self, keys: Collection[str]) -> History:
        """The part of some contact points."""
        return replace(
            self,
            records={key: self.records[key] for key in keys if key in self.records},
            newest={key: self.newest[key] for key in keys if key in self.newest},
            aggregates={key: self.aggregates[key] for key in keys if key in self.aggregates},
            cases=[case for case in self.cases if case.contact_key in keys],
        )


def named(record: IdentifierRecord) -> dict[str, str]:
    """An identifier as the API shows it."""
    return {"kind": record.kind, "value": record.value}
