"""A CRM to send to: an HTTP server on loopback that takes HubSpot-like calls and shows them.

Contacts are created, updated and searched, engagements noted and contacts merged, in memory. What
was received is at ``GET /_sink/contacts``, ``/_sink/engagements``, ``/_sink/merges`` and
``/_sink/requests``; ``DELETE /_sink`` forgets it; ``POST /_sink/fail {"status", "times",
"retry_after"}`` makes the next calls fail.

Paths and bodies follow HubSpot's CRM objects API, version 3, and its associations API, version 4.
As there, a merge makes a new contact under which both former ids are found, notes go along, and the
properties that the project adds must be created first.
"""

from __future__ import annotations

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.crm_store import Store

MAX_BODY_BYTES = 5_000_000


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
