"""JSON Schemas of the contracts, and whether one breaks readers of another."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from enlace.contracts.interaction import Campaign, Cart, Interaction, Purchase, Service
from enlace.contracts.registry import EventContract

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Version of the interaction's contract, in the manner of the events'.
INTERACTION_VERSION = "1.0"


def event_schema(contract: EventContract) -> dict[str, Any]:
    """The schema of an event as a rule delivers it."""
    detail = contract.envelope.model_json_schema()
    definitions = detail.pop("$defs", {})
    body = {
        "$schema": DIALECT,
        "$id": f"urn:enlace:event:{contract.name}:{contract.major}.{contract.minor}",
        "title": contract.detail_type,
        "description": (contract.model.__doc__ or "").strip(),
        "type": "object",
        "required": ["source", "detail-type", "detail"],
        "properties": {
            "source": {"enum": list(contract.sources)},
            "detail-type": {"const": contract.detail_type},
            "detail": detail,
        },
        "$defs": definitions,
    }
    return _object_without_titles(body)


def interaction_schema() -> dict[str, Any]:
    """The schema of one interaction, with the shapes that its ``data`` may have."""
    references, shared = models_json_schema(
        [(model, "validation") for model in (Interaction, Purchase, Cart, Service, Campaign)]
    )
    definitions = shared["$defs"]
    body = {
        "$schema": DIALECT,
        "$id": f"urn:enlace:interaction:{INTERACTION_VERSION}",
        **definitions.pop("Interaction"),
        "title": "interaction",
        "anyOf": [
            {"required": ["id"], "properties": {"id": {"type": "string"}}},
            {
                "required": ["source_id"],
                "properties": {"source_id": {"type": "string", "minLength": 1}},
            },
        ],
        "if": {"properties": {"type": {"pattern": r"^order\."}}},
        "then": {"properties": {"data": references[(Purchase, "validation")]}},
        "$defs": definitions,
    }
    return _object_without_titles(body)


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What of ``new`` a reader written for ``old`` cannot bear.

    Parameters
    ----------
    old, new : dict
        JSON Schemas of the same major version.

    Returns
    -------
    list of str
        Paths with the reason: a field that is gone, is no longer certain to be
        there, or has another type; and fields that became required, for what the
        archive holds does not have them. Empty when the change is a minor one.
    """
    found: list[str] = []
    _compare(old, new, old.get("$defs", {}), new.get("$defs", {}), "$", found)
    return found


def resolve(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A schema node with its reference, if it has one, followed."""
    reference = node.get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else node


def _compare(
    old: dict[str, Any],
    new: dict[str, Any],
    old_definitions: dict[str, Any],
    new_definitions: dict[str, Any],
    path: str,
    found: list[str],
) -> None:
    old, new = resolve(old, old_definitions), resolve(new, new_definitions)
    for word in ("type", "const", "format"):
        if old.get(word) != new.get(word):
            found.append(f"{path}: another {word}")
    if not set(old.get("enum", [])) <= set(new.get("enum", old.get("enum", []))):
        found.append(f"{path}: a value is gone")
    before, after = set(old.get("required", [])), set(new.get("required", []))
    found.extend(f"{path}.{name}: became optional" for name in sorted(before - after))
    found.extend(f"{path}.{name}: became required" for name in sorted(after - before))
    fields = new.get("properties", {})
    for name, field in old.get("properties", {}).items():
        if name not in fields:
            found.append(f"{path}.{name}: gone")
        else:
            _compare(field, fields[name], old_definitions, new_definitions, f"{path}.{name}", found)
    if "items" in old and "items" in new:
        _compare(old["items"], new["items"], old_definitions, new_definitions, f"{path}[]", found)
    new_forms = new.get("anyOf", [new])
    for form in old.get("anyOf", []):
        if not any(_fits(form, other, old_definitions, new_definitions) for other in new_forms):
            found.append(f"{path}: a form is gone or narrower")


def _fits(
    old: dict[str, Any],
    new: dict[str, Any],
    old_definitions: dict[str, Any],
    new_definitions: dict[str, Any],
) -> bool:
    found: list[str] = []
    _compare(old, new, old_definitions, new_definitions, "", found)
    return not found


def _object_without_titles(body: dict[str, Any]) -> dict[str, Any]:
    return {**_without_titles(body), "title": body["title"]}


def _without_titles(node: Any) -> Any:
    """Drop pydantic's titles, which only repeat the field's name; the outermost stays."""
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: (
            {name: _strip(field) for name, field in value.items()}
            if key in ("properties", "$defs")
            else _without_titles(value)
        )
        for key, value in node.items()
    }


def _strip(node: Any) -> Any:
    clean = _without_titles(node)
    if isinstance(clean, dict):
        clean.pop("title", None)
    return clean
