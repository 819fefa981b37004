"""What the identity and timeline tables hold, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from enlace.domain.claims import claims_of
from enlace.domain.component import etag_of
from enlace.domain.evidence import Edge, Node, Source
from enlace.domain.rules import LEVEL_RANK

#: What is kept of traits: enough to show a change of name, bounded for ever.
MAX_TRAITS = 40
MAX_TRAIT_VALUES = 5
MAX_TRAIT_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where an identifier belongs: written only together with its component.

    Parameters
    ----------
    first_seen : str
        Contract time of the earliest interaction that carried the identifier.
    customer_id : str
        The customer it belongs to now.
    component : str or None
        Id of its component; None while there is no evidence about it.
    hub : bool
        Cut off for ever, having stood beside too many others.
    blocked : bool
        By the rules' lists, or because its value is not valid.
    """

    first_seen: str
    customer_id: str
    component: str | None = None
    hub: bool = False
    blocked: bool = False

    @staticmethod
    def of(node: Node, customer_id: str, component: str | None = None) -> Pointer:
        """The pointer of a node of the graph."""
        return Pointer(node.first_seen, customer_id, component, node.hub, node.blocked)


@dataclass(frozen=True, slots=True)
class CustomerHint:
    """What an identifier's customer looked like when its record was last told.

    Told asynchronously after merges, splits and cases, so that a reader can ask for
    everything at once instead of step by step; the component alone is authoritative.

    Parameters
    ----------
    members : tuple of str
        Address keys of the customer, sorted.
    open_case : bool
        One of them has an open case.
    """

    members: tuple[str, ...]
    open_case: bool = False


@dataclass(frozen=True)
class IdentifierRecord:
    """One identifier: its pointer, and what came through it as a contact point.

    Parameters
    ----------
    key, kind, value : str
        Address key; kind with scope; normalised clear value (the only place
        where it is stored).
    raw : str
        As the vendor first wrote it; what is sent to.
    birth : str
        Customer id minted when the identifier was first stored.
    born_by : str
        Id of the interaction that stored it, so that a redelivery after a crash
        publishes ``customer.created`` again.
    seen : dict of address key to ``{level: first sighting, "day": last_day}``
        The edges that interactions through this contact point have shown: what
        is covered here needs no look at the component.
    traits : dict of name to dict of JSON value to ``[last_day, level, channel]``
    hint : CustomerHint, optional
    erased_before : str
        The identifier's fence (contract time; "" for none): whatever is older is of somebody
        who was, or is being, erased. See :mod:`enlace.domain.fence`.
    returned_after : str
        The fence that it was stored behind, by somebody new; "" where it was there before.
    """

    key: str
    kind: str
    value: str
    raw: str
    birth: str
    born_by: str
    pointer: Pointer
    seen: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    traits: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    hint: CustomerHint | None = None
    erased_before: str = ""
    returned_after: str = ""

    @property
    def blocked(self) -> bool:
        """No person's: by the rules' lists, or because its value is not valid."""
        return self.pointer.blocked

    @property
    def customer_id(self) -> str:
        """The customer it belongs to now."""
        return self.pointer.customer_id

    @cached_property
    def own_etag(self) -> str:
        """Guards ``seen`` and ``traits``, which change without the component."""
        return etag_of(json.dumps([self.seen, self.traits], sort_keys=True))

    @property
    def node(self) -> Node:
        """The identifier as the partition sees it."""
        pointer = self.pointer
        return Node(
            self.kind,
            self.birth,
            pointer.first_seen,
            pointer.blocked,
            pointer.hub,
            claims_of(self.traits),
        )


@dataclass(frozen=True, slots=True)
class Tombstone:
    """All that is kept of an erased identifier: that there was one, and until when."""

    key: str
    erased_before: str


@dataclass(frozen=True)
class TimelineItem:
    """One recorded interaction.

    Parameters
    ----------
    pk : str
        Address key of the contact point.
    sk : str
        ``<time>#<interaction id>``: made only of what a redelivery repeats.
    body : dict
        The interaction without clear identifier values; ``ids`` holds
        ``[address key, level]`` of the further identifiers.
    effects : list of dict
        What recording it changed among customers (for publishing again).
    """

    pk: str
    sk: str
    body: dict[str, Any]
    effects: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A small aggregate beside the timeline of a contact point (orders, totals)."""

    pk: str
    sk: str
    body: dict[str, Any]

    @cached_property
    def etag(self) -> str:
        """What optimistic locking compares."""
        return etag_of(json.dumps(self.body, sort_keys=True))


def covers(seen: Mapping[str, Mapping[str, str]], key: str, edge: Edge) -> bool:
    """Whether observing ``edge`` again would change nothing."""
    entry = seen.get(key)
    if entry is None or entry["day"] < edge.last_day:
        return False
    return all(
        level in entry and entry[level] <= _stamp(source) for level, source in edge.sources.items()
    )


def _stamp(source: Source) -> str:
    # The id breaks ties between events of the same millisecond, as it does in the edge.
    return f"{source.first_seen} {source.event_id[:8]}"


def with_seen(
    seen: Mapping[str, Mapping[str, str]], key: str, edge: Edge
) -> Mapping[str, Mapping[str, str]]:
    """``seen`` with one more observed edge."""
    entry = dict(seen.get(key, {}))
    for level, source in edge.sources.items():
        entry[level] = min(_stamp(source), entry.get(level, "~"))
    entry["day"] = max(edge.last_day, entry.get("day", edge.last_day))
    return {**seen, key: entry}


def with_traits(
    traits: Mapping[str, Mapping[str, list[str]]],
    observed: Mapping[str, Any],
    occurred_at: str,
    level: str,
    channel: str,
) -> Mapping[str, Mapping[str, list[str]]]:
    """``traits`` with what one interaction said; the latest day of each value wins.

    The result is the same in every order: each value keeps its greatest
    ``[day, level, channel]``, and the greatest ``MAX_TRAIT_VALUES`` stay.
    """
    result = traits
    for name, value in observed.items():
        if value is None or value == "" or len(name) > 64:
            continue
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
        entry = [occurred_at[:10], str(LEVEL_RANK[level]), channel]
        known = result.get(name, {})
        if len(text) > MAX_TRAIT_CHARACTERS:
            continue
        if known.get(text, [""]) >= entry:
            continue
        values = sorted(
            {**known, text: entry}.items(), key=lambda item: (item[1], item[0]), reverse=True
        )
        kept = dict(values[:MAX_TRAIT_VALUES])
        if kept != known:
            result = {**result, name: kept}
    if len(result) > MAX_TRAITS:
        # The alphabet, and not the order of arrival, says which ones stay.
        result = {name: result[name] for name in sorted(result)[:MAX_TRAITS]}
    return result
