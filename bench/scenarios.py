"""The situations of the budget table, run through real handlers, counted.

Each scenario checks that what it wanted to measure has really happened (the events
on the bus say so), because a pipeline that does nothing would win every budget.
"""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from unittest import mock

from bench import people
from bench.capacity import Usage
from bench.prices import BATCH
from bench.reads import ByLength, count_reads
from bench.sealing import count_sealing
from bench.searches import count_searches
from bench.sends import count_sends
from bench.sizes import item_size
from bench.world import ROOT, SECRETS, Function, World, environment, world

RECORDED = "interaction.recorded.v1"
CREATED = "customer.created.v1"
MERGED = "customer.merged.v1"
DESCRIBED = "contact_point.described.v1"

#: How many identifiers the customer has that a merge moves.
MOVED = 3
#: Ids are random, and a merge's units may depend on them: how many draws are looked at.
DRAWS = 8


class Unexpected(Exception):
    """A scenario did not do what it is meant to measure."""


class Pipeline(Protocol):
    """One of the two implementations."""

    name: str
    history_variable: str

    def webhook(self, services: World, channel: str) -> Function:
        """Its webhook function."""
        ...

    def resolver(self, services: World) -> Function:
        """Its resolver function."""
        ...


class Ours:
    """Enlace's functions."""

    name = "ours"
    history_variable = "TIMELINE_TABLE"

    def webhook(self, services: World, channel: str) -> Function:
        """``functions/webhook_<channel>``."""
        return services.load_function(f"webhook_{channel}", CHANNEL_SECRET_ID=channel)

    def resolver(self, services: World) -> Function:
        """``functions/resolve_identity``."""
        return services.load_function("resolve_identity")


class Naive:
    """The baseline; see :mod:`bench.naive`."""

    name = "naive"
    history_variable = "HISTORY_TABLE"

    def webhook(self, services: World, channel: str) -> Function:
        """The WhatsApp webhook, the only one that the baseline has."""
        if channel != "whatsapp":
            raise LookupError(channel)
        return services.load_module("bench.naive.webhook", CHANNEL_SECRET_ID=channel)

    def resolver(self, services: World) -> Function:
        """The resolver."""
        return services.load_module("bench.naive.resolver")


PIPELINES: tuple[Pipeline, ...] = (Ours(), Naive())


def is_there(pipeline: Pipeline) -> bool:
    """Whether the pipeline's functions exist in this checkout."""
    if pipeline.name != "ours":
        return True
    names = ("webhook_whatsapp", "webhook_generic", "resolve_identity")
    return all((ROOT / "functions" / name / "app.py").exists() for name in names)


@dataclass(frozen=True)
class Counts:
    """What the scenarios counted for one pipeline; merges are the dearest of the draws."""

    known: Usage
    new: Usage
    duplicate: Usage
    duplicate_new_items: int
    duplicate_same_ids: bool
    merge_short: Usage
    merge_long: Usage
    merge_mean_write_units: float
    merged_component_bytes: int
    known_short: Usage
    known_long: Usage
    batch: Usage
    webhook_one: Usage
    webhook_many: Usage
    webhook_log_bytes: int
    resolver_log_bytes: int
    timeline_item_bytes: int
    #: Only ours answers questions.
    reads: Mapping[str, ByLength] | None = None
    #: Only ours looks for candidates.
    searches: Mapping[str, Usage] | None = None
    #: Only ours sends what is asked for.
    sends: Mapping[tuple[str, str], Mapping[str, Usage]] | None = None
    #: Only ours seals what people said, where it is asked to.
    sealing: Mapping[str, Usage] | None = None


def count(
    pipeline: Pipeline, *, long_history: int, short_history: int = 10, draws: int = DRAWS
) -> Counts:
    """Run all counted scenarios of one pipeline.

    Parameters
    ----------
    draws : int
        How many draws of random ids merges are looked at with.
    long_history : int
        Interactions per customer in the "long" variants; 10,000 in the full run.

    Raises
    ------
    Unexpected
        If a scenario does not do what it measures.
    """
    with world() as services:
        one, many = _webhook(pipeline, services)
        waiting = services.take_queue()
        if [body["source_id"] for body in waiting[:1]] != ["wamid.1.0"]:
            raise Unexpected("the webhook's message is not on the queue")
        resolver = pipeline.resolver(services)
        _resolve(services, resolver, [people.interaction(99, 1)])  # warms caches and connections
        new = _resolve(
            services,
            resolver,
            [people.interaction(1, 1)],
            Counter({RECORDED: 1, CREATED: 1}),
        )
        known = _resolve(services, resolver, [people.interaction(1, 2)], Counter({RECORDED: 1}))
        duplicate, more_items = _duplicate(services, resolver)
        batch, log_bytes = _batch(services, resolver)
        item_bytes = _history_item_bytes(pipeline, services)
    by_seed = [_with_history(pipeline, short_history, seed) for seed in range(draws)]
    merges = [merge.write_units for _, merge, _ in by_seed]
    worst = merges.index(max(merges))
    short, long = by_seed[worst], _with_history(pipeline, long_history, worst)
    return Counts(
        known=known,
        new=new,
        duplicate=duplicate,
        duplicate_new_items=more_items,
        duplicate_same_ids=duplicate.published == known.published,
        merge_short=short[1],
        merge_long=long[1],
        merge_mean_write_units=sum(merges) / draws,
        merged_component_bytes=short[2],
        known_short=short[0],
        known_long=long[0],
        batch=batch,
        webhook_one=one[0],
        webhook_many=many,
        webhook_log_bytes=one[1],
        resolver_log_bytes=log_bytes,
        timeline_item_bytes=item_bytes,
        reads=count_reads(long_history) if pipeline.name == "ours" else None,
        searches=count_searches() if pipeline.name == "ours" else None,
        sends=count_sends() if pipeline.name == "ours" else None,
        sealing=count_sealing() if pipeline.name == "ours" else None,
    )


