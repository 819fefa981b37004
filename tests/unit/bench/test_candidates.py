"""The measure of candidates: what it counts, on few records, without Splink."""

from __future__ import annotations

import json
from pathlib import Path

from bench import brazil, febrl, recorded
from bench.candidates import misses, quality
from bench.people_found import brazilians, found_among, weights_of


def test_a_list_is_measured_by_what_it_holds_and_how_it_begins() -> None:
    true = {("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")}
    one = quality([("a", "b"), ("a", "c"), ("c", "d")], true, 1.0)
    assert (one.rows, one.right, one.recall, one.first_page) == (3, 2, 0.5, 0.5)
    assert one.precision == 2 / 3
    assert quality([], true, 0.0).first_page == 0


def test_febrl_comes_without_its_ids() -> None:
    rows = febrl.rows("febrl3")
    assert (len(rows), len(febrl.true_pairs(rows))) == (5000, 6538)
    four = febrl.rows("febrl4")
    assert (len(four), len(febrl.true_pairs(four))) == (10000, 5000)
    body = rows[0].interaction()
    assert "identifiers" not in body
    assert not {"soc_sec_id", "rec_id"} & set(body["traits"])
    assert sum(misses([], rows).values()) > 0


def test_doubles_are_listed_and_strangers_are_not() -> None:
    rows = [row for row in febrl.rows("febrl3") if row.person.startswith("1")][:600]
    bodies = [row.interaction() for row in rows]
    world = found_among(bodies, weights_of(bodies, "test"))
    value = {key: record.value for key, record in world.store.records.items()}
    true = febrl.true_pairs(rows)
    ranked = [(min(x, y), max(x, y)) for x, y in ((value[c.a], value[c.b]) for c in world.list)]
    one = quality(ranked, true, 0.0)
    assert one.recall >= 0.9
    assert one.first_page >= 0.99


def test_brazilians_are_counted_by_what_is_known_of_them() -> None:
    result = brazilians(120, seed=2)
    assert result["rows"] > 0
    assert result["precision"] > 0.8
    held, total = result["recall"]["birth date, whole name"].split(" of ")
    assert int(held) / int(total) > 0.7
    assert brazil.generate(5, 1)


def test_the_page_shows_what_was_recorded_and_nothing_else(tmp_path: Path) -> None:
    assert recorded.page(tmp_path) == ""
    outcome = {"precision": 0.9, "recall": 1.0}
    content = {"date": "2026-11-22", "people": 10}
    content |= {key: {"on": outcome, "off": outcome} for key in ("lent", "mistyped", "sparse")}
    (tmp_path / "contradiction.json").write_text(json.dumps(content))
    assert "| 0.9000 | 0.9000 | 0.00 |" in recorded.page(tmp_path)
