"""Routes about customers: look-up, 360° view, timeline, context, explanation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from enlace.api.app import Call, Route
from enlace.api.callers import ADMIN, AGENT, PRIVACY
from enlace.api.fields import identifier_of, object_of, one_of, query_of
from enlace.api.problems import answer
from enlace.domain.http import Response
from enlace.domain.interaction import TYPES, parse_identifier, parse_time
from enlace.errors import InvalidPayload
from enlace.usecases.context import AUDIENCES, Context
from enlace.usecases.customer_view import CustomerView
from enlace.usecases.explain import Explain
from enlace.usecases.find_customer import CustomerFinder
from enlace.usecases.timeline import DEFAULT_LIMIT, MAX_LIMIT, Timeline, TimelineQuery

#: Who may see persons. Marketing works on segments and needs none of it.
READERS = frozenset({AGENT, PRIVACY, ADMIN})
CONTACTS = frozenset({AGENT, ADMIN})

_FILTERS = ("channel", "type", "since", "until", "limit", "cursor")
_CHANNEL = re.compile(r"[a-z][a-z0-9_.\-]{0,63}\Z")
_LIMIT = re.compile(r"[0-9]{1,3}\Z", re.ASCII)


def customer_routes(
    finder: CustomerFinder,
    views: CustomerView,
    timelines: Timeline,
    contexts: Context,
    explanations: Explain,
    openapi: Callable[[], dict[str, Any]],
) -> list[Route]:
    """The routes, on ready use cases; ``openapi`` gives the API's own description."""

    def look_up(call: Call) -> Response:
        return answer(200, views.view(finder.asked_by(parse_identifier(call.body(), "body"))))

    def get(call: Call) -> Response:
        return answer(200, views.view(finder.asked_by_id(call.id)))

    def timeline(call: Call) -> Response:
        query = timeline_query(call.request.query)
        return answer(200, timelines.page(finder.by_id(call.id), query))

    def context(call: Call) -> Response:
        return answer(200, contexts.of(finder.asked_by_id(call.id), "agent"))

    def contact_context(call: Call) -> Response:
        body = object_of(call.body())
        audience = one_of(body, "audience", AUDIENCES)
        asked = finder.asked_by(identifier_of(body, "contact_point"))
        return answer(200, contexts.of(asked, audience))

    def explain(call: Call) -> Response:
        body = object_of(call.body())
        a, b = identifier_of(body, "a"), identifier_of(body, "b")
        return answer(200, explanations.between(finder.by_id(call.id), a, b))

    return [
        Route("POST /v1/customers/lookup", READERS, look_up),
        Route("GET /v1/customers/{id}", READERS, get),
        Route("GET /v1/customers/{id}/timeline", READERS, timeline),
        Route("GET /v1/customers/{id}/context", CONTACTS, context),
        Route("POST /v1/customers/{id}/explain", READERS, explain),
        Route("POST /v1/context", CONTACTS, contact_context),
        Route("GET /v1/openapi.json", frozenset(), lambda call: answer(200, openapi())),
    ]


def timeline_query(raw: str) -> TimelineQuery:
    """A timeline's filters from the query string.

    Raises
    ------
    InvalidPayload, InvalidInteraction
        With the parameter and the reason.
    """
    query = query_of(raw, _FILTERS)
    channel, type_ = query.get("channel"), query.get("type")
    if channel is not None and not _CHANNEL.match(channel):
        raise InvalidPayload("channel: must be a channel's name, such as whatsapp")
    if type_ is not None and type_ not in TYPES:
        raise InvalidPayload("type: not a type of the contract")
    limit = query.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.match(limit) or not 1 <= int(limit) <= MAX_LIMIT:
        raise InvalidPayload(f"limit: must be a whole number from 1 to {MAX_LIMIT}")
    since, until = query.get("since"), query.get("until")
    return TimelineQuery(
        channel=channel,
        type=type_,
        since=None if since is None else parse_time(since, "since"),
        until=None if until is None else parse_time(until, "until"),
        limit=int(limit),
        cursor=query.get("cursor"),
    )
