"""``python -m bench``: measure everything, print the table, keep the results."""

from __future__ import annotations

import argparse
import sys

from bench import measures, packages, recorded, report, times
from bench.cost import Footprint
from bench.prices import BATCH
from bench.scenarios import DRAWS, PIPELINES, Counts, count, is_there

#: Interactions per customer in the long variants. The baseline's is shorter, because the
#: emulator takes minutes to move 10,000 items; that only flatters the baseline.
LONG_HISTORY = {"ours": 10_000, "naive": 1_000}
QUICK_HISTORY = {"ours": 100, "naive": 100}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark.

    Returns
    -------
    int
        1 if a counted budget is missed, else 0; times never fail a run.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="counts only, short histories")
    options = parser.parse_args(arguments)
    long_history = QUICK_HISTORY if options.quick else LONG_HISTORY
    pipelines = [pipeline for pipeline in PIPELINES if is_there(pipeline)]
    counts: dict[str, Counts] = {}
    for pipeline in pipelines:
        _say(f"counting: {pipeline.name}")
        counts[pipeline.name] = count(
            pipeline,
            long_history=long_history[pipeline.name],
            # The baseline's merges do not depend on the ids.
            draws=1 if pipeline.name == "naive" else DRAWS,
        )
    ours = counts.get("ours")
    counted = measures.counted(ours, counts["naive"], long_history=long_history)
    if options.quick:
        print(report.table(counted))
    else:
        _say("timing")
        taken = times.measure(pipelines, long_history=long_history["ours"])
        priced = measures.priced(
            footprint(ours, taken, "ours") if ours else None,
            footprint(counts["naive"], taken, "naive"),
        )
        everything = [*counted, *measures.timed(taken), *priced]
        details = {"times": taken, "zipped_bytes": packages.sizes(), "counts": counts}
        recognition = recorded.page()
        print(report.table(everything), recognition, sep="\n\n")
        saved = report.save(everything, details, recognition=recognition)
        _say(f"results: {saved.name}")
    return 1 if any(measure.ok is False for measure in counted) else 0


def footprint(counts: Counts, taken: times.Times, name: str) -> Footprint:
    """What the cost model needs of one pipeline."""
    imports = ("webhook_whatsapp", "resolve_identity")
    if name == "naive":
        imports = ("naive webhook", "naive resolver")
    return Footprint(
        webhook=counts.webhook_one,
        resolver=counts.batch,
        batch=BATCH,
        webhook_cpu_seconds=taken.microseconds[f"{name} whatsapp"] / 1e6,
        resolver_cpu_seconds=taken.microseconds[f"{name} resolver"] / 1e6,
        webhook_import=taken.imports[imports[0]],
        resolver_import=taken.imports[imports[1]],
        webhook_log_bytes=counts.webhook_log_bytes,
        resolver_log_bytes=counts.resolver_log_bytes,
    )


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
