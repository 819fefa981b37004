"""Which operators' decisions an identifier has: the list by which they are found again.

Decisions are logged by their id. Whoever asks what is held about a person, or erases them,
needs those about an identifier: in force, waiting and withdrawn. Each identifier has a list,
written in one transaction with every new decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.conciliation_log import (
    WITHDRAWN,
    Entry,
    entry_key,
    state_of,
    waits_no_more,
)
from enlace.usecases.ports import PutEntry, Store, Write

#: Who has withdrawn a decision about somebody that was erased.
ERASURE = "erasure"
_ATTEMPTS = 8


def list_key(key: str) -> str:
    """Where the list of an identifier stands."""
    return f"decided#{key}"


def listed(store: Store, entry: Entry) -> list[PutEntry]:
    """The writes that list a new decision under both of its identifiers."""
    writes = []
    for key in (entry["a"], entry["b"]):
        known = store.get_entry(list_key(key))
        ids = known["ids"] if known else []
        if entry["id"] not in ids:
            writes.append(PutEntry(list_key(key), {"ids": sorted([*ids, entry["id"]])}, known))
    return writes


def decisions_of(store: Store, keys: Iterable[str]) -> Iterator[Entry]:
    """The decisions about some identifiers, each once."""
    ids: set[str] = set()
    for key in keys:
        known = store.get_entry(list_key(key))
        ids.update(known["ids"] if known else ())
    for id_ in sorted(ids):
        entry = store.get_entry(entry_key(id_))
        if entry is not None:
            yield entry


def redact_decisions(store: Store, key: str, at: str) -> None:
    """Take what was written about an erased person out of the log; who decided what stays.

    A decision that waits, waits no more; one in force has gone with the identifier already.

    Parameters
    ----------
    at : str
        Contract time; what was decided later is about somebody new at the address.

    Raises
    ------
    TemporaryFailure
        If the store did not do its part, or the decisions kept changing.
    """
    for _ in range(_ATTEMPTS):
        known = store.get_entry(list_key(key))
        if known is None:
            return
        try:
            newer = []
            for entry in decisions_of(store, [key]):
                if entry["decided_at"] > at:
                    newer.append(entry["id"])
                else:
                    _redact(store, entry, at)
            # Last, since what is left to do is found by it.
            after = {"ids": newer} if newer else None
            if after != known:
                store.commit([PutEntry(list_key(key), after, known)])
        except Conflict:
            continue
        return
    raise TemporaryFailure("decisions kept changing")


def _redact(store: Store, entry: Entry, at: str) -> None:
    if entry.get("redacted_at"):
        return
    after: dict[str, Any] = {**entry, "reason": "", "redacted_at": at}
    after.pop("comparison", None)
    if "effects" in after:
        after["effects"] = []
    if state_of(entry) != WITHDRAWN:
        after |= {"withdrawn_at": at, "withdrawn_by": ERASURE}
    after["withdrawal_effects"] = []
    writes: list[Write] = [PutEntry(entry_key(entry["id"]), after, entry)]
    store.commit([*writes, *waits_no_more(store, entry)])
