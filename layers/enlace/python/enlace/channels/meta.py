"""What WhatsApp, Messenger and Instagram share: the Graph API's webhook rules.

Source: Meta, "Webhooks", https://developers.facebook.com/docs/graph-api/webhooks/getting-started
(the handshake and ``X-Hub-Signature-256``); held against pywa's validator in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from enlace.channels.base import (
    Request,
    Response,
    header,
    hex_hmac_sha256,
    load_json,
    required_object,
    same_text,
    secret_text,
)
from enlace.errors import InvalidPayload, InvalidSignature

#: Meta: "webhooks payloads can be up to 3 MB".
MAX_BODY_BYTES = 3 * 1024 * 1024


def handshake(request: Request, secret: Mapping[str, Any]) -> Response | None:
    """Echo ``hub.challenge`` to whoever knows the verify token.

    Raises
    ------
    InvalidSignature
        If the token is wrong or absent.
    InvalidPayload
        If a GET is no subscription request.
    """
    if request.method != "GET":
        return None
    try:
        query = dict(parse_qsl(request.query, max_num_fields=20, errors="strict"))
    except ValueError:
        raise InvalidPayload("the query cannot be read") from None
    challenge = query.get("hub.challenge")
    if query.get("hub.mode") != "subscribe" or not challenge:
        raise InvalidPayload("hub.mode and hub.challenge: not a subscription request")
    if not same_text(secret_text(secret, "verify_token"), query.get("hub.verify_token", "")):
        raise InvalidSignature("hub.verify_token does not match")
    return Response(200, challenge)


def verify(request: Request, secret: Mapping[str, Any]) -> None:
    """Check ``X-Hub-Signature-256`` over the raw bytes.

    Raises
    ------
    InvalidSignature
        If the header is absent or does not match.
    """
    given = header(request, "x-hub-signature-256")
    expected = "sha256=" + hex_hmac_sha256(secret_text(secret, "app_secret"), request.body)
    if not same_text(expected, given):
        raise InvalidSignature("x-hub-signature-256 does not match")


def entries(request: Request, object_: str) -> list[Any]:
    """The ``entry`` list of a payload about ``object_``.

    Meta's examples for Instagram wrap the payload in a list, so that is read too.

    Raises
    ------
    InvalidPayload
        If the body is not such a payload.
    """
    body = load_json(request.body)
    found: list[Any] = []
    for part in body if isinstance(body, list) and body else [body]:
        items = required_object(part, "body").get("entry")
        if part.get("object") != object_:
            raise InvalidPayload(f"object: must be {object_}")
        if not isinstance(items, list):
            raise InvalidPayload("entry: must be a list")
        found += items
    return found
