"""The API's OpenAPI 3.1 document, from its routes and models.

``python -m enlace.api.openapi``, run in the project's folder, writes ``docs/openapi.json``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from enlace.api import models
from enlace.api.operation import Operation
from enlace.api.operations import OPERATIONS
from enlace.usecases.accept_interactions import MAX_ITEMS

VERSION = "1.0.0"

_REFERENCE = "#/components/schemas/{model}"
_STATUS = {
    200: "Done.",
    201: "Decided.",
    202: "Taken, and on its way.",
    400: "The request is malformed; `detail` says which field and why.",
    401: "No valid credentials.",
    403: "None of the caller's roles may do this.",
    404: "Not known.",
    409: "It cannot be done to what is there now; `detail` says why.",
    413: "The body is too large.",
    422: "Well formed, and cannot be used; `detail` says why.",
    503: "A service did not answer; send again.",
}


def openapi() -> dict[str, Any]:
    """The document."""
    used: set[type[BaseModel]] = {models.Problem}
    for operation in OPERATIONS.values():
        used |= {m for m in (operation.answer, operation.body) if m is not None}
    _, schemas = models_json_schema(
        [(m, "validation") for m in sorted(used, key=lambda m: m.__name__)],
        ref_template=_REFERENCE,
    )
    paths: dict[str, dict[str, Any]] = {}
    for key, operation in OPERATIONS.items():
        method, _, path = key.partition(" ")
        paths.setdefault(path, {})[method.lower()] = _described(path, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Enlace",
            "version": VERSION,
            "description": "Who a customer is, over every channel. Errors are RFC 9457 problems.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def _described(path: str, operation: Operation) -> dict[str, Any]:
    parameters = list(operation.parameters)
    for name in re.findall(r"\{(\w+)\}", path):
        schema = {"type": "string", "minLength": 1}
        parameters.insert(0, {"name": name, "in": "path", "required": True, "schema": schema})
    answers = {str(operation.status): _response(operation.status, operation.answer)}
    if operation.otherwise:
        status, said = operation.otherwise
        answers[str(status)] = {**_response(status, operation.answer), "description": said}
    refusals = (401, 403, *operation.problems) if operation.roles else operation.problems
    described: dict[str, Any] = {
        "summary": operation.summary,
        "responses": {
            **answers,
            **{str(s): _response(s, models.Problem, "problem+json") for s in sorted(refusals)},
        },
        "security": [{"jwt": []}, {"apiKey": []}] if operation.roles else [],
    }
    if operation.roles:
        described["x-roles"] = sorted(operation.roles)
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        schema = _reference(operation.body)
        if operation.listed:
            several = {"type": "array", "items": schema, "minItems": 1, "maxItems": MAX_ITEMS}
            schema = {"anyOf": [schema, several]}
        content = {"application/json": {"schema": schema}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _response(status: int, model: type[BaseModel] | None, kind: str = "json") -> dict[str, Any]:
    schema = _reference(model) if model else {"type": "object"}
    return {"description": _STATUS[status], "content": {f"application/{kind}": {"schema": schema}}}


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def page() -> str:
    """The text of ``docs/openapi.json``."""
    return json.dumps(openapi(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    Path("docs/openapi.json").write_text(page(), "utf-8")
    sys.stdout.write("wrote docs/openapi.json\n")
