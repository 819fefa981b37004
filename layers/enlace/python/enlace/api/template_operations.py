"""The routes of message templates."""

from __future__ import annotations

from enlace.api import template_models
from enlace.api.operation import Operation, paging, query
from enlace.api.templates import DEFAULT_LIMIT, MAX_LIMIT, READERS, WRITERS

_TEMPLATES = paging("Templates", MAX_LIMIT, DEFAULT_LIMIT)

OPERATIONS = {
    "GET /v1/templates": Operation(
        "The message templates, those that ship and the company's own, by name.",
        READERS,
        200,
        template_models.TemplatePage,
        None,
        (400, 503),
        parameters=_TEMPLATES,
    ),
    "GET /v1/templates/{id}": Operation(
        "A template with its files, in the version in force or another.",
        READERS,
        200,
        template_models.TemplateDetail,
        None,
        (400, 404, 503),
        parameters=(query("version", {"type": "string"}, "Left out, the one in force."),),
    ),
    "PUT /v1/templates/{id}": Operation(
        "Check a template in all its languages, keep it as a version and put that in force. "
        "Templates for other purposes than marketing need the role `admin`.",
        WRITERS,
        200,
        template_models.TemplateSaved,
        template_models.TemplateRequest,
        (400, 409, 413, 503),
    ),
    "POST /v1/templates/{id}/preview": Operation(
        "Render a version, or a file that is not saved, with data or the examples.",
        WRITERS,
        200,
        template_models.TemplatePreview,
        template_models.TemplatePreviewRequest,
        (400, 404, 413, 503),
    ),
    "POST /v1/templates/{id}/activate": Operation(
        "Put a kept version in force: going back, or forward.",
        WRITERS,
        200,
        template_models.TemplateSummary,
        template_models.TemplateActivation,
        (400, 404, 409, 413, 503),
    ),
}
