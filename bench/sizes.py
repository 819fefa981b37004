"""Sizes of DynamoDB items and the rounding that turns them into capacity units.

Source: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats" and
"DynamoDB read and write operations" (its part on reads), read November 2026. Number sizes are AWS's
own approximation, so a size may be off by a byte or two per number.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

#: One attribute value as the wire has it, for example ``{"S": "text"}``.
Value = Mapping[str, Any]
#: One item as the wire has it.
Item = Mapping[str, Value]

WRITE_BYTES = 1024
READ_BYTES = 4096


def item_size(item: Item) -> int:
    """Bytes of an item: UTF-8 attribute names plus values.

    Parameters
    ----------
    item : Mapping
        The item in DynamoDB's JSON.

    Returns
    -------
    int
        Bytes that capacity is computed from (without the 100 bytes of storage overhead).
    """
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Value) -> int:
    """Bytes of one attribute value, without its name.

    Raises
    ------
    ValueError
        If the value's type is not one of DynamoDB's.
    """
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return number_size(content)
    if kind == "B":
        return _binary_size(content)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "SS":
        return sum(len(text.encode()) for text in content)
    if kind == "NS":
        return sum(number_size(number) for number in content)
    if kind == "BS":
        return sum(_binary_size(binary) for binary in content)
    if kind == "L":  # 3 bytes for the list, 1 for each element
        return 3 + sum(1 + value_size(element) for element in content)
    if kind == "M":
        return 3 + len(content) + item_size(content)
    raise ValueError(f"not a DynamoDB type: {kind}")


def number_size(text: str) -> int:
    """Bytes of a number: one per two significant digits, plus one, plus one for a minus sign.

    Leading and trailing zeros are no significant digits.
    """
    sign, digits, _ = Decimal(text).as_tuple()
    significant = len("".join(map(str, digits)).strip("0"))
    return math.ceil(significant / 2) + 1 + (1 if sign and significant else 0)


def _binary_size(content: bytes | str) -> int:
    # Requests carry base64 text, parsed responses carry bytes; raw bytes count.
    return len(base64.b64decode(content)) if isinstance(content, str) else len(content)


def write_units(size_bytes: int) -> float:
    """Write units of one standard write: whole kilobytes, at least one."""
    return float(max(1, math.ceil(size_bytes / WRITE_BYTES)))


def read_units(size_bytes: int, *, consistent: bool) -> float:
    """Read units of one read: whole 4 KB steps, at least one, half where eventually consistent."""
    steps = max(1, math.ceil(size_bytes / READ_BYTES))
    return float(steps) if consistent else steps / 2


def chunks(size_bytes: int, chunk_bytes: int = 64 * 1024) -> int:
    """How many billed 64 KB chunks a payload is (SQS requests, EventBridge events)."""
    return max(1, math.ceil(size_bytes / chunk_bytes))
