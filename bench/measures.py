"""The budget table: which number is compared with which budget, and its floor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from bench import sealing, searches, sends
from bench.capacity import Usage
from bench.cost import Footprint, lines
from bench.measure import Measure, Number
from bench.prices import BATCH
from bench.reads import SHORT, VIEW_PAGE, ByLength
from bench.scenarios import DRAWS, MOVED, Counts
from bench.times import Times

#: Reads one number of the counts.
Counted = Callable[[Counts], float]


def counted(ours: Counts | None, naive: Counts, *, long_history: dict[str, int]) -> list[Measure]:
    """The rows that are counts: the same on every machine.

    Parameters
    ----------
    long_history : dict
        Interactions per customer in the long variants, by pipeline.
    """

    def row(
        name: str, of: Counted, budget: Number, floor: Number = None, *, exact: bool = False
    ) -> Measure:
        return Measure(name, of(ours) if ours else None, of(naive), budget, floor, exact)

    merge_budget = None
    if ours:
        component_kilobytes = math.ceil(ours.merged_component_bytes / 1024)
        merge_budget = float(2 * (MOVED + 3) + 2 * component_kilobytes)
    h = f"{long_history['ours']:,}"
    if long_history["naive"] != long_history["ours"]:
        h += f" (naive {long_history['naive']:,})"
    return [
        row("known contact: DynamoDB requests", lambda c: c.known.count("dynamodb"), 2, 1),
        row("known contact: write units", lambda c: c.known.write_units, 1, 1),
        row("known contact: read units", lambda c: c.known.read_units, 0.5, 0),
        row("new contact: DynamoDB requests", lambda c: c.new.count("dynamodb"), 3, 2),
        row("new contact: write units", lambda c: c.new.write_units, 2, 2),
        row("new contact: read units", lambda c: c.new.read_units, 0.5, 0),
        row("duplicate: items added", lambda c: c.duplicate_new_items, 0, 0),
        row("duplicate: write units", lambda c: c.duplicate.write_units, 1, 0),
        row("duplicate: read units", lambda c: c.duplicate.read_units, 0.5, 0.5),
        row(
            "duplicate: published again with the same ids (1 = yes)",
            lambda c: float(c.duplicate_same_ids),
            1,
            exact=True,
        ),
        row(
            f"merge, {MOVED} identifiers moved, history 10: write units, dearest draw",
            lambda c: c.merge_short.write_units,
            merge_budget,
            1,
        ),
        row(
            f"merge, {MOVED} identifiers moved, history 10: write units, mean of {DRAWS} draws",
            lambda c: c.merge_mean_write_units,
            merge_budget,
            1,
        ),
        row(
            f"merge, {MOVED} identifiers moved, history {h}: write units, dearest draw",
            lambda c: c.merge_long.write_units,
            merge_budget,
            1,
        ),
        row(
            f"merge: all units, history {h} over 10",
            lambda c: units_ratio(c, "merge"),
            1,
            1,
            exact=True,
        ),
        row(
            f"known contact: all units, history {h} over 10",
            lambda c: units_ratio(c, "known"),
            1,
            1,
            exact=True,
        ),
        row(
            f"known contact: requests, history {h} over 10",
            lambda c: c.known_long.request_count / c.known_short.request_count,
            1,
            1,
            exact=True,
        ),
        row(
            f"requests per event in a batch of {BATCH}, publishing included",
            lambda c: c.batch.request_count / BATCH,
            1.3,
            0.3,
        ),
        row("AWS calls per warm webhook, 1 message", lambda c: c.webhook_one.request_count, 1, 1),
        row(
            "AWS calls per warm webhook, 25 messages", lambda c: c.webhook_many.request_count, 1, 1
        ),
        *(_questions(ours.reads, h) if ours and ours.reads else ()),
        *(searches.rows(ours.searches) if ours and ours.searches else ()),
        *(sends.rows(ours.sends) if ours and ours.sends else ()),
        *(sealing.rows(ours.sealing) if ours and ours.sealing else ()),
    ]


def _questions(reads: Mapping[str, ByLength], h: str) -> list[Measure]:
    """Rows of questions about a customer of two contact points; the baseline answers none."""

    def over(name: str, short: int, of: Callable[[Usage], float]) -> float:
        return of(reads[name][max(reads[name])]) / of(reads[name][short])

    def row(name: str, ours: float, budget: Number, *, exact: bool = False) -> Measure:
        return Measure(name, ours, None, budget, 1 if exact else None, exact)

    def requests(usage: Usage) -> float:
        return usage.request_count

    def units(usage: Usage) -> float:
        return usage.read_units + usage.write_units

    rows = [
        row(
            f"{name}: requests, history {h} over {SHORT}",
            over(name, SHORT, requests),
            1,
            exact=True,
        )
        for name in reads
    ]
    # The view reads the newest 50 of each contact point: from there on it costs the same.
    for name, short in (("view", VIEW_PAGE), ("timeline", SHORT), ("context", SHORT)):
        ratio = over(name, short, units)
        rows.append(row(f"{name}: all units, history {h} over {short}", ratio, 1, exact=True))
    longest = reads["context"][max(reads["context"])]
    rows.append(row("context, two contact points: DynamoDB requests", requests(longest), 12))
    return rows


def units_ratio(counts: Counts, scenario: str) -> float:
    """Write and read units with a long history over those with a short one."""
    long, short = getattr(counts, f"{scenario}_long"), getattr(counts, f"{scenario}_short")
    ratio: float = (long.write_units + long.read_units) / (short.write_units + short.read_units)
    return ratio


def timed(times: Times) -> list[Measure]:
    """The rows that are times or ratios of times: reported, never asserted in tests."""
    ours, naive, floor = times.ours, times.naive, times.floor
    rows = [
        Measure("own CPU, webhook whatsapp, µs", ours("whatsapp"), naive("whatsapp"), 50, floor),
        Measure("own CPU, webhook generic, µs", ours("generic"), None, 50, floor),
        Measure(
            f"own CPU, resolver, batch of {BATCH}, µs",
            ours("resolver"),
            naive("resolver"),
            100,
            floor,
        ),
        Measure(
            f"own CPU, resolver that seals, batch of {BATCH}, µs",
            ours("resolver, sealed"),
            None,
            120,
            floor,
        ),
        Measure("own CPU, resolver, long history over short", times.history_ratio, None, 1.05, 1),
    ]
    for name, ratio in sorted(times.imports.items()):
        if name not in ("python", "boto3") and not name.startswith("naive"):
            baseline = times.imports.get(
                "naive webhook" if name.startswith("webhook") else "naive resolver"
            )
            budget = import_budget(name)
            rows.append(Measure(f"import CPU, {name}, over boto3", ratio, baseline, budget, 1.2))
    return rows


def import_budget(function: str) -> Number:
    """The import budget of a function, as a multiple of a bare ``import boto3``."""
    if function.startswith("webhook_"):
        return 1.5
    return 1.9 if function.startswith(("resolve_", "send_")) else None


def priced(ours: Footprint | None, naive: Footprint) -> list[Measure]:
    """The bill, line by line."""
    own, base = lines(ours) if ours else {}, lines(naive)
    rows = [
        Measure(
            f"$ per million events: {name}",
            own.get(name),
            base[name],
            0.75 if name == "DynamoDB" else None,
            0.6875 if name == "DynamoDB" else None,
        )
        for name in base
    ]
    total = sum(own.values()) if own else None
    return [*rows, Measure("$ per million events: all lines", total, sum(base.values()), 5.5, 2.0)]
