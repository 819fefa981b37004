"""The route by which the company's own systems hand interactions in."""

from __future__ import annotations

from enlace.api.app import Call, Route
from enlace.api.callers import ADMIN, AGENT, MARKETING
from enlace.api.problems import Refused, answer
from enlace.domain.http import Response
from enlace.usecases.accept_interactions import Queue, accept_interactions

#: What one SendMessageBatch carries.
MAX_BODY_BYTES = 1024 * 1024
WRITERS = frozenset({AGENT, MARKETING, ADMIN})


def interaction_routes(queue: Queue) -> list[Route]:
    """The route, on a queue."""

    def post(call: Call) -> Response:
        accepted = accept_interactions(
            call.body(),
            received_at=call.request.received_at,
            levels=call.caller.levels() if call.caller else (),
            queue=queue,
        )
        if not accepted.ids:
            raise Refused(400, "no interaction is valid", {"rejected": accepted.rejected})
        return answer(
            202,
            {
                "accepted": len(accepted.ids),
                "ids": accepted.ids,
                "rejected": accepted.rejected,
            },
        )

    return [Route("POST /v1/interactions", WRITERS, post, MAX_BODY_BYTES)]
