"""Find who may be the same person as a contact point, with bounded work for each.

A search computes from what holds now, writes what differs, and looks again: if
somebody it wrote about has changed meanwhile, it begins anew. So two searches at
once, in either order and repeated, end in the same candidates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from enlace.domain.address_key import AddressKeys
from enlace.domain.candidate import Candidate, parted
from enlace.domain.component import Component
from enlace.domain.evidence import edge_key
from enlace.domain.records import IdentifierRecord
from enlace.domain.rules import Rules
from enlace.errors import Conflict, TemporaryFailure
from enlace.matching.weights import Weights
from enlace.usecases.candidate_ports import CandidateStore, Members, Point
from enlace.usecases.graph import read_neighbourhood
from enlace.usecases.likeness import Likeness
from enlace.usecases.ports import IdentityReader
from enlace.usecases.refused_edges import edges_of

#: Contact points that one search compares with, of which those known already.
MAX_COMPARED = 64
MAX_KNOWN = 48
#: Likenesses that one search adds, the best ones.
MAX_FOUND = 10
#: How often a search begins anew.
_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """What a search did: how many it compared, and candidates that it wrote and removed."""

    compared: int
    kept: int
    dropped: int


class Merge(Protocol):
    """Joins two contact points without asking; only where the rules file says so."""

    def __call__(self, a: IdentifierRecord, b: IdentifierRecord) -> bool:
        """Whether they are one customer now."""


@dataclass(frozen=True, slots=True)
class _View:
    """What one round of a search read."""

    record: IdentifierRecord | None
    component: Component | None
    point: Point
    refused: Mapping[tuple[str, str], str]
    #: Of the contact point itself, of whom it is compared with, and of refused edges' ends.
    records: Mapping[str, IdentifierRecord]
    others: tuple[str, ...]


class CandidateFinder:
    """Finds candidates, and takes back those that no longer hold.

    Parameters
    ----------
    store : IdentityReader
    candidates : CandidateStore
    keys : AddressKeys
        Blocking keys are personal data: blocks are named by their HMAC.
    rules : Rules
    now : callable
        Gives the current contract time.
    weights : Weights, optional
        The ones that ship, where they are not given.
    merge : Merge, optional
        Joins pairs above ``Rules.candidates.auto_merge_above``.

    Examples
    --------
    On stores in memory, as tests and benchmarks have it::

        finder = CandidateFinder(
            MemoryStore(), MemoryCandidates(), keys, default_rules(), now=lambda: moment
        )
        for effect in resolved.effects:
            if effect["effect"] == "described":
                finder.find(effect["key"])
    """

    def __init__(
        self,
        store: IdentityReader,
        candidates: CandidateStore,
        keys: AddressKeys,
        rules: Rules,
        *,
        now: Callable[[], str],
        weights: Weights | None = None,
        merge: Merge | None = None,
    ):
        self._store = store
        self._candidates = candidates
        self._keys = keys
        self._rules = rules
        self._now = now
        self._likeness = Likeness(rules, weights)
        self._merge = merge

    def find(self, key: str) -> Found:
        """Look for candidates of one contact point; of one that is gone, remove what is left.

        Raises
        ------
        TemporaryFailure
            If a store did not do its part, or others kept changing the same people.
        """
        total = Found(0, 0, 0)
        written: set[tuple[str, str]] = set()
        for _ in range(_ATTEMPTS):
            try:
                found, stable = self._round(key, written)
            except Conflict:
                continue
            total = Found(
                max(total.compared, found.compared),
                total.kept + found.kept,
                total.dropped + found.dropped,
            )
            if stable:
                return total
        raise TemporaryFailure("others kept changing the same contact points")

    def _round(self, key: str, written: set[tuple[str, str]]) -> tuple[Found, bool]:
        """Search once; gives whether nobody that was written about had changed meanwhile.

        Parameters
        ----------
        written : set of pairs
            Those of the rounds before, to be judged and written anew: a search from
            their other end may have undone a part of it. This round's are added.
        """
        touched = read_neighbourhood(self._store, [key])
        record = touched.records.get(key)
        component = touched.components[0] if touched.components else None
        ids = {self._keys.key("block", key_) for key_ in self._likeness.keys(record)}
        point = self._candidates.points([key])[key]
        blocks, entered = self._enter(key, ids)
        left = point.blocks - ids
        refused, settled = edges_of(key, component, self._rules, self._now()[:10])
        # Of one that is gone all goes, however much it is.
        others = _to_compare(key, point, blocks, MAX_KNOWN if record else None)
        wanted = {*others, *(end for pair in refused for end in pair)} - {key}
        records = self._store.get_identifiers(sorted(wanted), consistent=True) if wanted else {}
        if record:
            records[key] = record
        view = _View(record, component, point, refused, records, others)

        due = self._due(key, view)
        looked_at = {edge_key(key, other) for other in others if other in point.partners}
        looked_at |= written
        asked = looked_at | due.keys() | set(settled)
        stored = self._candidates.candidates(asked) if asked else {}
        no_more = [pair for pair in settled if pair in stored and stored[pair].rule]
        looked_at.update(no_more)
        due = self._alike(no_more, records) | due
        kept = []
        for pair, made in due.items():
            known = stored.get(pair)
            made = self._joined(made, known, view)
            made = made.found(known.found_at if known else self._now())
            if made != known or pair in written:
                kept.append(made)
        dropped = sorted(looked_at - due.keys())
        written.update(made.pair for made in kept)
        written.update(dropped)
        if kept:
            self._candidates.keep(kept)
        if dropped:
            self._candidates.drop(dropped, last=key)
        if left:
            self._candidates.leave(key, left)
        if not (kept or dropped or left or entered):
            return Found(len(others), 0, 0), True
        ends = {end for pair in (*(c.pair for c in kept), *dropped) for end in pair}
        again = self._store.get_identifiers(sorted(ends | {key}), consistent=True)
        stable = all(_said(again.get(k)) == _said(records.get(k)) for k in ends | {key})
        return Found(len(others), len(kept), len(dropped)), stable

    def _enter(self, key: str, ids: set[str]) -> tuple[dict[str, Members], bool]:
        """The blocks with their members, this one among them; and whether it is a new one."""
        if not ids:
            return {}, False
        blocks = self._candidates.blocks(sorted(ids))
        new = {id_: m for id_, m in blocks.items() if m is not None and key not in m}
        if new:
            blocks |= self._candidates.enter(key, new, self._rules.candidates.block_size)
        return blocks, bool(new)

    def _due(self, key: str, view: _View) -> dict[tuple[str, str], Candidate]:
        """The candidates that should be there, as far as this search has seen."""
        due: dict[tuple[str, str], Candidate] = {}
        pairs = (edge_key(key, other) for other in view.others)
        alike = [made for pair in pairs if (made := self._likeness.alike(pair, view.records))]
        alike.sort(key=lambda pair: pair.position)
        for place, pair in enumerate(alike):
            # One that is known may be among the other end's best.
            if place < MAX_FOUND or pair.other(key) in view.point.partners:
                due[pair.pair] = pair
        for ends, rule in view.refused.items():
            if view.records.keys() >= set(ends):
                due[ends] = self._likeness.of(ends, view.records, rule)
        return due

    def _alike(
        self, pairs: Collection[tuple[str, str]], records: dict[str, IdentifierRecord]
    ) -> dict[tuple[str, str], Candidate]:
        """Those of some pairs that are candidates by mere likeness; reads who is missing."""
        missing = {end for pair in pairs for end in pair} - records.keys()
        if missing:
            records.update(self._store.get_identifiers(sorted(missing), consistent=True))
        found = ((pair, self._likeness.alike(pair, records)) for pair in pairs)
        return {pair: made for pair, made in found if made}

    def _joined(self, made: Candidate, known: Candidate | None, view: _View) -> Candidate:
        """The candidate, joined without asking where the rules say so."""
        above = self._rules.candidates.auto_merge_above
        if self._merge is None or above is None or made.rule or (made.probability or 0) <= above:
            return made
        if not made.listed and (known is None or not known.listed):
            return made
        component = view.component
        if component and component.nodes.keys() >= set(made.pair) and parted(component, *made.pair):
            return made
        if known is None:
            # Listed until its joining is told: who comes after a crash begins here again.
            self._candidates.keep([made.found(self._now())])
        one = self._merge(*(view.records[end] for end in made.pair))
        return replace(made, listed=not one)


def _said(record: IdentifierRecord | None) -> object:
    """What candidates are computed from."""
    return record and (record.traits, record.pointer)


def _to_compare(
    key: str, point: Point, blocks: Mapping[str, Members], most_known: int | None
) -> tuple[str, ...]:
    """Those known already, then those that share most blocks."""
    known = sorted(point.partners)[:most_known]
    shared = Counter(member for members in blocks.values() for member in members or ())
    shared.pop(key, None)
    for other in known:
        shared.pop(other, None)
    new = sorted(shared, key=lambda other: (-shared[other], other))
    return (*known, *new[: max(MAX_COMPARED - len(known), 0)])
