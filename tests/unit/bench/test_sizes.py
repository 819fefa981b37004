"""Item sizes and rounding against the examples that AWS documents."""

from __future__ import annotations

import pytest

from bench.sizes import chunks, item_size, number_size, read_units, value_size, write_units


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 1), ("7", 2), ("27", 2), ("123", 3), ("00120", 2), ("-27", 3), ("1E+20", 2)],
)
def test_a_number_costs_a_byte_per_two_significant_digits_plus_one(text: str, size: int) -> None:
    assert number_size(text) == size


def test_an_item_is_its_attribute_names_and_values_in_utf_8() -> None:
    assert item_size({"nome": {"S": "João"}, "n": {"N": "27"}}) == 4 + 5 + 1 + 2


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": "AAEC"}, 3),
        ({"B": b"\x00\x01\x02"}, 3),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "ab"}, {"BOOL": True}]}, 3 + 2 + 2 + 1),
        ({"M": {"k": {"S": "ab"}}}, 3 + 1 + 1 + 2),
    ],
)
def test_values_follow_the_documented_overheads(value: dict, size: int) -> None:
    assert value_size(value) == size


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="not a DynamoDB type"):
        value_size({"X": 1})


@pytest.mark.parametrize(
    ("size", "units"), [(0, 1), (1, 1), (512, 1), (1024, 1), (1025, 2), (3072, 3)]
)
def test_writes_round_up_to_kilobytes(size: int, units: float) -> None:
    assert write_units(size) == units


@pytest.mark.parametrize(
    ("size", "strong", "eventual"), [(3500, 1, 0.5), (8192, 2, 1), (10 * 1024, 3, 1.5), (0, 1, 0.5)]
)
def test_reads_round_up_to_four_kilobytes(size: int, strong: float, eventual: float) -> None:
    assert read_units(size, consistent=True) == strong
    assert read_units(size, consistent=False) == eventual


def test_a_256_kilobyte_payload_is_billed_as_four_requests() -> None:
    assert chunks(256 * 1024) == 4
    assert chunks(1) == 1
    assert chunks(64 * 1024 + 1) == 2
