"""A customer's interactions, newest first: the k-way merge of its contact points.

A page ends at a position in time and not at a number of items, so interactions
that arrive meanwhile, and customers that merge or split, neither repeat nor hide
what the next page gives.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from enlace.domain.records import IdentifierRecord, TimelineItem
from enlace.errors import InvalidPayload
from enlace.usecases.find_customer import Customer, CustomerFinder, Parallel
from enlace.usecases.read_history import HistoryReader

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
#: Interactions looked at for one page; a rare filter goes on with the cursor.
MAX_SCANNED = 1000

_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[0-9a-f\-]{36})~([0-9a-f]{8})\Z")

Position = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TimelineQuery:
    """Which interactions are wanted.

    Parameters
    ----------
    since, until : str or None
        Contract times; ``since`` itself is in, ``until`` itself is not.
    limit : int
        1 to :data:`MAX_LIMIT`.
    cursor : str or None
        ``next_cursor`` of the page before.
    """

    channel: str | None = None
    type: str | None = None
    since: str | None = None
    until: str | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def takes(self, item: TimelineItem) -> bool:
        """Whether the filters let an interaction through."""
        body = item.body
        return self.channel in (None, body["channel"]) and self.type in (None, body["type"])


class Timeline:
    """Reads timelines; parameters as for :class:`enlace.usecases.customer_view.CustomerView`."""

    def __init__(self, finder: CustomerFinder, reader: HistoryReader, *, parallel: Parallel):
        self._finder = finder
        self._reader = reader
        self._parallel = parallel

    def page(self, customer: Customer, query: TimelineQuery) -> dict[str, Any]:
        """One page: ``{"items", "next_cursor"}``; the cursor is None at the end.

        Raises
        ------
        InvalidPayload
            If the cursor is none that was given out.
        TemporaryFailure
            If a store did not do its part.
        """
        position = _position(query.cursor) if query.cursor else None
        merged = self._merged(customer.members, query, position)
        taken: list[TimelineItem] = []
        last: Position | None = None
        for scanned, (at, item) in enumerate(merged, start=1):
            if len(taken) == query.limit or scanned > MAX_SCANNED:
                break
            last = at
            if query.takes(item):
                taken.append(item)
        else:
            last = None
        records = self._records(customer, taken)
        return {
            "items": [interaction_of(item, records) for item in taken],
            "next_cursor": _cursor(last) if last else None,
        }

    def _merged(
        self, keys: Sequence[str], query: TimelineQuery, position: Position | None
    ) -> Iterator[tuple[Position, TimelineItem]]:
        filtered = query.channel is not None or query.type is not None
        wanted = MAX_LIMIT if filtered else query.limit
        # Any one contact point could hold the whole page, but hardly all of them do.
        size = min(wanted + 1, max(10, 4 * wanted // len(keys)))
        starts = {key: _start(key, query.until, position) for key in keys}
        read = partial(self._reader.page, since=query.since, limit=size)
        first = self._parallel([partial(read, key, before=starts[key]) for key in keys])
        return heapq.merge(
            *(
                self._stream(key, page, query.since, size)
                for key, page in zip(keys, first, strict=True)
            ),
            key=lambda entry: entry[0],
            reverse=True,
        )

    def _stream(
        self, key: str, page: list[TimelineItem], since: str | None, size: int
    ) -> Iterator[tuple[Position, TimelineItem]]:
        tie = _tie(key)
        while True:
            for item in page:
                yield (item.sk, tie), item
            if len(page) < size:
                return
            page = self._reader.page(key, before=page[-1].sk, since=since, limit=size)

    def _records(
        self, customer: Customer, items: Sequence[TimelineItem]
    ) -> dict[str, IdentifierRecord]:
        keys = {item.pk for item in items}
        keys.update(key for item in items for key, _ in item.body.get("ids", ()))
        known = {customer.asked.key: customer.asked}
        return known | self._finder.identifiers(sorted(keys - known.keys()))


def interaction_of(
    item: TimelineItem,
    records: Mapping[str, IdentifierRecord],
    visible: Collection[str] | None = None,
) -> dict[str, Any]:
    """A stored interaction with its own fields again, clear values included.

    Parameters
    ----------
    records : mapping
        Identifiers by address key; one that is not there any more has no value.
    visible : collection of str, optional
        Address keys whose values may be shown; all, where it is not given.
    """
    body = {name: value for name, value in item.body.items() if name not in ("ids", "unlinked")}
    body["occurred_at"] = item.sk.partition("#")[0]
    body["contact_point"] = dict(item.body["contact_point"])
    if item.pk in records:
        body["contact_point"]["value"] = records[item.pk].value
    others = [
        {"kind": records[key].kind, "value": records[key].value, "level": level}
        for key, level in item.body.get("ids", ())
        if key in records and (visible is None or key in visible)
    ]
    if visible is None:
        others += item.body.get("unlinked", ())
    if others:
        body["identifiers"] = others
    return body


def _start(key: str, until: str | None, position: Position | None) -> str | None:
    """Where to begin in one contact point's partition: an exclusive upper bound."""
    if position is None:
        return until
    sk, tie = position
    # Two contact points may hold one sort key; "~" sorts after every end of one.
    start = f"{sk}~" if _tie(key) < tie else sk
    return start if until is None else min(start, until)


def _tie(key: str) -> str:
    """Orders contact points at one sort key, without telling the address key."""
    return hashlib.blake2b(key.encode(), digest_size=4).hexdigest()


def _cursor(position: Position) -> str:
    return base64.urlsafe_b64encode("~".join(position).encode()).rstrip(b"=").decode()


def _position(cursor: str) -> Position:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    match = _CURSOR.match(text)
    if match is None:
        raise InvalidPayload("cursor: must be the next_cursor of a page")
    return match[1], match[2]
