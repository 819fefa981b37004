"""The timed part of a run: own CPU of the handlers, and import CPU of every function.

Budgets in microseconds were planned on a machine on which one botocore put took
380 µs of CPU, and parsing a body, its HMAC and one dump about 15 µs. Each round
measures both too, in turns with the handlers, and divides by how much slower this
machine is at that moment, by the kinder of the two to the machine (the smaller
factor); the factor is kept in the results.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from bench import people
from bench.cpu import (
    Stubbed,
    floor_microseconds,
    function_program,
    import_ratios,
    import_seconds,
    reference_call,
    take_turns,
)
from bench.prices import BATCH, BOTOCORE_SECONDS
from bench.scenarios import Pipeline, accepted, resolved
from bench.sealing import sealing
from bench.world import ROOT, SECRETS, Function, World, environment, world

#: Parse, HMAC and dump on the planning machine.
PLANNED_FLOOR_MICROSECONDS = 15
_SEALING = "import os; os.environ |= {'SUBJECT_KEY_TABLE': 't', 'SUBJECT_KEY_ID': 'k'}; "


@dataclass(frozen=True)
class Times:
    """Medians of one run; microseconds are at the planning machine's speed.

    Parameters
    ----------
    slowness : float
        This machine's CPU time for the same work over the planning machine's.
    microseconds : dict
        By pipeline and what was measured, for example ``ours whatsapp``.
    floor : float
        Parsing, one HMAC and one dump of a webhook's body.
    imports : dict
        Import CPU over a bare ``import boto3``, by function.
    """

    slowness: float
    microseconds: dict[str, float]
    floor: float
    history_ratio: float | None
    imports: dict[str, float]

    def ours(self, name: str) -> float | None:
        """Ours, if measured."""
        return self.microseconds.get(f"ours {name}")

    def naive(self, name: str) -> float | None:
        """The baseline's, if measured."""
        return self.microseconds.get(f"naive {name}")


def measure(
    pipelines: list[Pipeline], *, long_history: int, rounds: int = 15, import_rounds: int = 5
) -> Times:
    """Measure all times of one run."""
    stubs: dict[str, Stubbed] = {}
    for pipeline in pipelines:
        stubs |= _webhooks(pipeline)
        stubs[f"{pipeline.name} resolver"] = _resolver(pipeline, 1)
        if pipeline.name == "ours":
            stubs["ours resolver, short history"] = _resolver(pipeline, 10)
            stubs["ours resolver, long history"] = _resolver(pipeline, long_history)
            stubs["ours resolver, sealed"] = _resolver(pipeline, 1, load=_sealing)
    call = reference_call()
    message = people.interaction(1, 1)
    body = people.whatsapp_request(SECRETS["whatsapp"], 1, [1])["body"]
    taken = take_turns(
        {
            "reference": call.microseconds,
            "floor": lambda: floor_microseconds(body, message),
            **{name: stub.microseconds for name, stub in stubs.items()},
        },
        rounds=rounds,
    )
    slowness = [
        min(put / (BOTOCORE_SECONDS * 1e6), floor / PLANNED_FLOOR_MICROSECONDS)
        for put, floor in zip(taken["reference"], taken["floor"], strict=True)
    ]
    medians = {
        name: statistics.median(v / slow for v, slow in zip(values, slowness, strict=True))
        for name, values in taken.items()
    }
    ratio = None
    if "ours resolver, long history" in taken:
        pairs = zip(
            taken["ours resolver, long history"], taken["ours resolver, short history"], strict=True
        )
        ratio = statistics.median(long / short for long, short in pairs)
    return Times(
        statistics.median(slowness),
        medians,
        medians["floor"],
        ratio,
        _imports(import_rounds),
    )


def _webhooks(pipeline: Pipeline) -> dict[str, Stubbed]:
    stubs = {}
    with world() as services:
        for channel, request in (
            ("whatsapp", people.whatsapp_request(SECRETS["whatsapp"], 1, [1])),
            ("generic", people.generic_request(SECRETS["generic"], 1, 1)),
        ):
            if pipeline.name == "naive" and channel != "whatsapp":
                continue
            function = pipeline.webhook(services, channel)
            function(request)  # fetches the secret
            stubs[f"{pipeline.name} {channel}"] = Stubbed(function, request, accepted)
    return stubs


def _resolver(
    pipeline: Pipeline, history: int, *, load: Callable[[World], Function] | None = None
) -> Stubbed:
    with world() as services:
        resolver = (load or pipeline.resolver)(services)
        numbers = range(1, BATCH + 1)
        resolver(people.queue_event([people.interaction(n, 1) for n in numbers]))
        _grow(services, pipeline, history)
        batch = people.queue_event([people.interaction(n, 2) for n in numbers])
        return Stubbed(resolver, batch, resolved, events=BATCH)


def _sealing(services: World) -> Function:
    # The record has no answer for a key that is asked for again.
    return sealing(services, seconds="86400")


def _grow(services: World, pipeline: Pipeline, history: int) -> None:
    table = environment()[pipeline.history_variable]
    services.grow_history(table, history, partitions=1)


def _imports(rounds: int) -> dict[str, float]:
    functions = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
    programs = {
        "python": "pass",
        "boto3": "import boto3",
        "naive webhook": "import bench.naive.webhook",
        "naive resolver": "import bench.naive.resolver",
        **{name: function_program(name) for name in functions},
        "resolve_identity, sealing": _SEALING + function_program("resolve_identity"),
    }
    return import_ratios(import_seconds(programs, rounds=rounds), "boto3")
