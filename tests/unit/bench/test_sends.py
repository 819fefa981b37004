"""A message costs what the table says: four write units, whatever it is for."""

from __future__ import annotations

from bench import sends


def test_a_send_is_within_its_budgets() -> None:
    rows = sends.rows(sends.count_sends())
    assert len(rows) == 20
    for row in rows:
        assert row.budget is not None and 0 < row.ours <= row.budget, row
    written = [row.ours for row in rows if "write units" in row.name]
    assert written == [4.0] * 4
