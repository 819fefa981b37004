"""The weights in data, without labels and from operators' decisions.

Expectation-maximisation over kinds of pairs: one person, people of one family,
strangers (:mod:`enlace.matching.model`). Only blocked pairs are compared; any other pair counts as
strangers, so the prior is that of all pairs, and u is not that of look-alikes.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from enlace.errors import InvalidWeights
from enlace.matching.blocking import blocking_keys
from enlace.matching.compare import LEVELS, Comparison, compare
from enlace.matching.features import Features
from enlace.matching.model import SEVERAL, Model, Pattern
from enlace.matching.weights import LEAST, Terms, Weights, term_share

#: Pairs that are one person which a file's m is worth against decisions.
STRENGTH = 500.0


def learn(
    features: Sequence[Features],
    *,
    version: str,
    trained_on: str,
    date: str,
    block_size: int = 40,
    samples: int = 60_000,
    top_terms: int = 2000,
    seed: int = 20,
    progress: Callable[[str, float], None] = lambda step, share: None,
) -> Weights:
    """Weights from records of which nobody said who is who.

    Parameters
    ----------
    features : sequence of Features
        One a record; a thousand or more, of people who have several records each.
    version, trained_on, date : str
        Written into the file.
    block_size : int
        A key that more records share is dropped, as when candidates are sought.
    samples : int
        Pairs drawn at random, from which u is counted.
    top_terms : int
        How many of the commonest names and cities to list.
    seed : int
        Of the draw: the same data gives the same file.
    progress : callable
        Gets the step's name and how much of it is done, 0 to 1.

    Raises
    ------
    InvalidWeights
        If there is too little to learn from.
    """
    records = len(features)
    if records < 100:
        raise InvalidWeights("too few records to learn from: give 100 or more")
    terms = _terms(features, top_terms)
    blocked: Counter[Pattern] = Counter()
    pairs = blocked_pairs(features, block_size)
    if not pairs:
        raise InvalidWeights("no two records are alike: nothing can be learned")
    for done, (i, j) in enumerate(pairs):
        blocked[_pattern(compare(features[i], features[j]), terms)] += 1
        if done % 1000 == 0:
            progress("comparing", done / len(pairs))
    drawn: Counter[Pattern] = Counter()
    choice = random.Random(seed)
    for done in range(samples):
        i, j = choice.sample(range(records), 2)
        drawn[_pattern(compare(features[i], features[j]), {})] += 1
        if done % 1000 == 0:
            progress("sampling", done / samples)
    model = Model(blocked, drawn, _agreeing_pairs(features), records * (records - 1) / 2)
    model.fit(progress)
    return Weights(
        version, trained_on, date, records, model.prior, model.household, model.namesakes,
        {
            name: {level: (model.m[name][level], model.u[name][level]) for level in LEVELS[name]}
            for name in LEVELS
            if name in model.m
        },
        terms,
    )  # fmt: skip


def blocked_pairs(features: Sequence[Features], block_size: int = 40) -> list[tuple[int, int]]:
    """Index pairs that share a key which no more than ``block_size`` records have."""
    blocks: defaultdict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(features):
        for key in blocking_keys(one):
            blocks[key].append(index)
    pairs = {
        pair for block in blocks.values() if len(block) <= block_size
        for pair in combinations(block, 2)
    }  # fmt: skip
    return sorted(pairs)


def _pattern(comparison: Comparison, terms: Mapping[str, Terms]) -> Pattern:
    """What is counted of a pair: frequencies in steps of half a bit, so that few differ."""
    items = []
    for name, level in sorted(comparison.levels.items()):
        share = term_share(name, level, comparison.terms.get(name, ()), terms)
        if share is not None:
            share = min(math.pow(2.0, round(math.log2(share) * 2) / 2), 1.0)
        items.append((name, level, share))
    return tuple(items)


def _agreeing_pairs(features: Sequence[Features]) -> dict[str, tuple[float, float]]:
    """For each field: pairs that agree exactly, and pairs that have it, of all pairs."""
    values: dict[str, list[str]] = {
        "given_name": [n.first for f in features for n in f.names[:1] if n.first],
        "birth_date": [f.births[0] for f in features if f.births],
        "city": [f.cities[0] for f in features if f.cities],
        "postal_code": [f.postal_codes[0] for f in features if f.postal_codes],
        "street_number": [f.street_numbers[0] for f in features if f.street_numbers],
        "phone": [f.phones[0] for f in features if f.phones],
        "email": [f.emails[0] for f in features if f.emails],
        "handle": [f.handles[0] for f in features if f.handles],
        "device": [f.devices[0] for f in features if f.devices],
    }
    return {
        name: (float(sum(math.comb(n, 2) for n in Counter(found).values())),
               float(math.comb(len(found), 2)))
        for name, found in values.items()
        if len(found) > 1
    }  # fmt: skip


def _terms(features: Sequence[Features], top: int) -> dict[str, Terms]:
    held: dict[str, list[set[str]]] = {
        "given_name": [{n.first for n in f.names if n.first} for f in features],
        "surname": [{part for n in f.names for part in n.rest} for f in features],
        "city": [set(f.cities) for f in features],
    }
    found = {}
    for name, sets in held.items():
        holders = [values for values in sets if values]
        if not holders:
            continue
        counts = Counter(value for values in holders for value in values)
        listed = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]
        listed = [(value, n) for value, n in listed if n > 2]
        rest = len(counts) - len(listed)
        others = sum(counts.values()) - sum(n for _, n in listed)
        found[name] = Terms(
            max(others, 1) / max(rest, 1) / len(holders),
            {value: n / len(holders) for value, n in listed},
        )
    return found


def updated_by_decisions(
    weights: Weights,
    decisions: Iterable[tuple[Comparison, str]],
    *,
    strength: float = STRENGTH,
    date: str | None = None,
) -> Weights:
    """Weights that have seen what operators decided.

    Parameters
    ----------
    decisions : iterable of (Comparison, ``same`` or ``different``)
        Counted in the version behind a plus sign.
    strength : float
        Pairs of one person that the weights are worth as they stand. There are
        ``(1 - prior) / prior`` times as many pairs of strangers, and those are what u is
        worth: operators only see strangers who look alike, so each of these stands for
        itself among all the others, and does not for a stranger drawn blindly.

    Raises
    ------
    InvalidWeights
        If a decision is another word, or the strength is not above 0.
    """
    if not strength > 0:
        raise InvalidWeights("strength: must be above 0")
    same: dict[str, Counter[str]] = defaultdict(Counter)
    different: dict[str, Counter[str]] = defaultdict(Counter)
    count = 0
    for comparison, decision in decisions:
        count += 1
        if decision not in ("same", "different"):
            raise InvalidWeights("a decision must be same or different")
        for name, level in comparison.levels.items():
            (same if decision == "same" else different)[name][level] += 1
    strangers = strength * (1 - weights.prior) / weights.prior
    fields = {}
    for name, levels in weights.fields.items():
        m = _counted_on({k: v[0] for k, v in levels.items()}, same[name], strength)
        u = _counted_on({k: v[1] for k, v in levels.items()}, different[name], strangers)
        if name in SEVERAL and "different" in u:
            m["different"] = u["different"]
        fields[name] = {level: (m[level], u[level]) for level in levels}
    version = f"{weights.version}+{count}"
    return replace(weights, version=version, date=date or weights.date, fields=fields)


def _counted_on(
    chances: Mapping[str, float], decided: Mapping[str, int], strength: float
) -> dict[str, float]:
    total = strength + sum(decided.values())
    return {
        level: max((chance * strength + decided.get(level, 0)) / total, LEAST)
        for level, chance in chances.items()
    }
