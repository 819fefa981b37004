"""What every channel needs: finished interactions, signatures, and access to JSON.

The last is :mod:`enlace.channels.payload`, whose names are found here too.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from enlace.channels.payload import (
    MAX_DEPTH,
    epoch_time,
    load_json,
    objects,
    optional_object,
    optional_text,
    required_object,
    required_text,
)
from enlace.domain.http import Rejected, Request, Response
from enlace.domain.interaction import (
    Identifier,
    Interaction,
    interaction_id,
    parse_identifier,
)
from enlace.errors import InvalidInteraction, InvalidPayload, InvalidSignature, Misconfigured

__all__ = [
    "MAX_DEPTH",
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

_MAX_ID_LENGTH = 512


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
