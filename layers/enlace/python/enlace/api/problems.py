"""Errors as RFC 9457 problem details; they name fields and reasons, never values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from enlace.domain.http import Response
from enlace.errors import (
    ComponentSaturated,
    EnlaceError,
    InvalidDecision,
    InvalidInteraction,
    InvalidPayload,
    InvalidRules,
    Misconfigured,
    NotFound,
    NotPending,
    PayloadTooLarge,
    RulesRefused,
    SecondOperatorNeeded,
    TemporaryFailure,
    TooManyPending,
)

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"

_STATUS: tuple[tuple[type[EnlaceError], int], ...] = (
    (InvalidInteraction, 400),
    (InvalidPayload, 400),
    (InvalidDecision, 400),
    (NotFound, 404),
    (PayloadTooLarge, 413),
    (SecondOperatorNeeded, 403),
    (ComponentSaturated, 409),
    (NotPending, 409),
    (TooManyPending, 409),
    (RulesRefused, 409),
    (InvalidRules, 422),
    (TemporaryFailure, 503),
    (Misconfigured, 503),
)


class Refused(EnlaceError):
    """The caller is not known (401), may not do this (403), or asks for no route (404, 405).

    Parameters
    ----------
    status : int
    reason : str
    extension : mapping, optional
        Further members of the problem.
    """

    def __init__(self, status: int, reason: str, extension: Mapping[str, Any] | None = None):
        super().__init__(reason)
        self.status = status
        self.extension = extension or {}


def status_of(error: EnlaceError) -> int:
    """The HTTP status of one of our errors."""
    if isinstance(error, Refused):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem_of(error: EnlaceError) -> Response:
    """One of our errors as an answer; those about services keep their reasons to the log."""
    status = status_of(error)
    detail = str(error) if status < 500 else "try again later"
    return problem(status, detail, error.extension if isinstance(error, Refused) else {})


def problem(status: int, detail: str, extension: Mapping[str, Any] | None = None) -> Response:
    """An RFC 9457 answer."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(status, to_json({**body, **(extension or {})}), PROBLEM_JSON)


def answer(status: int, body: Any) -> Response:
    """A JSON answer."""
    return Response(status, to_json(body), JSON)


def to_json(body: Any) -> str:
    """Compact JSON in UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
