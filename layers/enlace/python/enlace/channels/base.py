"""What every channel needs: strict JSON, typed access to it, and finished interactions.

A signed payload may still hold anything, so each accessor checks the type and
raises :class:`InvalidPayload` naming the field. Nothing here quotes a value.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any, NoReturn

from enlace.domain.http import Rejected, Request, Response
from enlace.domain.interaction import (
    Identifier,
    Interaction,
    interaction_id,
    parse_identifier,
)
from enlace.errors import InvalidInteraction, InvalidPayload, InvalidSignature, Misconfigured

__all__ = [
    "Identifier",
    "Interaction",
    "Rejected",
    "Request",
    "Response",
    "build",
    "collect",
    "digest",
    "epoch_time",
    "header",
    "hex_hmac_sha256",
    "identifier",
    "load_json",
    "objects",
    "optional_object",
    "optional_text",
    "required_object",
    "required_text",
    "same_text",
    "secret_text",
]

Found = list[Interaction | Rejected]

#: Deeper JSON is refused: serialising it again, some levels further down, could
#: exhaust the stack of this function or of a consumer.
MAX_DEPTH = 64

_MAX_ID_LENGTH = 512
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


def identifier(kind: str, value: Any, level: str = "stated") -> Identifier:
    """An identifier that fits the contract.

    Raises
    ------
    InvalidInteraction
        If the value is no text of 1 to 512 characters or the scope is malformed.
    """
    # The usual case, without the contract's full reading, which costs several times more.
    if type(value) is str and value.isascii() and value.strip() and len(value) <= _MAX_ID_LENGTH:
        return Identifier(_checked_kind(kind), value, level)
    return parse_identifier({"kind": kind, "value": value, "level": level}, kind.partition(":")[0])


@lru_cache(maxsize=256)
def _checked_kind(kind: str) -> str:
    # Scopes are our own pages and accounts, so there are few.
    return parse_identifier({"kind": kind, "value": "any"}, kind.partition(":")[0]).kind


def build(
    channel: str,
    type_: str,
    contact_point: Identifier,
    *,
    source_id: str,
    received_at: str,
    account: str = "",
    occurred_at: str | None = None,
    direction: str = "inbound",
    identifiers: Iterable[Identifier] = (),
    traits: dict[str, Any] | None = None,
    conversation: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
) -> Interaction:
    """An interaction whose id is derived from the vendor's own.

    ``occurred_at`` must be what a redelivery repeats, or None. Entries of
    ``traits``, ``conversation`` and ``data`` that are None are left out.

    Raises
    ------
    InvalidPayload
        If ``source_id`` or ``account`` is too long or no valid Unicode.
    """
    if len(source_id) > _MAX_ID_LENGTH or len(account) > _MAX_ID_LENGTH:
        raise InvalidPayload("the vendor's id is too long")
    try:
        id_ = interaction_id(channel, account, source_id)
    except UnicodeEncodeError:
        raise InvalidPayload("the vendor's id is no valid Unicode") from None
    return Interaction(
        id=id_,
        channel=channel,
        account=account,
        source_id=source_id,
        type=type_,
        direction=direction,
        occurred_at=occurred_at,
        received_at=received_at,
        contact_point=contact_point,
        identifiers=tuple(identifiers),
        traits=_present(traits),
        conversation=_present(conversation),
        data=_present(data),
    )


def _present(fields: dict[str, Any] | None) -> dict[str, Any]:
    if not fields:
        return {}
    if None not in fields.values():
        return fields
    return {k: v for k, v in fields.items() if v is not None}


def collect(items: Iterable[Any], read: Callable[[Any], Iterable[Interaction]]) -> Found:
    """Read every item; a bad one becomes :class:`Rejected` and loses no other."""
    found: Found = []
    for item in items:
        try:
            found.extend(read(item))
        except (InvalidPayload, InvalidInteraction) as error:
            found.append(Rejected(str(error), item))
    return found


def same_text(expected: str, given: str) -> bool:
    """Compare in constant time, whatever characters ``given`` holds."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def hex_hmac_sha256(key: str, body: bytes) -> str:
    """The HMAC in hexadecimal digits."""
    return hmac.digest(key.encode(), body, "sha256").hex()


def digest(*parts: str) -> str:
    """A short stand-in for values that must not stand in an id, such as a phone."""
    joined = "\x1f".join(parts).encode("utf-8", "replace")
    return hashlib.sha256(joined).hexdigest()[:32]


def secret_text(secret: Mapping[str, Any], name: str) -> str:
    """One named value of the channel's secret.

    Raises
    ------
    Misconfigured
        If the secret does not hold it.
    """
    value = secret.get(name)
    if not isinstance(value, str) or not value:
        raise Misconfigured(f"the channel's secret lacks {name}")
    return value


def header(request: Request, name: str) -> str:
    """A header that carries a signature.

    Raises
    ------
    InvalidSignature
        If the request has none.
    """
    value = request.headers.get(name)
    if not value:
        raise InvalidSignature(f"no {name} header")
    return value
