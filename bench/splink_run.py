"""Splink on a file of rows: run by an environment of its own, never imported.

``python splink_run.py SETTING ROWS.json PAIRS.json`` learns without labels, as Splink's
documentation shows for FEBRL 3 and 4 ("Deduplicating the febrl3 dataset", "Linking the
febrl4 datasets"), and writes ``[id, id, probability]`` of every pair above .05. The
columns are those that the other side gets, so ``soc_sec_id`` is left out of its rules.

``documented3``, ``documented4``: comparisons and blocking as documented; ``wide``: with
the address columns and FEBRL 4's blocking rules as well, which the documentation omits.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import duckdb  # type: ignore[import-not-found,unused-ignore]
import pyarrow  # type: ignore[import-not-found,unused-ignore]
import splink.comparison_library as cl  # type: ignore[import-not-found,unused-ignore]
from splink import (  # type: ignore[import-not-found,unused-ignore]
    DuckDBAPI,
    Linker,
    SettingsCreator,
    block_on,
)

_SWAPPED = "l.given_name = r.surname and l.surname = r.given_name"
_LEAST = 0.05


def main(setting: str, source: Path, target: Path) -> None:
    """Read rows, learn, predict, write pairs."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    rows = json.loads(source.read_text())
    linker = _linker(setting, rows)
    deterministic = [block_on("given_name", "surname", "date_of_birth")]
    if setting != "documented4":
        deterministic.append(f"{_SWAPPED} and l.date_of_birth = r.date_of_birth")
    linker.training.estimate_probability_two_random_records_match(deterministic, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=2)
    for column in ("date_of_birth", "postcode"):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(column))
    found = linker.inference.predict(threshold_match_probability=_LEAST).as_record_list()
    pairs = [[r["rec_id_l"], r["rec_id_r"], r["match_probability"]] for r in found]
    target.write_text(json.dumps(pairs))


def _linker(setting: str, rows: list[dict[str, Any]]) -> Any:
    api = DuckDBAPI(connection=duckdb.connect())
    frames = []
    for name in sorted({row["source_dataset"] for row in rows}):
        part = [row for row in rows if row["source_dataset"] == name]
        columns = {column: [row[column] or None for row in part] for column in _columns(rows)}
        frames.append(api.register(pyarrow.table(columns), table_name=name))
    settings = SettingsCreator(
        unique_id_column_name="rec_id",
        link_type="dedupe_only" if len(frames) == 1 else "link_only",
        blocking_rules_to_generate_predictions=_blocking(setting),
        comparisons=_comparisons(setting),
    )
    return Linker(frames[0] if len(frames) == 1 else frames, settings)


def _columns(rows: list[dict[str, Any]]) -> list[str]:
    return [column for column in rows[0] if column != "source_dataset"]


def _blocking(setting: str) -> list[Any]:
    if setting == "documented3":
        return [block_on(c) for c in ("given_name", "surname", "date_of_birth", "postcode")]
    rules = [
        block_on("given_name", "surname"),
        _SWAPPED,
        block_on("date_of_birth"),
        block_on("state", "address_1"),
        block_on("street_number", "address_1"),
        block_on("postcode"),
    ]
    return [*rules, block_on("given_name"), block_on("surname")] if setting == "wide" else rules


def _comparisons(setting: str) -> list[Any]:
    simple = setting == "documented3"
    names = [cl.NameComparison(c) for c in ("given_name", "surname")]
    if not simple:
        names = [name.configure(term_frequency_adjustments=True) for name in names]
    birth = cl.DateOfBirthComparison(
        "date_of_birth",
        input_is_string=True,
        datetime_format="%Y%m%d",
        invalid_dates_as_null=not simple,
    )
    postcode = cl.DamerauLevenshteinAtThresholds("postcode", [1, 2])
    if simple:
        postcode = cl.ExactMatch("postcode")
    found = [
        *names,
        birth,
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        postcode.configure(term_frequency_adjustments=True),
    ]
    if setting == "wide":
        found += [
            cl.JaroWinklerAtThresholds("address_1", [0.9]),
            cl.JaroWinklerAtThresholds("suburb", [0.9]),
        ]
    return found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
