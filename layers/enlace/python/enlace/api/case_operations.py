"""The routes of service cases."""

from __future__ import annotations

from enlace.api import case_models
from enlace.api.cases import AGENTS
from enlace.api.operation import Operation, paging
from enlace.usecases.read_case import DEFAULT_LIMIT, MAX_LIMIT

_THREAD = paging("Contacts", MAX_LIMIT, DEFAULT_LIMIT)

OPERATIONS = {
    "GET /v1/cases/{protocol}": Operation(
        "A service case with its history and its thread.",
        AGENTS,
        200,
        case_models.CaseDetail,
        None,
        (400, 404, 503),
        parameters=_THREAD,
    ),
    "POST /v1/cases/{protocol}/assign": Operation(
        "Give an open case to somebody.",
        AGENTS,
        200,
        case_models.CaseSummary,
        case_models.AssignRequest,
        (400, 404, 409, 413, 503),
    ),
    "POST /v1/cases/{protocol}/transfer": Operation(
        "Hand an open case over to somebody, on the same or another channel.",
        AGENTS,
        200,
        case_models.CaseSummary,
        case_models.TransferRequest,
        (400, 404, 409, 413, 503),
    ),
    "POST /v1/cases/{protocol}/close": Operation(
        "Close a case.",
        AGENTS,
        200,
        case_models.CaseSummary,
        case_models.CaseReasonRequest,
        (400, 404, 413, 503),
    ),
    "POST /v1/cases/{protocol}/reopen": Operation(
        "Open a closed case again.",
        AGENTS,
        200,
        case_models.CaseSummary,
        case_models.CaseReasonRequest,
        (400, 404, 413, 503),
    ),
}
