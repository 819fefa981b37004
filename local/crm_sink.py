"""A CRM to send to: an HTTP server on loopback that takes HubSpot-like calls and shows them.

Contacts are created, updated and searched, engagements noted and contacts merged, in memory. What
was received is at ``GET /_sink/contacts``, ``/_sink/engagements``, ``/_sink/merges`` and
``/_sink/requests``; ``DELETE /_sink`` forgets it; ``POST /_sink/fail {"status", "times",
"retry_after"}`` makes the next calls fail.

Paths and bodies follow HubSpot's CRM objects API, version 3, as its public client has them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_OBJECT = re.compile(r"^/crm/v3/objects/(?P<kind>[a-z_]+)(?:/(?P<rest>.+))?$")
_ENGAGEMENTS = {"notes", "calls", "emails", "tasks", "meetings", "communications"}
MAX_BODY_BYTES = 5_000_000


class Store:
    """Everything the sink was told, guarded by one lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.ids = itertools.count(1)
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.merges: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.failures: list[dict[str, Any]] = []

    def shown(self, what: str) -> list[Any] | None:
        """What the inspection route ``what`` answers, ``None`` for an unknown one."""
        if what == "engagements":
            return [item for kind in sorted(_ENGAGEMENTS) for item in self.kind(kind).values()]
        if what in {"merges", "requests"}:
            return list(getattr(self, what))
        return list(self.kind(what).values()) if what in {"contacts", *_ENGAGEMENTS} else None

    def kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """Objects of one kind by id."""
        return self.objects.setdefault(kind, {})

    def create(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Add an object; a contact whose e-mail is known already is a conflict, as at HubSpot."""
        properties = dict(body.get("properties") or {})
        email = properties.get("email")
        for known in self.kind(kind).values() if kind == "contacts" and email else ():
            if known["properties"].get("email") == email:
                return 409, {"message": f"Contact already exists. Existing ID: {known['id']}"}
        new_id = str(next(self.ids))
        item = {
            "id": new_id,
            "type": kind,
            "properties": properties,
            "associations": body.get("associations", []),
        }
        self.kind(kind)[new_id] = item
        return 201, item

    def update(self, kind: str, object_id: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Change properties of an object, following merges."""
        for merge in self.merges:
            if object_id == merge["objectIdToMerge"]:
                object_id = merge["primaryObjectId"]
        item = self.kind(kind).get(object_id)
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

    def upsert(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Create or update by a unique property, the batch way."""
        results = []
        for entry in body.get("inputs", []):
            name = entry.get("idProperty", "hs_object_id")
            known = next(
                (i for i in self.kind(kind).values() if i["properties"].get(name) == entry["id"]),
                None,
            )
            properties = {**(entry.get("properties") or {}), name: entry["id"]}
            if known is not None:
                known["properties"].update(properties)
                results.append({**known, "new": False})
            else:
                status, item = self.create(kind, {"properties": properties})
                if status != 201:
                    return status, item
                results.append({**item, "new": True})
        return 200, {"status": "COMPLETE", "results": results}

    def merge(self, body: dict[str, Any]) -> tuple[int, Any]:
        """Merge one contact into another."""
        primary, other = str(body.get("primaryObjectId")), str(body.get("objectIdToMerge"))
        contacts = self.kind("contacts")
        if primary not in contacts or other not in contacts or primary == other:
            return 400, {"message": "objects to merge not found"}
        former = contacts.pop(other)
        contacts[primary]["properties"] = {
            **former["properties"],
            **contacts[primary]["properties"],
        }
        self.merges.append({"primaryObjectId": primary, "objectIdToMerge": other})
        return 200, contacts[primary]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and body for one call of the CRM's API."""
        match = _OBJECT.match(path)
        if match is None:
            if method == "POST":  # the plain webhook provider posts anywhere
                return 200, {}
            return 404, {"message": "no such route"}
        kind, rest = match["kind"], match["rest"]
        if kind != "contacts" and kind not in _ENGAGEMENTS:
            return 404, {"message": "no such object type"}
        body = body if isinstance(body, dict) else {}
        if method == "POST":
            if rest == "merge":
                return self.merge(body)
            actions = {None: self.create, "search": self.search, "batch/upsert": self.upsert}
            if rest in actions:
                return actions[rest](kind, body)
            return 404, {"message": "no such route"}
        if rest is None:
            return 200, {"results": list(self.kind(kind).values())}
        if method == "PATCH":
            return self.update(kind, rest, body)
        if method == "DELETE":
            return (
                (204, None) if self.kind(kind).pop(rest, None) else (404, {"message": "not found"})
            )
        if method == "GET":
            item = self.kind(kind).get(rest)
            return (200, item) if item else (404, {"message": "resource not found"})
        return 404, {"message": "no such route"}


class Handler(BaseHTTPRequestHandler):
    """One HTTP request."""

    store: Store
    protocol_version = "HTTP/1.1"
    # A client that keeps its connection open must not hold a thread for ever.
    timeout = 30

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY_BYTES:
            self._respond(413, {"message": "too large"})
            return
        raw = self.rfile.read(length)
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            self._respond(400, {"message": "not JSON"})
            return
        path = self.path.split("?", 1)[0]
        with self.store.lock:
            if path.startswith("/_sink"):
                status, answer = self._inspect(path, body)
            else:
                self.store.requests.append({"method": self.command, "path": path, "body": body})
                if self.store.failures:
                    failure = self.store.failures.pop()
                    self._respond(
                        failure["status"], {"message": "as asked"}, failure["retry_after"]
                    )
                    return
                status, answer = self.store.answer(self.command, path, body)
        self._respond(status, answer)

    def _inspect(self, path: str, body: Any) -> tuple[int, Any]:
        what = path.removeprefix("/_sink").strip("/")
        if self.command == "DELETE":
            self.store.clear()
            return 204, None
        if self.command == "POST" and what == "fail":
            failure = {"status": int(body["status"]), "retry_after": body.get("retry_after")}
            self.store.failures += [failure] * int(body.get("times", 1))
            return 204, None
        if what == "":
            return 200, {"status": "up"}
        shown = self.store.shown(what)
        return (200, {"items": shown}) if shown is not None else (404, {"message": "no such route"})

    def _respond(self, status: int, answer: Any, retry_after: Any = None) -> None:
        payload = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        if retry_after is not None:
            self.send_header("retry-after", str(retry_after))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the calls are kept in memory, and hold personal data."""


def serve(port: int) -> None:
    """Serve on ``port`` of the loopback interface until ended."""
    handler = type("SinkHandler", (Handler,), {"store": Store()})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="CRM sink of the laptop stack")
    parser.add_argument("--port", type=int, required=True)
    serve(parser.parse_args().port)