def _webhook(pipeline: Pipeline, services: World) -> tuple[tuple[Usage, int], Usage]:
    function = pipeline.webhook(services, "whatsapp")
    secret = SECRETS["whatsapp"]
    accepted(function(people.whatsapp_request(secret, 1, [0])))  # cold: fetches the secret
    before = function.log.bytes
    with services.meter.measure() as one:
        accepted(function(people.whatsapp_request(secret, 1, [1])))
    log_bytes = function.log.bytes - before
    with services.meter.measure() as many:
        accepted(function(people.whatsapp_request(secret, 1, list(range(2, 27)))))
    return (one, log_bytes), many


def accepted(answer: dict[str, Any]) -> None:
    """Raise :class:`Unexpected` unless a webhook took its request."""
    if answer["statusCode"] not in (200, 202):
        raise Unexpected(f"the webhook answered {answer['statusCode']}")


def resolved(answer: dict[str, Any] | None) -> None:
    """Raise :class:`Unexpected` if a resolver gave messages back to the queue."""
    if answer and answer.get("batchItemFailures"):
        raise Unexpected("the resolver gave messages back to the queue")


def _resolve(
    services: World,
    resolver: Function,
    bodies: list[dict[str, Any]],
    expected: Counter[str] | None = None,
) -> Usage:
    with services.meter.measure() as usage:
        answer = resolver(people.queue_event(bodies))
    resolved(answer)
    happened = Counter(name for name, _ in usage.published)
    # Only ours looks for candidates, and says so on the bus.
    happened.pop(DESCRIBED, None)
    if expected is not None and happened != expected:
        raise Unexpected(f"published {dict(happened)}, not {dict(expected)}")
    return usage


def _duplicate(services: World, resolver: Function) -> tuple[Usage, int]:
    before = services.item_count()
    usage = _resolve(services, resolver, [people.interaction(1, 2)])
    return usage, services.item_count() - before


def _batch(services: World, resolver: Function) -> tuple[Usage, int]:
    numbers = range(20, 20 + BATCH)
    for number in numbers:
        _resolve(services, resolver, [people.interaction(number, 1)])
    log_before = resolver.log.bytes
    bodies = [people.interaction(number, 2) for number in numbers]
    usage = _resolve(services, resolver, bodies, Counter({RECORDED: BATCH}))
    return usage, (resolver.log.bytes - log_before) // BATCH


def _history_item_bytes(pipeline: Pipeline, services: World) -> int:
    table = environment()[pipeline.history_variable]
    return max(item_size(item) for item in services.items(table))


def _with_history(pipeline: Pipeline, length: int, seed: int) -> tuple[Usage, Usage, int]:
    """A known contact's message, then a merge of two customers, each with ``length`` events.

    The same seed draws the same ids, so that two lengths can be compared.
    """
    draw = random.Random(seed).randbytes
    with mock.patch.object(secrets, "token_bytes", draw), world() as services:
        resolver = pipeline.resolver(services)
        moved = tuple(("email", people.email(n)) for n in range(1, MOVED))
        _resolve(
            services,
            resolver,
            [people.interaction(1, 1)],
            Counter({RECORDED: 1, CREATED: 1}),
        )
        _resolve(services, resolver, [people.interaction(2, 2, also=moved)])
        services.grow_history(environment()[pipeline.history_variable], length)
        # That may have taken a minute, after which the rules in force are read again.
        _resolve(services, resolver, [people.interaction(99, 1)])
        known = _resolve(services, resolver, [people.interaction(1, 3)], Counter({RECORDED: 1}))
        merge = _resolve(
            services,
            resolver,
            [people.interaction(1, 4, also=moved[:1])],
            Counter({RECORDED: 1, MERGED: 1}),
        )
        items = services.items(environment()["IDENTITY_TABLE"])
        return known, merge, max((item_size(item) for item in items), default=0)
