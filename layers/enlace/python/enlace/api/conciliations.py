"""Routes by which operators join and part customers, and take it back."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Protocol

from enlace.api.app import Call, Route
from enlace.api.conciliation_fields import OPERATORS, decision_in
from enlace.api.fields import one_of, query_of
from enlace.api.problems import Refused, answer
from enlace.domain.envelope import NAMESPACE, Cause, Entry
from enlace.domain.http import Response
from enlace.errors import InvalidPayload, TemporaryFailure
from enlace.usecases.compared import Compared
from enlace.usecases.conciliate import Conciliator
from enlace.usecases.conciliation_log import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    PENDING_APPROVAL,
    ConciliationLog,
)
from enlace.usecases.decision_scope import Conciliation
from enlace.usecases.publish import effect_entries

SOURCE = "enlace.api_conciliations"
_LIMIT = re.compile(r"[0-9]{1,2}\Z", re.ASCII)


class Bus(Protocol):
    """Where events go."""

    def publish_all(self, entries: Sequence[Entry]) -> None:
        """Publish events, all of them."""


def conciliation_routes(
    conciliator: Conciliator,
    log: ConciliationLog,
    bus: Bus,
    now: Callable[[], str],
    compared: Compared | None = None,
) -> list[Route]:
    """The routes.

    Parameters
    ----------
    now : callable
        Gives the current contract time.
    compared : Compared, optional
        How candidates compared; kept with what is decided about them.
    """

    def decide(call: Call) -> Response:
        asked = decision_in(call)
        made = conciliator.decide(
            asked.decision,
            asked.a,
            asked.b,
            operator=_operator(call),
            reason=asked.reason,
            verified=asked.verified,
            conciliation_id=_own_id(call),
            comparison=compared(asked.a, asked.b) if compared else None,
        )
        return announced(made, 202 if made.state == PENDING_APPROVAL else 201)

    def approve(call: Call) -> Response:
        return announced(conciliator.approve(call.id, operator=_operator(call)), 200)

    def withdraw(call: Call) -> Response:
        made = conciliator.withdraw(call.id, operator=_operator(call))
        # The same customers can merge by a decision and, if others followed it, by its end.
        return announced(made, 200, "withdrawn")

    def show(call: Call) -> Response:
        return answer(200, log.get(call.id))

    def list_(call: Call) -> Response:
        query = query_of(call.request.query, ("state", "limit", "cursor"))
        # Decisions are found by their ids; only those that wait for somebody are listed.
        one_of(query, "state", (PENDING_APPROVAL,))
        limit = query.get("limit", str(DEFAULT_LIMIT))
        if not _LIMIT.match(limit) or not 1 <= int(limit) <= MAX_LIMIT:
            raise InvalidPayload(f"limit: must be a whole number from 1 to {MAX_LIMIT}")
        return answer(200, log.pending(int(limit), query.get("cursor")))

    def announced(made: Conciliation, status: int, occasion: str = "") -> Response:
        cause = Cause("conciliation_id", made.id)
        entries = effect_entries(made.effects, cause, made.decided_at, now(), SOURCE, occasion)
        try:
            bus.publish_all(entries)
        except TemporaryFailure as error:
            # It is recorded: whoever asked must be able to take it back.
            raise Refused(503, str(error), {"conciliation_id": made.id}) from error
        return answer(
            status,
            {
                "conciliation_id": made.id,
                "customers": made.customers,
                "state": made.state,
                "refused": made.refused,
            },
        )

    return [
        Route("POST /v1/conciliations", OPERATORS, decide),
        Route("GET /v1/conciliations", OPERATORS, list_),
        Route("GET /v1/conciliations/{id}", OPERATORS, show),
        Route("POST /v1/conciliations/{id}/approve", OPERATORS, approve),
        Route("DELETE /v1/conciliations/{id}", OPERATORS, withdraw),
    ]


def _own_id(call: Call) -> str | None:
    """The decision's id from ``Idempotency-Key``, so that a repeated request decides once."""
    key = call.request.headers.get("idempotency-key")
    if not key:
        return None
    return str(uuid.uuid5(NAMESPACE, f"conciliation\x1f{_operator(call)}\x1f{key[:256]}"))


def _operator(call: Call) -> str:
    return call.caller.id if call.caller else ""
