"""The route that tells what a decision would change.

It is answered by the function that reads customers, whose role lets it write nothing.
"""

from __future__ import annotations

from enlace.api.app import Call, Route
from enlace.api.conciliation_fields import OPERATORS, decision_in
from enlace.api.problems import answer
from enlace.domain.http import Response
from enlace.usecases.preview import Preview


def preview_routes(previews: Preview) -> list[Route]:
    """The route, on a ready use case."""

    def preview(call: Call) -> Response:
        asked = decision_in(call)
        found = previews.of(asked.decision, asked.a, asked.b, verified=asked.verified)
        return answer(200, found)

    return [Route("POST /v1/conciliations/preview", OPERATORS, preview)]
