"""Takes candidates off the list whose ends have become one customer, and puts them back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from enlace.domain.evidence import edge_key
from enlace.errors import TemporaryFailure
from enlace.usecases.candidate_ports import CandidateStore
from enlace.usecases.ports import IdentityReader

#: Candidates of one merged or split customer that are looked at.
MAX_RELISTED = 400
_ATTEMPTS = 4


def relist(store: IdentityReader, candidates: CandidateStore, keys: Iterable[str]) -> int:
    """List, or not, the candidates of contact points whose customers changed.

    A pair within one customer has nothing to decide, and most of those alike soon are
    within one; when a split parts its ends again, it is listed again. Whoever reads the
    list asks the customers once more: until this is done, the list is too long, or
    lacks for a moment what a split brings back.

    Returns
    -------
    int
        How many were changed.

    Raises
    ------
    TemporaryFailure
        If a store did not do its part, or others kept changing the same customers.
    """
    wanted = sorted(set(keys))
    total = 0
    for _ in range(_ATTEMPTS):
        changed = _once(store, candidates, wanted)
        total += changed
        if not changed:
            return total
    raise TemporaryFailure("others kept changing the same customers")


def _once(store: IdentityReader, candidates: CandidateStore, keys: list[str]) -> int:
    points = candidates.points(keys)
    pairs = sorted({edge_key(key, other) for key in points for other in points[key].partners})
    stored = candidates.candidates(pairs[:MAX_RELISTED]) if pairs else {}
    ends = {end for pair in stored for end in pair}
    records = store.get_identifiers(sorted(ends), consistent=True) if ends else {}
    changed = []
    for (a, b), made in stored.items():
        if a in records and b in records:
            listed = records[a].customer_id != records[b].customer_id
            if listed != made.listed:
                changed.append(replace(made, listed=listed))
    if changed:
        candidates.keep(changed)
    return len(changed)
