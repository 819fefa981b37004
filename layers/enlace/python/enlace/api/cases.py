"""Routes about service cases: read one, hand it over, close it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from enlace.api.app import Call, Route
from enlace.api.callers import ADMIN, AGENT
from enlace.api.fields import object_of, query_of, text_of
from enlace.api.problems import Refused, answer
from enlace.domain.case import Change
from enlace.domain.envelope import NAMESPACE, Entry
from enlace.domain.http import Response
from enlace.domain.interaction import utc_text
from enlace.errors import InvalidPayload
from enlace.usecases.change_case import MAX_NAME, MAX_REASON, ChangeCase, Changed, would_change
from enlace.usecases.read_case import DEFAULT_LIMIT, MAX_LIMIT, CaseView

SOURCE = "enlace.api_cases"
AGENTS = frozenset({AGENT, ADMIN})

_LIMIT = re.compile(r"[0-9]{1,2}\Z", re.ASCII)


class Bus(Protocol):
    """Where events go."""

    def publish_all(self, entries: Sequence[Entry]) -> None:
        """Publish events, all of them."""


def case_routes(
    views: CaseView,
    change: ChangeCase,
    bus: Bus,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Route]:
    """The routes; ``change`` publishes under :data:`SOURCE`."""

    def get(call: Call) -> Response:
        query = query_of(call.request.query, ("limit", "cursor"))
        limit = query.get("limit", str(DEFAULT_LIMIT))
        if not _LIMIT.match(limit) or not 1 <= int(limit) <= MAX_LIMIT:
            raise InvalidPayload(f"limit: must be a whole number from 1 to {MAX_LIMIT}")
        case = views.find(_protocol(call))
        return answer(200, views.view(case, limit=int(limit), cursor=query.get("cursor")))

    def assign(call: Call) -> Response:
        body = object_of(call.body())
        return changed(call, "assigned", body, to=text_of(body, "to", MAX_NAME).strip())

    def transfer(call: Call) -> Response:
        body = object_of(call.body())
        return changed(
            call,
            "transferred",
            body,
            to=text_of(body, "to", MAX_NAME).strip(),
            channel=_optional(body, "channel", MAX_NAME),
        )

    def close(call: Call) -> Response:
        return changed(call, "closed", object_of(call.body()))

    def reopen(call: Call) -> Response:
        body = object_of(call.body()) if call.request.body else {}
        return changed(call, "reopened", body)

    def changed(call: Call, kind: str, body: Mapping[str, Any], **more: str) -> Response:
        reason = _optional(body, "reason", MAX_REASON)
        case = views.find(_protocol(call))
        made = Change(
            _change_id(call), kind, utc_text(now()), _operator(call), reason=reason, **more
        )
        if kind in ("assigned", "transferred") and not case.is_open:
            raise Refused(409, "the case is closed; reopen it first")
        keyed = "idempotency-key" in call.request.headers
        if not keyed and not would_change(case, made):
            # Perhaps the first request was recorded and not told: it is told again.
            last = views.last_change(case, kind)
            after = Changed(case, change.told(case, last, last.id) if last else [])
        else:
            after = change(case, made, made.id)
        bus.publish_all(after.entries)
        return answer(200, views.summary(after.case))

    return [
        Route("GET /v1/cases/{protocol}", AGENTS, get),
        Route("POST /v1/cases/{protocol}/assign", AGENTS, assign),
        Route("POST /v1/cases/{protocol}/transfer", AGENTS, transfer),
        Route("POST /v1/cases/{protocol}/close", AGENTS, close),
        Route("POST /v1/cases/{protocol}/reopen", AGENTS, reopen),
    ]


def _protocol(call: Call) -> str:
    return call.request.path_parameters.get("protocol", "")


def _operator(call: Call) -> str:
    return call.caller.id if call.caller else ""


def _change_id(call: Call) -> str:
    """From ``Idempotency-Key``, so that a repeated request changes once."""
    key = call.request.headers.get("idempotency-key")
    if not key:
        return str(uuid.uuid4())
    return str(uuid.uuid5(NAMESPACE, f"{call.request.path}\x1f{_operator(call)}\x1f{key[:256]}"))


def _optional(body: Mapping[str, Any], name: str, most: int) -> str:
    return text_of(body, name, most).strip() if body.get(name) is not None else ""
