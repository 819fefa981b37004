"""Strict JSON and typed access to it.

A signed payload may still hold anything, so each accessor checks the type and
raises :class:`InvalidPayload` naming the field. Nothing here quotes a value.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import isfinite
from typing import Any, NoReturn

from enlace.errors import InvalidPayload

#: Deeper JSON is refused: serialising it again, some levels further down, could
#: exhaust the stack of this function or of a consumer.
MAX_DEPTH = 64

#: 9998-12-31, the end of what the contract's times may say.
_MAX_EPOCH_SECONDS = 253_370_764_800


def load_json(body: bytes) -> Any:
    """Read a JSON body strictly.

    Parameters
    ----------
    body : bytes
        UTF-8.

    Raises
    ------
    InvalidPayload
        If it is not UTF-8, not JSON, holds NaN, an infinity or a number too
        long to read, or nests deeper than :data:`MAX_DEPTH`.
    """
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidPayload("the body is not UTF-8") from None
    except (ValueError, RecursionError):
        # `from None`: the decoder's error quotes the document.
        raise InvalidPayload("the body is not JSON") from None
    # Counting brackets bounds the depth at the cost of two scans in C; only the
    # rare body that could be too deep is walked.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth_exceeds(value, MAX_DEPTH):
        raise InvalidPayload(f"the body nests deeper than {MAX_DEPTH} levels")
    return value


def _constant(_: str) -> NoReturn:
    raise ValueError("NaN and infinities are not JSON")


def _float(text: str) -> float:
    number = float(text)
    if not isfinite(number):  # 1e999 is a legal token that overflows.
        raise ValueError("a number out of range")
    return number


_DECODER = json.JSONDecoder(parse_float=_float, parse_constant=_constant)


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        if not level:
            return False
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(v for v in item.values() if isinstance(v, dict | list))
            elif isinstance(item, list):
                inner.extend(v for v in item if isinstance(v, dict | list))
        level = inner
    return bool(level)


def required_object(value: Any, where: str) -> dict[str, Any]:
    """``value`` itself, if it is a JSON object.

    Raises
    ------
    InvalidPayload
        If it is anything else.
    """
    if not isinstance(value, dict):
        raise InvalidPayload(f"{where}: must be an object")
    return value


def optional_object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """The object ``parent[name]``, or an empty one where it is absent or null.

    Raises
    ------
    InvalidPayload
        If it is something else.
    """
    value = parent.get(name)
    if value is None:
        return {}
    return required_object(value, name)


def objects(parent: dict[str, Any], name: str) -> list[Any]:
    """The list ``parent[name]``, or an empty one where it is absent or null.

    Its items are not checked, so that one bad item does not lose the others.

    Raises
    ------
    InvalidPayload
        If it is no list.
    """
    value = parent.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidPayload(f"{name}: must be a list")
    return value


def required_text(parent: dict[str, Any], name: str) -> str:
    """The text ``parent[name]``.

    Raises
    ------
    InvalidPayload
        If it is absent, empty, or no text.
    """
    value = parent.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidPayload(f"{name}: must be text")
    return value


def optional_text(parent: dict[str, Any], name: str) -> str | None:
    """The text ``parent[name]``, or None where it is absent, null or empty.

    Raises
    ------
    InvalidPayload
        If it is something else.
    """
    value = parent.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidPayload(f"{name}: must be text")
    return value


def epoch_time(value: Any, where: str, *, per_second: int = 1) -> str:
    """Unix time as contract text.

    Parameters
    ----------
    value : int or str
        A whole number, as a number or as digits.
    where : str
        The field's name, for the error.
    per_second : int
        1 for seconds, 1000 for milliseconds.

    Raises
    ------
    InvalidPayload
        If it is no whole number or beyond the year 9998.
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 16:
        value = int(value)
    if type(value) is not int or not 0 <= value < _MAX_EPOCH_SECONDS * per_second:
        raise InvalidPayload(f"{where}: must be a Unix time")
    moment = datetime.fromtimestamp(value / per_second, UTC)
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"
