"""Requests as API Gateway hands them on, and as `sam local` does."""

from __future__ import annotations

import time
from typing import Any

from enlace.aws.webhook import read_request


def event(**context: Any) -> dict[str, Any]:
    return {
        "rawPath": "/webhooks/x",
        "headers": {"X-Twitter-Webhooks-Signature": "sha256=AAAA", "content-type": "text/plain"},
        "requestContext": {"http": {"method": "POST"}, **context},
        "body": "{}",
    }


def test_header_names_are_lower_case() -> None:
    headers = read_request(event()).headers

    assert headers == {"x-twitter-webhooks-signature": "sha256=AAAA", "content-type": "text/plain"}


def test_the_gateways_time_is_the_receipts() -> None:
    request = read_request(event(timeEpoch=1795182000123))

    assert request.received_at == "2026-11-20T13:40:00.123Z"


def test_seconds_are_not_taken_for_milliseconds() -> None:
    """`sam local` tells seconds, and always those of its own start."""
    request = read_request(event(timeEpoch=1795182000))

    assert request.received_at[:4] == time.strftime("%Y", time.gmtime())
