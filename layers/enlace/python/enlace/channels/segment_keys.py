"""Which source a tracking request comes from, by its write key, and its plain body."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from typing import Any

from enlace.channels.base import Request, load_json, same_text, secret_text
from enlace.errors import InvalidPayload, InvalidSignature, PayloadTooLarge

#: Of a batch, whether compressed or not.
MAX_BODY_BYTES = 500 * 1024


def source_of(request: Request, secret: Mapping[str, Any]) -> tuple[str, bool]:
    """``(source, trusted)`` of the request's write key."""
    given = _given_key(request)
    found: tuple[str, bool] | None = None
    for source, key, trusted in _keys(secret):
        # No early end: how long it takes must not tell which key comes close.
        if same_text(key, given):
            found = source, trusted
    if found is None:
        raise InvalidSignature("the write key is not known")
    return found


def _keys(secret: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    name = secret.get("source")
    keys = [(name if isinstance(name, str) else "default", secret_text(secret, "write_key"), False)]
    for field, trusted in (("write_keys", False), ("server_write_keys", True)):
        more = secret.get(field)
        if isinstance(more, dict):
            keys += [(s, k, trusted) for s, k in more.items() if isinstance(k, str) and k]
    return keys


def _given_key(request: Request) -> str:
    key: Any
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, ValueError):
            key = ""
    else:
        body = load_json(plain_body(request))
        key = body.get("writeKey") if isinstance(body, dict) else ""
    if not isinstance(key, str) or not key:
        raise InvalidSignature("no write key")
    return key


def plain_body(request: Request) -> bytes:
    if request.headers.get("content-encoding", "").lower() != "gzip":
        return request.body
    inflate = zlib.decompressobj(wbits=31)
    try:
        # One byte more than allowed tells a bomb without inflating it.
        plain = inflate.decompress(request.body, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise InvalidPayload("the body is not gzip") from None
    if len(plain) > MAX_BODY_BYTES:
        raise PayloadTooLarge("the body is too large")
    if not inflate.eof:
        raise InvalidPayload("the body is not gzip")
    return plain
