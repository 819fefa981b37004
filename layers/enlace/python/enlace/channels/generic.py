"""The signed generic webhook: any system that can sign by Standard Webhooks.

The body is one interaction of our own contract or a list of them, so orders,
point-of-sale purchases, Zapier and own systems need no channel of their own.

Source: https://www.standardwebhooks.com and the library ``standardwebhooks``
1.1.0 (checked 2026-11-22), against which the tests hold this module.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from enlace.channels.base import (
    Rejected,
    Request,
    Response,
    collect,
    header,
    load_json,
    required_object,
    same_text,
    secret_text,
)
from enlace.domain.interaction import Interaction, parse_interaction
from enlace.errors import InvalidPayload, InvalidSignature, Misconfigured

NAME = "generic"
MAX_BODY_BYTES = 1024 * 1024

TOLERANCE_SECONDS = 300


def handshake(request: Request, secret: Mapping[str, Any]) -> Response | None:
    """None: Standard Webhooks has no handshake."""
    return None


def verify(request: Request, secret: Mapping[str, Any]) -> None:
    """Check ``webhook-signature`` over id, timestamp and raw body.

    Parameters
    ----------
    secret : mapping
        ``{"secret": "whsec_…"}``, and optionally ``{"secrets": {source: "whsec_…"}}``
        with a secret of its own per source, which then counts alone.

    Raises
    ------
    InvalidSignature
        If a header is absent, no signature matches, or the timestamp lies more
        than :data:`TOLERANCE_SECONDS` from the receipt.
    Misconfigured
        If there is no secret for the source, or it is not base64.
    """
    id_ = header(request, "webhook-id")
    timestamp = header(request, "webhook-timestamp")
    signatures = header(request, "webhook-signature")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise InvalidSignature("webhook-timestamp: must be Unix seconds")
    received = datetime.fromisoformat(request.received_at).timestamp()
    if abs(received - int(timestamp)) > TOLERANCE_SECONDS:
        raise InvalidSignature("webhook-timestamp is too far from now")
    signed = f"{id_}.{timestamp}.".encode("utf-8", "replace") + request.body
    expected = base64.b64encode(hmac.digest(_key(request, secret), signed, "sha256")).decode()
    for signature in signatures.split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and same_text(expected, value):
            return
    raise InvalidSignature("webhook-signature does not match")


def _key(request: Request, secret: Mapping[str, Any]) -> bytes:
    own = secret.get("secrets")
    source = request.path_parameters.get("source", "")
    text = own.get(source) if isinstance(own, dict) else None
    if not isinstance(text, str):
        text = secret_text(secret, "secret")
    try:
        # The padding may be missing; b64decode skips what is too much.
        key = base64.b64decode(text.removeprefix("whsec_") + "==")
    except ValueError:
        key = b""
    if not key:
        raise Misconfigured("the generic webhook's secret is not base64")
    return key


def parse(request: Request, secret: Mapping[str, Any]) -> list[Interaction | Rejected]:
    """Read one interaction or a list of them.

    ``channel`` defaults to the source of the path; an item without ``id`` and
    ``source_id`` gets the delivery's ``webhook-id`` and its place as source id,
    which a redelivery repeats.

    Raises
    ------
    InvalidPayload
        If the body is neither an object nor a non-empty list.
    """
    body = load_json(request.body)
    items = body if isinstance(body, list) else [body]
    if not items or not isinstance(body, dict | list):
        raise InvalidPayload("the body must be an interaction or a list of them")
    source = request.path_parameters.get("source", "")
    delivery = request.headers.get("webhook-id", "")

    def read(numbered: tuple[int, Any]) -> list[Interaction]:
        number, item = numbered
        item = dict(required_object(item, "interaction"))
        # When we received it is for us to say, not for the sender.
        item.pop("received_at", None)
        if item.get("channel") is None:
            item["channel"] = source
        if item.get("id") is None and item.get("source_id") in (None, ""):
            item["source_id"] = f"{delivery}/{number}"
        return [parse_interaction(item, received_at=request.received_at)]

    return [
        Rejected(found.reason, found.raw[1]) if isinstance(found, Rejected) else found
        for found in collect(enumerate(items), read)
    ]


def reply(request: Request, accepted: int, rejected: int) -> Response:
    """202: recorded for processing, not processed yet."""
    return Response(202)
