"""The routes of conciliations and of candidates for them."""

from __future__ import annotations

from enlace.api import candidate_models, conciliation_models, models
from enlace.api.conciliation_fields import OPERATORS
from enlace.api.operation import Operation, paging, query
from enlace.domain.candidate import SOURCES
from enlace.usecases import candidates_view, conciliation_log

_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Asking again with the same key decides once.",
    "schema": {"type": "string"},
}
_PENDING = (
    {
        **query("state", {"const": conciliation_log.PENDING_APPROVAL}, "What waits."),
        "required": True,
    },
    *paging("Items", conciliation_log.MAX_LIMIT, conciliation_log.DEFAULT_LIMIT),
)
_CANDIDATES = (
    *paging("Pairs", candidates_view.MAX_LIMIT, candidates_view.DEFAULT_LIMIT),
    query(
        "min_probability",
        {"type": "number", "minimum": 0, "maximum": 1},
        "At least so likely; leaves out pairs of which no likeness is known.",
    ),
    query("source", {"enum": list(SOURCES)}, "Mere likeness, or evidence that a rule refused."),
)

OPERATIONS = {
    "POST /v1/conciliations": Operation(
        "Decide that two identifiers are, or are not, the same person.",
        OPERATORS,
        201,
        conciliation_models.ConciliationAnswer,
        models.ConciliationRequest,
        (400, 404, 409, 413, 503),
        otherwise=(202, "Recorded, and in force once another operator approves it."),
        parameters=(_IDEMPOTENCY,),
    ),
    "POST /v1/conciliations/preview": Operation(
        "What a decision would change; nothing is changed.",
        OPERATORS,
        200,
        conciliation_models.ConciliationPreview,
        models.ConciliationRequest,
        (400, 404, 409, 413, 503),
    ),
    "GET /v1/conciliations": Operation(
        "The decisions that wait for a second approver, longest first.",
        OPERATORS,
        200,
        conciliation_models.ConciliationPage,
        None,
        (400, 503),
        parameters=_PENDING,
    ),
    "GET /v1/conciliations/candidates": Operation(
        "Pairs that may be one person and wait for a decision, best first. A page may be "
        "shorter than its limit and not be the last.",
        OPERATORS,
        200,
        candidate_models.CandidatePage,
        None,
        (400, 503),
        parameters=_CANDIDATES,
    ),
    "GET /v1/conciliations/{id}": Operation(
        "A decision: who, why, when, who approved it and who took it back.",
        OPERATORS,
        200,
        conciliation_models.ConciliationEntry,
        None,
        (404, 503),
    ),
    "POST /v1/conciliations/{id}/approve": Operation(
        "Put a decision in force that waits for a second operator: not the one who decided.",
        OPERATORS,
        200,
        conciliation_models.ConciliationAnswer,
        None,
        (404, 409, 503),
    ),
    "DELETE /v1/conciliations/{id}": Operation(
        "Withdraw a decision, pending or in force; what was before comes back exactly.",
        OPERATORS,
        200,
        conciliation_models.ConciliationAnswer,
        None,
        (404, 503),
    ),
}
