"""What Twilio's SMS and voice webhooks share: signatures and parameters.

Two ways of signing are accepted: ``X-Twilio-Signature`` with the account's auth
token (HMAC-SHA1), and with a shared key (HMAC-SHA256), which the header
``X-Twilio-Webhooks-Signature-Settings`` names.

Sources: twilio.com/docs/usage/webhooks/webhooks-security and
.../webhook-shared-keys (dated 2026-09-07, public beta), both checked 2026-11-22; the
validator of twilio 9.13.0 is the oracle.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

from enlace.channels.base import (
    Request,
    Response,
    header,
    load_json,
    required_object,
    same_text,
    secret_text,
)
from enlace.errors import InvalidPayload, InvalidSignature, Misconfigured

MAX_BODY_BYTES = 256 * 1024

_ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_MAX_FIELDS = 1000


def handshake(request: Request, secret: Mapping[str, Any]) -> Response | None:
    """None: Twilio has no handshake."""
    return None


def verify(request: Request, secret: Mapping[str, Any]) -> None:
    """Check ``X-Twilio-Signature`` over the public URL and the parameters.

    Parameters
    ----------
    secret : mapping
        ``auth_token``; ``public_url``, the base before ``/webhooks/…`` as Twilio
        knows it; optionally ``shared_keys``, an object of key id to secret.

    Raises
    ------
    InvalidSignature
        If a signature is absent or does not match, its key is unknown, or a
        JSON body is not the one whose hash the URL carries.
    InvalidPayload
        If the form cannot be read.
    """
    given = header(request, "x-twilio-signature")
    key, algorithm = _key(request, secret)
    if _is_json(request):
        # Twilio signs the URL alone, and the URL carries the body's hash.
        expected = dict(parse_qsl(request.query, max_num_fields=_MAX_FIELDS)).get("bodySHA256", "")
        if not same_text(hashlib.sha256(request.body).hexdigest(), expected):
            raise InvalidSignature("bodySHA256 does not match")
        signed = ""
    else:
        signed = "".join(name + value for name, value in sorted(set(_form(request.body))))
    for url in _urls(request, secret_text(secret, "public_url")):
        mac = hmac.digest(key, (url + signed).encode("utf-8", "replace"), algorithm)
        if same_text(base64.b64encode(mac).decode(), given):
            return
    raise InvalidSignature("x-twilio-signature does not match")


def _key(request: Request, secret: Mapping[str, Any]) -> tuple[bytes, str]:
    settings = request.headers.get("x-twilio-webhooks-signature-settings")
    if not settings:
        return secret_text(secret, "auth_token").encode(), "sha1"
    parts = dict(part.strip().partition("=")[::2] for part in settings.split(","))
    algorithm = _ALGORITHMS.get(parts.get("algorithm", "HMAC_SHA1").upper())
    keys = secret.get("shared_keys")
    key = keys.get(parts.get("key", "")) if isinstance(keys, dict) else None
    if algorithm is None or not isinstance(key, str):
        raise InvalidSignature("signed with a key or algorithm that is not configured")
    return key.encode(), algorithm


def _urls(request: Request, public_url: str) -> list[str]:
    """The URL as Twilio knows it, and with the port taken away or added: it does both."""
    # Whatever stage or base path lies before it belongs to the public URL.
    at = request.path.find("/webhooks/")
    rest = request.path[at:] if at >= 0 else request.path
    if request.query:
        rest += "?" + request.query
    return [base + rest for base in _bases(public_url)]


@lru_cache(maxsize=8)
def _bases(public_url: str) -> tuple[str, str]:
    base = public_url.rstrip("/")
    parts = urlsplit(base)
    try:
        port, host = parts.port, parts.hostname
    except ValueError:
        host = None
    if not host:
        raise Misconfigured("the channel's public_url is not a URL")
    bare = parts.netloc.rpartition(":")[0] if port else parts.netloc
    other = bare if port else f"{bare}:{443 if parts.scheme == 'https' else 80}"
    return base, f"{parts.scheme}://{other}{parts.path}"


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "application/json"


def parameters(request: Request) -> dict[str, str]:
    """The parameters of a form or JSON body; a repeated name keeps its first value.

    Raises
    ------
    InvalidPayload
        If the body cannot be read.
    """
    if _is_json(request):
        body = required_object(load_json(request.body), "body")
        return {k: v for k, v in body.items() if isinstance(v, str)}
    return dict(reversed(_form(request.body)))


@lru_cache(maxsize=1)
def _form(body: bytes) -> tuple[tuple[str, str], ...]:
    """The pairs of a form, as :func:`urllib.parse.parse_qsl` reads them.

    Most of Twilio's values need no decoding, and skipping that makes this three
    times as fast, which is half of what the webhook costs. Kept for one body,
    because verifying and parsing both need the pairs.
    """
    if body.count(b"&") >= _MAX_FIELDS:
        raise InvalidPayload("the form has too many fields")
    try:
        return tuple(_pair(field) for field in body.decode("utf-8").split("&") if field)
    except UnicodeDecodeError:
        raise InvalidPayload("the body is not UTF-8") from None


def _pair(field: str) -> tuple[str, str]:
    name, _, value = field.partition("=")
    if "+" in field:
        name, value = name.replace("+", " "), value.replace("+", " ")
    if "%" in field:
        return unquote_to_bytes(name).decode("utf-8"), unquote_to_bytes(value).decode("utf-8")
    return name, value


def reply(request: Request, accepted: int, rejected: int) -> Response:
    """Empty TwiML: do nothing more. Any other body would be read as instructions."""
    return Response(200, "<Response/>", "text/xml")
