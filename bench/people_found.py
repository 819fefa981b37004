"""Candidates through the real use cases, on the stores in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from bench import brazil
from bench.brazil_people import plain
from enlace.domain.address_key import AddressKeys
from enlace.domain.candidate import Candidate
from enlace.domain.interaction import parse_interaction
from enlace.domain.records import IdentifierRecord
from enlace.matching.features import Features, features_of
from enlace.matching.learn import learn
from enlace.matching.weights import Weights
from enlace.rules import default_rules
from enlace.usecases.find_candidates import CandidateFinder
from enlace.usecases.resolve import Resolver
from local.memory_candidates import MemoryCandidates
from local.memory_store import MemoryStore

_NOW = "2026-11-20T12:00:00.000Z"
_BATCH = 10


@dataclass
class World:
    """Stores in memory, filled by the resolver, and the list of candidates."""

    store: MemoryStore
    list: list[Candidate]
    compared: int


def found_among(bodies: Iterable[dict[str, Any]], weights: Weights | None) -> World:
    """Resolve interactions and, as each tells news to compare, look for candidates."""
    store, candidates = MemoryStore(), MemoryCandidates()
    keys, rules = AddressKeys(b"no secret: all of it is invented"), default_rules()
    resolver = Resolver(store, keys, rules, today=lambda: _NOW[:10], sleep=lambda _: None)
    finder = CandidateFinder(store, candidates, keys, rules, now=lambda: _NOW, weights=weights)
    compared = 0
    for effect in _effects(resolver, bodies):
        if effect["effect"] == "described":
            compared += finder.find(effect["key"]).compared
    return World(store, list(candidates.best("", 1000)), compared)


def _effects(resolver: Resolver, bodies: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    parsed = [parse_interaction(body, received_at=_NOW) for body in bodies]
    for start in range(0, len(parsed), _BATCH):
        for outcome in resolver.resolve_batch(parsed[start : start + _BATCH]):
            if isinstance(outcome, Exception):
                raise outcome
            yield from outcome.effects


def weights_of(bodies: Iterable[dict[str, Any]], learned_on: str) -> Weights:
    """Weights learned from what the resolver keeps of interactions, without labels."""
    store = MemoryStore()
    keys, rules = AddressKeys(b"no secret: all of it is invented"), default_rules()
    resolver = Resolver(store, keys, rules, today=lambda: _NOW[:10], sleep=lambda _: None)
    for _ in _effects(resolver, bodies):
        pass
    features = [features_of(r.kind, r.value, r.traits) for r in store.records.values() if r.traits]
    return learn(
        [one for one in features if one != Features()],
        version="bench",
        trained_on=learned_on,
        date=_NOW[:10],
    )


def listed(bodies: list[dict[str, Any]], *, learned_on: str) -> list[tuple[str, str]]:
    """Sorted pairs of contact points' values, best first."""
    world = found_among(bodies, weights_of(bodies, learned_on))
    value = {key: record.value for key, record in world.store.records.items()}
    pairs = [sorted((value[one.a], value[one.b])) for one in world.list]
    return [(a, b) for a, b in pairs]


def brazilians(people: int, seed: int = 11) -> dict[str, Any]:
    """The generator's Brazilians, with their ids, and with the weights that ship.

    Who shares a CPF, an e-mail or a phone is one customer already; the true pairs are
    those of customers who are one person nevertheless. They are counted by what both
    sides say of the person, since no list could tell people by first names alone.
    """
    samples = brazil.samples(people, seed)
    world = found_among([sample.interaction for sample in samples], None)
    records = world.store.records
    whose = _whose(samples, records)
    customer = {key: record.customer_id for key, record in records.items() if key in whose}
    ends = _true_customers(whose, customer)
    known = {key: _known(records[key]) for key in whose}
    held_pairs: set[tuple[str, str]] = set()
    wrong: Counter[str] = Counter()
    namesakes: list[int] = []
    rows = right = 0
    for one in world.list:
        if one.a not in whose or one.b not in whose:
            continue
        rows += 1
        if whose[one.a] == whose[one.b]:
            right += 1
            held_pairs.add(_pair(customer[one.a], customer[one.b]))
            continue
        same_name = _name(records[one.a]) == _name(records[one.b])
        wrong["namesakes" if same_name else one.source] += 1
        if same_name:
            namesakes.append(rows)
    total: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for pair, keys in ends.items():
        kind = _common(keys, known)
        total[kind] += 1
        held[kind] += pair in held_pairs
    return {
        "people": people,
        "rows": rows,
        "precision": round(right / max(rows, 1), 4),
        "wrong": dict(wrong),
        "namesakes": {
            "pairs": _namesakes(whose, records),
            "listed": len(namesakes),
            "best row": namesakes[0] if namesakes else None,
            "middle row": namesakes[len(namesakes) // 2] if namesakes else None,
        },
        "recall": {kind: f"{held[kind]} of {number}" for kind, number in total.most_common()},
    }


def _namesakes(whose: Mapping[str, str], records: Mapping[str, IdentifierRecord]) -> int:
    """Pairs of contact points of two people who give the same name, surname included."""
    named: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for key, person in whose.items():
        if "whole name" in _known(records[key]):
            named[_name(records[key])][person] += 1
    pairs = 0
    for people in named.values():
        both = sum(people.values()) ** 2 - sum(number**2 for number in people.values())
        pairs += both // 2
    return pairs


def _whose(samples: list[brazil.Sample], records: Mapping[str, IdentifierRecord]) -> dict[str, str]:
    """Contact point's key -> person, of contact points that are one person's."""
    keys = {(r.kind, r.value): key for key, r in records.items()}
    people: defaultdict[str, set[str]] = defaultdict(set)
    for sample in samples:
        key = keys.get(brazil.contact_point(sample.interaction))
        if key:
            people[key].add(sample.person.id)
    return {key: next(iter(ids)) for key, ids in people.items() if len(ids) == 1}


def _pair(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)


def _true_customers(
    whose: Mapping[str, str], customer: Mapping[str, str]
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Pairs of customers who are one person, with the contact points on their sides."""
    points: defaultdict[str, list[str]] = defaultdict(list)
    for key, person in whose.items():
        points[person].append(key)
    found: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for keys in points.values():
        for a, b in combinations(sorted(keys), 2):
            if customer[a] != customer[b]:
                found[_pair(customer[a], customer[b])].append((a, b))
    return dict(found)


def _known(record: IdentifierRecord) -> frozenset[str]:
    f = features_of(record.kind, record.value, record.traits)
    fields: dict[str, Callable[[Features], bool]] = {
        "whole name": lambda f: any(name.first and name.rest for name in f.names),
        "birth date": lambda f: bool(f.births),
        "address": lambda f: bool(f.postal_codes or f.streets),
        "handle": lambda f: bool(f.handles or f.emails),
    }
    return frozenset(name for name, has in fields.items() if has(f))


def _common(pairs: list[tuple[str, str]], known: Mapping[str, frozenset[str]]) -> str:
    most = max((known[a] & known[b] for a, b in pairs), key=lambda both: (len(both), sorted(both)))
    return ", ".join(sorted(most)) or "a first name at most"


def _name(record: IdentifierRecord) -> str:
    f = features_of(record.kind, record.value, record.traits)
    return plain("".join((f.names[0].first, *f.names[0].rest))) if f.names else record.key
