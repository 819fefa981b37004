"""Routes by which operators join and part customers, and take it back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Protocol

from enlace.api.app import Call, Route
from enlace.api.callers import ADMIN, AGENT
from enlace.api.fields import flag_of, identifier_of, object_of, one_of, text_of
from enlace.api.problems import Refused, answer
from enlace.domain.envelope import NAMESPACE, Cause, Entry
from enlace.domain.http import Response
from enlace.errors import TemporaryFailure
from enlace.usecases.conciliate import Conciliation, Conciliator
from enlace.usecases.publish import effect_entries

SOURCE = "enlace.api_conciliations"
OPERATORS = frozenset({AGENT, ADMIN})
MAX_REASON = 1000


class Bus(Protocol):
    """Where events go."""

    def publish_all(self, entries: Sequence[Entry]) -> None:
        """Publish events, all of them."""


def conciliation_routes(conciliator: Conciliator, bus: Bus, now: Callable[[], str]) -> list[Route]:
    """The routes.

    Parameters
    ----------
    now : callable
        Gives the current contract time.
    """

    def decide(call: Call) -> Response:
        body = object_of(call.body())
        made = conciliator.decide(
            one_of(body, "decision", ("same", "different")),
            identifier_of(body, "a"),
            identifier_of(body, "b"),
            operator=_operator(call),
            reason=text_of(body, "reason", MAX_REASON),
            verified=flag_of(body, "verified"),
            conciliation_id=_own_id(call),
        )
        return announced(made, 201)

    def withdraw(call: Call) -> Response:
        return announced(conciliator.withdraw(call.id, operator=_operator(call)), 200)

    def announced(made: Conciliation, status: int) -> Response:
        cause = Cause("conciliation_id", made.id)
        try:
            bus.publish_all(effect_entries(made.effects, cause, made.decided_at, now(), SOURCE))
        except TemporaryFailure as error:
            # It is recorded: whoever asked must be able to take it back.
            raise Refused(503, str(error), {"conciliation_id": made.id}) from error
        return answer(status, {"conciliation_id": made.id, "customers": made.customers})

    return [
        Route("POST /v1/conciliations", OPERATORS, decide),
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
