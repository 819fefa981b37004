"""The route that shows operators who may be one person."""

from __future__ import annotations

import re

from enlace.api.app import Call, Route
from enlace.api.callers import ADMIN, AGENT
from enlace.api.fields import query_of
from enlace.api.problems import answer
from enlace.domain.candidate import SOURCES
from enlace.domain.http import Response
from enlace.errors import InvalidPayload
from enlace.usecases.candidates_view import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    CandidateQuery,
    CandidatesView,
)

OPERATORS = frozenset({AGENT, ADMIN})

_PARAMETERS = ("limit", "cursor", "min_probability", "source")
_LIMIT = re.compile(r"[0-9]{1,3}\Z", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?\Z", re.ASCII)
_MAX_CURSOR = 300


def candidate_routes(view: CandidatesView) -> list[Route]:
    """The route, on a ready use case."""

    def candidates(call: Call) -> Response:
        return answer(200, view.page(candidate_query(call.request.query)))

    return [Route("GET /v1/conciliations/candidates", OPERATORS, candidates)]


def candidate_query(raw: str) -> CandidateQuery:
    """Which candidates are wanted, from the query string.

    Raises
    ------
    InvalidPayload
        With the parameter and the reason.
    """
    query = query_of(raw, _PARAMETERS)
    limit = query.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.match(limit) or not 1 <= int(limit) <= MAX_LIMIT:
        raise InvalidPayload(f"limit: must be a whole number from 1 to {MAX_LIMIT}")
    probability = query.get("min_probability")
    least = float(probability) if probability and _NUMBER.match(probability) else None
    if probability is not None and (least is None or least > 1):
        raise InvalidPayload("min_probability: must be a number from 0 to 1")
    source = query.get("source")
    if source is not None and source not in SOURCES:
        raise InvalidPayload(f"source: must be one of {', '.join(SOURCES)}")
    cursor = query.get("cursor")
    if cursor is not None and not 1 <= len(cursor) <= _MAX_CURSOR:
        raise InvalidPayload("cursor: not one that was given out")
    return CandidateQuery(
        limit=int(limit),
        cursor=cursor,
        min_probability=least,
        source=source,
    )
