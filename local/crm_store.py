"""What the CRM sink was told: contacts, activities and merges, in memory."""

from __future__ import annotations

import itertools
import re
import threading
from typing import Any
from urllib.parse import parse_qs, unquote

_OBJECT = re.compile(r"^/crm/v3/objects/(?P<kind>[a-z_]+)(?:/(?P<rest>.+))?$")
_PROPERTIES = re.compile(r"^/crm/v3/properties/(?P<kind>[a-z_]+)/(?P<what>groups|batch/create)$")
_ASSOCIATIONS = re.compile(
    r"^/crm/v4/associations/(?P<kind>[a-z_]+)/contacts/batch/(?P<action>associate/default|archive)$"
)
_OWN_PREFIX = "enlace_"
_ENGAGEMENTS = {"notes", "calls", "emails", "tasks", "meetings", "communications"}


class Store:
    """Everything the sink was told, guarded by one lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.ids = itertools.count(1)
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.properties: set[tuple[str, str]] = set()
        self.successors: dict[str, str] = {}
        self.merges: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.failures: list[dict[str, Any]] = []

    def shown(self, what: str) -> list[Any] | None:
        """What the inspection route ``what`` answers, ``None`` for an unknown one."""
        if what == "engagements":
            return [item for kind in sorted(_ENGAGEMENTS) for item in self.kind(kind).values()]
        if what == "merges":
            return list(self.merges)
        if what == "requests":
            return list(self.requests)
        if what != "contacts" and what not in _ENGAGEMENTS:
            return None
        return list(self.kind(what).values())

    def kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """Objects of one kind by id."""
        return self.objects.setdefault(kind, {})

    def find(self, kind: str, object_id: str) -> dict[str, Any] | None:
        """An object by its id, or by one it had before a merge."""
        while object_id in self.successors:
            object_id = self.successors[object_id]
        return self.kind(kind).get(object_id)

    def unknown_property(self, kind: str, properties: dict[str, Any]) -> bool:
        """Whether a property of the project's own is set before it was created."""
        return any(
            name.startswith(_OWN_PREFIX) and (kind, name) not in self.properties
            for name in properties
        )

    def create(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Add an object; a contact whose e-mail is known already is a conflict, as at HubSpot."""
        properties = dict(body.get("properties") or {})
        if self.email_taken(kind, properties):
            return 409, {"category": "CONFLICT", "message": "Contact already exists"}
        item: dict[str, Any] = {
            "id": str(next(self.ids)),
            "type": kind,
            "properties": properties,
            "contacts": [],
        }
        self.kind(kind)[item["id"]] = item
        return 201, item

    def email_taken(self, kind: str, properties: dict[str, Any], but: str | None = None) -> bool:
        """Whether another contact has the e-mail."""
        email = properties.get("email")
        return kind == "contacts" and any(
            email and item["properties"].get("email") == email and item["id"] != but
            for item in self.kind(kind).values()
        )

    def update(self, kind: str, object_id: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Change properties of an object."""
        item = self.find(kind, object_id)
        if item is None:
            return 404, {"message": "resource not found"}
        item["properties"].update(body.get("properties") or {})
        return 200, item

    def search(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Objects that fit any of the filter groups; only ``EQ`` is known."""
        groups = body.get("filterGroups") or []
        results = [
            item
            for item in self.kind(kind).values()
            if any(
                all(item["properties"].get(f["propertyName"]) == f["value"] for f in g["filters"])
                for g in groups
            )
        ]
        return 200, {"total": len(results), "results": results}

    def by_property(self, kind: str, name: str, value: Any) -> dict[str, Any] | None:
        """The object whose unique property has the value."""
        items = self.kind(kind).values()
        return next((item for item in items if item["properties"].get(name) == value), None)

    def read(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Several objects by id or by a unique property."""
        name, inputs = body.get("idProperty"), body.get("inputs", [])
        found = [
            self.by_property(kind, name, entry["id"]) if name else self.find(kind, entry["id"])
            for entry in inputs
        ]
        return 200, {"status": "COMPLETE", "results": [item for item in found if item is not None]}

    def upsert(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Create or update by a unique property, several at a time."""
        results = []
        for entry in body.get("inputs", []):
            name = entry.get("idProperty", "hs_object_id")
            properties = {**(entry.get("properties") or {}), name: entry["id"]}
            if self.unknown_property(kind, properties):
                error = {"code": "PROPERTY_DOESNT_EXIST"}
                return 400, {"category": "VALIDATION_ERROR", "errors": [error]}
            known = self.by_property(kind, name, entry["id"])
            if known is None:
                status, item = self.create(kind, {"properties": properties})
                if status != 201:
                    return status, item
                results.append({**item, "new": True})
            elif self.email_taken(kind, properties, but=known["id"]):
                return 409, {"category": "CONFLICT", "message": "Contact already exists"}
            else:
                known["properties"].update(properties)
                results.append({**known, "new": False})
        return 200, {"status": "COMPLETE", "results": results}

    def merge(self, body: dict[str, Any]) -> tuple[int, Any]:
        """Merge one contact into another, under a new id."""
        primary_id, other_id = str(body.get("primaryObjectId")), str(body.get("objectIdToMerge"))
        primary, other = self.find("contacts", primary_id), self.find("contacts", other_id)
        if primary is None or other is None or primary is other:
            return 400, {"category": "VALIDATION_ERROR", "message": "no two contacts to merge"}
        contacts = self.kind("contacts")
        merged = {
            **primary,
            "id": str(next(self.ids)),
            "properties": {**other["properties"], **primary["properties"]},
        }
        for former in (primary["id"], other["id"]):
            del contacts[former]
            self.successors[former] = merged["id"]
            for kind in _ENGAGEMENTS:
                for item in self.kind(kind).values():
                    ids = [merged["id"] if i == former else i for i in item["contacts"]]
                    item["contacts"] = list(dict.fromkeys(ids))
        contacts[merged["id"]] = merged
        self.merges.append({"primary": primary_id, "other": other_id, "merged": merged["id"]})
        return 200, merged

    def update_all(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Change properties of several objects."""
        for entry in body.get("inputs", []):
            self.update(kind, entry["id"], entry)
        return 200, {"status": "COMPLETE", "results": []}

    def archive(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Delete several objects; those that are gone do not matter."""
        for entry in body.get("inputs", []):
            self.kind(kind).pop(entry["id"], None)
        return 204, None

    def erase(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Delete a contact for good, as HubSpot does for the GDPR."""
        item = self.find(kind, str(body.get("objectId")))
        if item is None or kind != "contacts":
            return 404, {"message": "resource not found"}
        del self.kind(kind)[item["id"]]
        for engagements in _ENGAGEMENTS:
            for one in self.kind(engagements).values():
                one["contacts"] = [i for i in one["contacts"] if i != item["id"]]
        return 204, None

    def associate(self, kind: str, action: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Put activities to contacts, or take them away."""
        for entry in body.get("inputs", []):
            item = self.find(kind, entry["from"]["id"])
            to = entry["to"] if isinstance(entry["to"], list) else [entry["to"]]
            contacts = [self.find("contacts", other["id"]) for other in to]
            if item is None or None in contacts:
                return 404, {"category": "OBJECT_NOT_FOUND", "message": "resource not found"}
            ids = [contact["id"] for contact in contacts if contact is not None]
            rest = [i for i in item["contacts"] if i not in ids]
            item["contacts"] = rest if action == "archive" else rest + ids
        return (204, None) if action == "archive" else (200, {"status": "COMPLETE", "results": []})

    def create_properties(self, kind: str, what: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Add a group of properties, or properties."""
        names = {(kind, entry["name"]) for entry in body.get("inputs", [])}
        if what == "groups":
            names = {(kind, f"group {body.get('name')}")}
        if names <= self.properties:
            return 409, {"category": "CONFLICT", "message": "exists already"}
        self.properties |= names
        return 201, {"results": body.get("inputs", [])}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and body for one call of the CRM's API."""
        path, _, query = path.partition("?")
        body = body if isinstance(body, dict) else {}
        if method == "POST" and (match := _PROPERTIES.match(path)):
            return self.create_properties(match["kind"], match["what"], body)
        if method == "POST" and (match := _ASSOCIATIONS.match(path)):
            return self.associate(match["kind"], match["action"], body)
        match = _OBJECT.match(path)
        if match is None or (match["kind"] != "contacts" and match["kind"] not in _ENGAGEMENTS):
            # The plain webhook provider posts to any path outside the CRM's own.
            known = method == "POST" and not path.startswith("/crm/")
            return (200, {}) if known else (404, {"message": "no such route"})
        if method == "GET" and match["rest"] and "idProperty" in (asked := parse_qs(query)):
            # By a unique property of the project's own, which follows no merge.
            item = self.by_property(match["kind"], asked["idProperty"][0], unquote(match["rest"]))
            return (200, item) if item else (404, {"message": "resource not found"})
        return self.object_call(method, match["kind"], match["rest"], body)

    def object_call(
        self, method: str, kind: str, rest: str | None, body: dict[str, Any]
    ) -> tuple[int, Any]:
        """A call on objects of one kind; ``rest`` is what follows the kind in the path."""
        if method == "POST":
            if rest == "merge":
                return self.merge(body)
            actions = {
                None: self.create,
                "search": self.search,
                "batch/upsert": self.upsert,
                "batch/read": self.read,
                "batch/update": self.update_all,
                "batch/archive": self.archive,
                "gdpr-delete": self.erase,
            }
            if rest in actions:
                return actions[rest](kind, body)
        elif rest is None:
            return 200, {"results": list(self.kind(kind).values())}
        elif method == "PATCH":
            return self.update(kind, rest, body)
        elif method == "GET":
            item = self.find(kind, rest)
            return (200, item) if item else (404, {"message": "resource not found"})
        return 404, {"message": "no such route"}
