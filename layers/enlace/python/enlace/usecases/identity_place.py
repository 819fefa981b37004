"""The identity table as a place of erasure: records, evidence, decisions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from enlace.domain.change import Effect
from enlace.domain.component import Component
from enlace.domain.erasure import Census, Kept, Subject
from enlace.domain.evidence import Edge
from enlace.domain.interaction import LEVELS
from enlace.domain.records import IdentifierRecord, Tombstone
from enlace.domain.rules import LEVEL_RANK, Rules
from enlace.usecases.conciliation_log import Entry, state_of
from enlace.usecases.decided import decisions_of, redact_decisions
from enlace.usecases.forget_identifiers import ForgetIdentifiers, Tell
from enlace.usecases.ports import Store

TOMBSTONES = "keyed pseudonyms of the erased addresses, so that nothing brings them back"
GROUND = "GDPR art. 17(3)(b) and 21(3); LGPD art. 16 I and 18 §2"

_LEVEL_OF_RANK = {str(LEVEL_RANK[level]): level for level in LEVELS}


class IdentityPlace:
    """Implements :class:`enlace.usecases.erasure_ports.Place` and ``Collecting``.

    Parameters
    ----------
    store : Store
    rules : Rules
    tell : callable
        ``(effects, at)``: publishes what became of other customers (``merged``, ``split``),
        the same again after a crash. That the subject is gone is for the erasure to tell,
        when all of it is.
    now, sleep : callable
        As for :class:`enlace.usecases.forget_identifiers.ForgetIdentifiers`.
    """

    name = "identity"
    method = "delete"

    def __init__(
        self,
        store: Store,
        rules: Rules,
        *,
        tell: Tell,
        now: Callable[[], str],
        sleep: Callable[[float], None],
    ):
        def tell_others(effects: Sequence[Effect], at: str) -> None:
            others = [effect for effect in effects if effect["effect"] != "erased"]
            if others:
                tell(others, at)

        self._store = store
        self._forget = ForgetIdentifiers(store, rules, tell=tell_others, now=now, sleep=sleep)

    def census(self, subject: Subject) -> Census:
        """Items under the subject's addresses, of which tombstones stay, and decisions."""
        states = self._states(subject)
        decisions = sum(1 for _ in self._decisions(subject))
        kept = (Kept(TOMBSTONES, len(states), GROUND),) if states else ()
        live = sum(_lives(state, subject) for state in states.values())
        # An item that is to become a tombstone is found, and its tombstone is what stays; so a
        # live one counts once more, until it is none.
        return Census(len(states) + live + decisions, kept)

    def erase(self, subject: Subject, time_left: Callable[[], bool]) -> bool:
        """Put tombstones in the place of identifiers, and take them from all evidence."""
        before = subject.erased_before
        if not self._forget(subject.keys, erased_before=before, time_left=time_left):
            return False
        for key in subject.keys:
            if not time_left():
                return False
            redact_decisions(self._store, key, before)
        return True

    def collect(self, subject: Subject) -> Iterator[dict[str, Any]]:
        """Identifiers with what they are known from, traits with their source, decisions."""
        records = self._store.get_identifiers(subject.keys, consistent=True)
        ids = {record.pointer.component for record in records.values()}
        wanted = sorted(filter(None, ids))
        components = self._store.get_components(wanted, consistent=True) if wanted else {}
        for _, record in sorted(records.items()):
            component = components.get(record.pointer.component or "")
            yield {
                "record": "identifier",
                **_named(record),
                "as_written": record.raw,
                "first_seen": record.pointer.first_seen,
                "seen_beside": _evidence(record.key, component, records) if component else [],
            }
        for _, record in sorted(records.items()):
            yield from _traits(record)
        for entry in self._decisions(subject):
            yield _decision(entry, records)

    def _states(self, subject: Subject) -> dict[str, IdentifierRecord | Tombstone]:
        return self._store.get_states(subject.keys, consistent=True) if subject.keys else {}

    def _decisions(self, subject: Subject) -> Iterator[Entry]:
        # Somebody new at the address may have decisions of their own.
        for entry in decisions_of(self._store, subject.keys):
            if not subject.erased_before or entry["decided_at"] <= subject.erased_before:
                yield entry


def _lives(state: IdentifierRecord | Tombstone, subject: Subject) -> bool:
    """Whether a state is the subject's own record, and not a newcomer's."""
    if isinstance(state, Tombstone):
        return False
    return not subject.erased_before or state.returned_after < subject.erased_before


def _named(record: IdentifierRecord) -> dict[str, Any]:
    return {"kind": record.kind, "value": record.value}


def _evidence(
    key: str, component: Component, records: Mapping[str, IdentifierRecord]
) -> list[dict[str, Any]]:
    shown = []
    for pair, edge in sorted(component.edges.items()):
        if key in pair:
            other = pair[1] if pair[0] == key else pair[0]
            # Of identifiers that are not the subject's the kind alone is told.
            named = _named(records[other]) if other in records else {"kind": other.split("#")[0]}
            shown.append({**named, "last_day": edge.last_day, "sources": _sources(edge)})
    return shown


def _sources(edge: Edge) -> list[dict[str, str]]:
    return [
        {"level": level, "first_seen": source.first_seen, "channel": source.channel}
        for level, source in sorted(edge.sources.items())
    ]


def _traits(record: IdentifierRecord) -> Iterator[dict[str, Any]]:
    for name, values in sorted(record.traits.items()):
        for text, (day, rank, channel) in sorted(values.items()):
            yield {
                "record": "trait",
                "name": name,
                "value": json.loads(text),
                "last_day": day,
                "level": _LEVEL_OF_RANK[rank],
                "channel": channel,
                "through": _named(record),
            }


def _decision(entry: Entry, records: Mapping[str, IdentifierRecord]) -> dict[str, Any]:
    about = [
        _named(records[key]) if key in records else {"kind": key.split("#")[0]}
        for key in (entry["a"], entry["b"])
    ]
    return {
        "record": "decision",
        "decision": entry["decision"],
        "about": about,
        "reason": entry["reason"],
        "decided_at": entry["decided_at"],
        "withdrawn_at": entry["withdrawn_at"],
        "state": state_of(entry),
    }
