"""Routes by which message templates are read, tried, saved and put in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from enlace.api.app import Call, Route
from enlace.api.callers import ADMIN, AGENT, MARKETING
from enlace.api.fields import flag_of, object_of, query_of, text_of
from enlace.api.problems import Refused, answer
from enlace.domain.http import Response
from enlace.domain.template_source import LANGUAGES, MAX_SOURCE, Variable, purposes_of
from enlace.domain.template_version import MARKETING as MARKETING_PURPOSE
from enlace.domain.template_version import SHIPPED, TemplateVersion
from enlace.errors import Conflict, InvalidPayload
from enlace.usecases.edit_templates import EditTemplates, Shown
from enlace.usecases.template_checks import Checked, Preview

READERS = frozenset({AGENT, MARKETING, ADMIN})
WRITERS = frozenset({MARKETING, ADMIN})
#: Three languages, with what JSON makes of line breaks and quotes.
MAX_BODY_BYTES = 4 * MAX_SOURCE
DEFAULT_LIMIT, MAX_LIMIT = 50, 100


def template_routes(templates: EditTemplates) -> list[Route]:
    """The routes."""

    def listed(call: Call) -> Response:
        query = query_of(call.request.query, ("limit", "cursor"))
        limit = _limit(query.get("limit", str(DEFAULT_LIMIT)))
        # Names are in order, so a page begins after the last one of the page before.
        names = [name for name in templates.names() if name > query.get("cursor", "")]
        items = [_summary(templates.show(name)) for name in names[:limit]]
        more = names[limit - 1] if len(names) > limit else None
        return answer(200, {"items": items, "next_cursor": more})

    def show(call: Call) -> Response:
        query = query_of(call.request.query, ("version",))
        return answer(200, _detail(templates, templates.show(call.id, query.get("version", ""))))

    def put(call: Call) -> Response:
        body = object_of(call.body())
        texts, purposes = _texts(body), _purposes(body)
        activate = flag_of(body, "activate") if "activate" in body else True
        with _told():
            checked = templates.save(
                call.id, texts, purposes, by=_id(call), may=_may(call), activate=activate
            )
        return answer(200, _saved(checked, activate))

    def activate(call: Call) -> Response:
        version = text_of(object_of(call.body()), "version", 64)
        with _told():
            shown = templates.activate(call.id, version, by=_id(call), may=_may(call))
        return answer(200, _summary(shown))

    def preview(call: Call) -> Response:
        body = object_of(call.body())
        data = body.get("data")
        if data is not None and not isinstance(data, dict):
            raise InvalidPayload("data: must be an object")
        language = _optional(body, "language", 16)
        made = templates.preview(
            call.id,
            language,
            data,
            version=_optional(body, "version", 64),
            source=_optional(body, "source", MAX_SOURCE),
        )
        return answer(200, {"id": call.id, **_rendered(made), "asked_language": language or None})

    return [
        Route("GET /v1/templates", READERS, listed),
        Route("GET /v1/templates/{id}", READERS, show),
        Route("PUT /v1/templates/{id}", WRITERS, put, max_body_bytes=MAX_BODY_BYTES),
        Route("POST /v1/templates/{id}/preview", WRITERS, preview, max_body_bytes=MAX_BODY_BYTES),
        Route("POST /v1/templates/{id}/activate", WRITERS, activate),
    ]


def _summary(shown: Shown) -> dict[str, Any]:
    known = shown.known
    return {
        "id": shown.name,
        "version": shown.in_force or None,
        "shipped": shown.in_force.startswith(SHIPPED),
        "versions": list(shown.versions),
        "purposes": list(known.purposes) if known else [],
        "languages": {code: list(parts) for code, parts in known.languages.items()}
        if known
        else {},
        "variables": _variables(known) if known else {},
    }


def _detail(templates: EditTemplates, shown: Shown) -> dict[str, Any]:
    known = shown.known
    return {
        **_summary(shown),
        "shown_version": known.version if known else None,
        "saved_at": (known.saved_at if known else "") or None,
        "saved_by": (known.saved_by if known else "") or None,
        "sources": templates.sources(known) if known else {},
    }


def _variables(known: TemplateVersion) -> dict[str, Any]:
    def shown(variable: Variable) -> dict[str, Any]:
        return {
            "type": variable.type,
            "example": variable.example,
            "optional": variable.optional,
        }

    return {name: shown(variable) for name, variable in known.variables.items()}


def _saved(checked: Checked, active: bool) -> dict[str, Any]:
    return {
        "id": checked.version.name,
        "version": checked.version.version,
        "active": active,
        "purposes": list(checked.version.purposes),
        "variables": _variables(checked.version),
        "warnings": list(checked.warnings),
        "languages": {preview.language: _rendered(preview) for preview in checked.previews},
    }


def _rendered(preview: Preview) -> dict[str, Any]:
    return {
        "language": preview.language,
        "parts": dict(preview.parts),
        "sms": preview.sms,
        "warnings": list(preview.warnings),
    }


def _texts(body: Any) -> dict[str, str]:
    languages = body.get("languages")
    if not isinstance(languages, dict) or not languages:
        raise InvalidPayload(f"languages: must be an object of {', '.join(LANGUAGES)}")
    if not set(languages) <= set(LANGUAGES):
        raise InvalidPayload(f"languages: are {', '.join(LANGUAGES)}")
    return {code: text_of(languages, code, MAX_SOURCE) for code in languages}


def _purposes(body: Any) -> tuple[str, ...]:
    purposes = body.get("purposes", [])
    if not isinstance(purposes, list) or not all(isinstance(word, str) for word in purposes):
        raise InvalidPayload("purposes: must be a list of words")
    return purposes_of(purposes)


def _optional(body: Any, name: str, most: int) -> str:
    return text_of(body, name, most) if body.get(name) is not None else ""


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= MAX_LIMIT:
        raise InvalidPayload(f"limit: must be 1 to {MAX_LIMIT}")
    return int(text)


def _id(call: Call) -> str:
    return call.caller.id if call.caller else ""


def _may(call: Call) -> Callable[[Iterable[str]], None]:
    def check(purposes: Iterable[str]) -> None:
        # Only what rests on consent is marketing's own: else an offer, saved as a receipt, would
        # reach those who said no.
        others = set(purposes) - {MARKETING_PURPOSE}
        if others and not (call.caller and ADMIN in call.caller.roles):
            raise Refused(403, "templates for other purposes than marketing need the role admin")

    return check


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Conflict as error:
        raise Refused(409, str(error)) from error
