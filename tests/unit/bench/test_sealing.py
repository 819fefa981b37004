"""The cost of sealed timelines."""

from __future__ import annotations

from bench import sealing


def test_sealing_keeps_its_budgets() -> None:
    rows = sealing.rows(sealing.count_sealing())
    assert len(rows) == 12
    assert [row.name for row in rows if not row.ok] == []


def test_a_sealed_interaction_is_some_bytes_larger() -> None:
    # An id, a nonce, a tag.
    assert sealing.item_growth() == 8 + 12 + 16
