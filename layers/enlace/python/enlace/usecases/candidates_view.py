"""The list of candidates for operators: best first, open ones only, with the values.

What is stored are suspicions; whether one still is to be decided is asked of the
customers when the list is read. So merges, splits and decisions need no upkeep for it
to be right, and what is taken back comes back.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from enlace.domain.candidate import Candidate, least_position, parted
from enlace.domain.component import Component
from enlace.domain.partition import overrulable
from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import Rules
from enlace.errors import InvalidPayload
from enlace.usecases.candidate_ports import CandidateReader
from enlace.usecases.ports import IdentityReader
from enlace.usecases.shown_values import shown

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
#: Candidates looked at for one page; behind many settled ones it goes on with the cursor.
MAX_LOOKED_AT = 300
_AT_ONCE = 16

_POSITION = re.compile(r"[01]\.\d{9} \d{4}\.\d\d \S{1,64} \S{1,64}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """Which candidates are wanted.

    Parameters
    ----------
    limit : int
        1 to :data:`MAX_LIMIT`.
    cursor : str or None
        ``next_cursor`` of the page before.
    min_probability : float or None
        Leaves out, too, those of which no likeness is known.
    source : str or None
        ``likeness`` or ``rule``.
    """

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    min_probability: float | None = None
    source: str | None = None


@dataclass(slots=True)
class _Known:
    """What has been read of identities for one page."""

    records: dict[str, IdentifierRecord] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)
    refused: dict[str, Mapping[tuple[str, str], str]] = field(default_factory=dict)


class CandidatesView:
    """Lists candidates.

    Parameters
    ----------
    store : IdentityReader
    candidates : CandidateReader
    rules : Rules
    today : callable
        Gives ``YYYY-MM-DD``.
    """

    def __init__(
        self,
        store: IdentityReader,
        candidates: CandidateReader,
        rules: Rules,
        *,
        today: Callable[[], str],
    ):
        self._store = store
        self._candidates = candidates
        self._rules = rules
        self._today = today

    def page(self, query: CandidateQuery) -> dict[str, Any]:
        """One page: ``{"items", "next_cursor"}``; the cursor is None at the end.

        A page may be shorter than its limit, and even empty, and yet not be the last.

        Raises
        ------
        InvalidPayload
            If the cursor is none that was given out.
        TemporaryFailure
            If a store did not do its part.
        """
        after = _position(query.cursor) if query.cursor else ""
        stream = self._within(self._candidates.best(after, query.limit + 1), query)
        items: list[dict[str, Any]] = []
        looked_at = 0
        last: str | None = None
        while len(items) < query.limit and looked_at < MAX_LOOKED_AT:
            some = list(islice(stream, max(query.limit - len(items), _AT_ONCE)))
            if not some:
                return {"items": items, "next_cursor": None}
            known = self._read(some)
            for made in some:
                looked_at += 1
                last = made.position
                item = self._item(made, known, query)
                if item:
                    items.append(item)
                if len(items) == query.limit:
                    break
        return {"items": items, "next_cursor": _cursor(last) if last else None}

    @staticmethod
    def _within(stream: Iterator[Candidate], query: CandidateQuery) -> Iterator[Candidate]:
        least = None if query.min_probability is None else least_position(query.min_probability)
        for made in stream:
            if least is not None:
                if made.position > least:
                    return
                if made.probability is None:
                    continue
            yield made

    def _read(self, some: Iterable[Candidate]) -> _Known:
        """The identities behind some candidates, read consistently: a decision shows at once."""
        ends = sorted({end for made in some for end in made.pair})
        records = self._store.get_identifiers(ends, consistent=True)
        shared = {
            records[a].pointer.component
            for a, b in (made.pair for made in some)
            if a in records and b in records
            if records[a].pointer.component == records[b].pointer.component
            if records[a].customer_id != records[b].customer_id
        }
        ids = sorted(filter(None, shared))
        components = self._store.get_components(ids, consistent=True) if ids else {}
        return _Known(records, components)

    def _item(self, made: Candidate, known: _Known, query: CandidateQuery) -> dict[str, Any] | None:
        """The candidate as it is shown; None if there is nothing to decide about it."""
        if not known.records.keys() >= set(made.pair):
            return None
        a, b = (known.records[end] for end in made.pair)
        if a.customer_id == b.customer_id:
            return None
        rule = None
        if a.pointer.component and a.pointer.component == b.pointer.component:
            component = known.components.get(a.pointer.component)
            if component is None or not component.nodes.keys() >= set(made.pair):
                # It is being changed this moment; the next look will see what became of it.
                return None
            rule = self._refusal(component, known).get(made.pair)
            if parted(component, *made.pair) or (rule and not overrulable(rule)):
                return None
        likely = (made.probability or 0) >= self._rules.candidates.threshold
        if not (rule or likely) or query.source not in (None, "rule" if rule else "likeness"):
            return None
        return {
            "a": {"kind": a.kind, "value": a.value},
            "b": {"kind": b.kind, "value": b.value},
            "customer_a": a.customer_id,
            "customer_b": b.customer_id,
            "probability": made.probability,
            "score": made.bits,
            "reasons": [_reason(reason, a, b) for reason in made.reasons],
            "source": "rule" if rule else "likeness",
            "rule": rule,
            "found_at": made.found_at,
        }

    def _refusal(self, component: Component, known: _Known) -> Mapping[tuple[str, str], str]:
        if component.id not in known.refused:
            partition = component.partition(self._rules, self._today())
            known.refused[component.id] = partition.refused
        return known.refused[component.id]


def _reason(
    reason: tuple[str, str, float], a: IdentifierRecord, b: IdentifierRecord
) -> dict[str, Any]:
    name, level, weight = reason
    left, right = shown(name, a, b)
    return {"field": name, "level": level, "weight": weight, "a": left, "b": right}


def _cursor(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _position(cursor: str) -> str:
    try:
        position = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        text = position.decode("ascii")
    except ValueError:
        raise InvalidPayload("cursor: not one that was given out") from None
    if not _POSITION.match(text):
        raise InvalidPayload("cursor: not one that was given out")
    return text
