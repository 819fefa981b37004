"""How each route of the API is described: who may call it, with what, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from enlace.api import (
    candidate_models,
    case_models,
    conciliation_models,
    consent_models,
    customer_models,
    models,
    rules_models,
    template_models,
)
from enlace.api import consents as consent_api
from enlace.api import templates as template_api
from enlace.api.cases import AGENTS
from enlace.api.conciliation_fields import OPERATORS
from enlace.api.customers import CONTACTS, READERS
from enlace.api.interactions import WRITERS
from enlace.api.rules import CHANGERS
from enlace.api.rules import READERS as RULES_READERS
from enlace.contracts.interaction import Interaction
from enlace.domain.candidate import SOURCES
from enlace.domain.interaction import TYPES
from enlace.usecases import candidates_view, conciliation_log
from enlace.usecases.accept_interactions import MAX_ITEMS
from enlace.usecases.read_case import DEFAULT_LIMIT as CASE_LIMIT
from enlace.usecases.read_case import MAX_LIMIT as MAX_CASE_LIMIT
from enlace.usecases.timeline import DEFAULT_LIMIT, MAX_LIMIT

_TIME = {"type": "string", "format": "date-time"}


@dataclass(frozen=True, slots=True)
class Operation:
    """How a route is described."""

    summary: str
    roles: frozenset[str]
    status: int
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    problems: tuple[int, ...] = ()
    listed: bool = False
    #: A further status that is no problem, with the same answer, and what it says.
    otherwise: tuple[int, str] | None = None
    parameters: tuple[dict[str, Any], ...] = ()


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_FILTERS = (
    _query(
        "channel",
        {"type": "string", "pattern": r"^[a-z][a-z0-9_.\-]{0,63}$"},
        "Only this channel's.",
    ),
    _query("type", {"enum": sorted(TYPES)}, "Only this type."),
    _query("since", _TIME, "At this time or later; ISO 8601 with a zone."),
    _query("until", _TIME, "Before this time."),
    _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "Items on the page.",
    ),
    _query("cursor", {"type": "string"}, "`next_cursor` of the page before."),
)

_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Asking again with the same key decides once.",
    "schema": {"type": "string"},
}

_PENDING = (
    {
        **_query("state", {"const": conciliation_log.PENDING_APPROVAL}, "What waits."),
        "required": True,
    },
    _query(
        "limit",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": conciliation_log.MAX_LIMIT,
            "default": conciliation_log.DEFAULT_LIMIT,
        },
        "Items on the page.",
    ),
    _query("cursor", {"type": "string"}, "`next_cursor` of the page before."),
)

_CANDIDATES = (
    _query(
        "limit",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": candidates_view.MAX_LIMIT,
            "default": candidates_view.DEFAULT_LIMIT,
        },
        "Pairs on the page.",
    ),
    _query("cursor", {"type": "string"}, "`next_cursor` of the page before."),
    _query(
        "min_probability",
        {"type": "number", "minimum": 0, "maximum": 1},
        "At least so likely; leaves out pairs of which no likeness is known.",
    ),
    _query("source", {"enum": list(SOURCES)}, "Mere likeness, or evidence that a rule refused."),
)

_THREAD = (
    _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_CASE_LIMIT, "default": CASE_LIMIT},
        "Contacts on the page.",
    ),
    _query("cursor", {"type": "string"}, "`next_cursor` of the page before."),
)

_TEMPLATES = (
    _query(
        "limit",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": template_api.MAX_LIMIT,
            "default": template_api.DEFAULT_LIMIT,
        },
        "Templates on the page.",
    ),
    _query("cursor", {"type": "string"}, "`next_cursor` of the page before."),
)

OPERATIONS = {
    "POST /v1/interactions": Operation(
        f"Hand in one interaction, or a list of up to {MAX_ITEMS}. Only `admin` may assert "
        "the level `proven`.",
        WRITERS,
        202,
        models.AcceptedInteractions,
        Interaction,
        (400, 413, 503),
        listed=True,
    ),
    "POST /v1/customers/lookup": Operation(
        "The customer behind an identifier; kind `customer_id` follows aliases.",
        READERS,
        200,
        customer_models.Customer,
        models.IdentifierRequest,
        (400, 404, 413, 503),
    ),
    "GET /v1/customers/{id}": Operation(
        "The 360° view. Former ids answer with the current customer.",
        READERS,
        200,
        customer_models.Customer,
        None,
        (404, 503),
    ),
    "GET /v1/customers/{id}/timeline": Operation(
        "Interactions over all contact points, newest first.",
        READERS,
        200,
        customer_models.TimelinePage,
        None,
        (400, 404, 503),
        parameters=_FILTERS,
    ),
    "GET /v1/customers/{id}/context": Operation(
        "The context for an agent's screen.",
        CONTACTS,
        200,
        customer_models.Context,
        None,
        (404, 503),
    ),
    "POST /v1/customers/{id}/explain": Operation(
        "The path of evidence between two identifiers.",
        READERS,
        200,
        models.Explanation,
        models.ExplainRequest,
        (400, 404, 413, 503),
    ),
    "POST /v1/context": Operation(
        "The context of a contact point, for an agent or for the customer's own side.",
        CONTACTS,
        200,
        customer_models.Context,
        models.ContextRequest,
        (400, 404, 413, 503),
    ),
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
    "POST /v1/consents": Operation(
        "Record what somebody said about one purpose on one channel of an address; tells what "
        "holds then. Only the subject, with evidence, turns a no into a yes.",
        consent_api.WRITERS,
        201,
        consent_models.ConsentAnswer,
        consent_models.ConsentRequest,
        (400, 413, 503),
    ),
    "POST /v1/consents/receipts": Operation(
        "The receipt of one record, with the fields of ISO/IEC TS 27560.",
        consent_api.WRITERS,
        200,
        consent_models.ConsentReceipt,
        consent_models.ReceiptRequest,
        (400, 404, 413, 503),
    ),
    "POST /v1/consents/lookup": Operation(
        "What holds for an address: all that is on record, or one purpose on one channel.",
        consent_api.READERS,
        200,
        consent_models.ConsentPage,
        consent_models.ConsentLookup,
        (400, 413, 503),
    ),
    "GET /v1/openapi.json": Operation("This document.", frozenset(), 200),
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
    "GET /v1/templates": Operation(
        "The message templates, those that ship and the company's own, by name.",
        template_api.READERS,
        200,
        template_models.TemplatePage,
        None,
        (400, 503),
        parameters=_TEMPLATES,
    ),
    "GET /v1/templates/{id}": Operation(
        "A template with its files, in the version in force or another.",
        template_api.READERS,
        200,
        template_models.TemplateDetail,
        None,
        (400, 404, 503),
        parameters=(_query("version", {"type": "string"}, "Left out, the one in force."),),
    ),
    "PUT /v1/templates/{id}": Operation(
        "Check a template in all its languages, keep it as a version and put that in force. "
        "Templates for other purposes than marketing need the role `admin`.",
        template_api.WRITERS,
        200,
        template_models.TemplateSaved,
        template_models.TemplateRequest,
        (400, 409, 413, 503),
    ),
    "POST /v1/templates/{id}/preview": Operation(
        "Render a version, or a file that is not saved, with data or the examples.",
        template_api.WRITERS,
        200,
        template_models.TemplatePreview,
        template_models.TemplatePreviewRequest,
        (400, 404, 413, 503),
    ),
    "POST /v1/templates/{id}/activate": Operation(
        "Put a kept version in force: going back, or forward.",
        template_api.WRITERS,
        200,
        template_models.TemplateSummary,
        template_models.TemplateActivation,
        (400, 404, 409, 413, 503),
    ),
    "GET /v1/rules": Operation(
        "The rules of identity in force, and how far what is stored has been brought to them.",
        RULES_READERS,
        200,
        rules_models.RulesInForce,
        None,
        (503,),
    ),
    "PUT /v1/rules": Operation(
        "Put rules in force, as JSON or, with content type text/plain, as the file itself. The "
        "customers follow; asking again with the same rules changes nothing.",
        CHANGERS,
        200,
        rules_models.RulesInForce,
        rules_models.RulesRequest,
        (400, 409, 413, 422, 503),
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
