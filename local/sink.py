"""What the sinks share: a server on loopback that does calls, shows them, and fails on request.

``DELETE /_sink`` forgets everything; ``POST /_sink/fail {"status", "times", "retry_after", "body",
"taken"}`` makes the next calls fail, with ``taken`` although they were done.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

MAX_BODY_BYTES = 5_000_000


class Store(Protocol):
    """What a sink was told."""

    lock: Any
    requests: list[dict[str, Any]]
    failures: list[dict[str, Any]]

    def clear(self) -> None:
        """Forget everything."""

    def shown(self, what: str) -> list[Any] | None:
        """What the inspection route ``what`` answers, ``None`` for an unknown one."""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Do a call; ``path`` with its query. Gives status and answer."""


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
        path, retry_after = self.path.split("?", 1)[0], None
        with self.store.lock:
            if path.startswith("/_sink"):
                status, answer = self._inspect(path, body)
            else:
                self.store.requests.append({"method": self.command, "path": path, "body": body})
                failure = self.store.failures.pop() if self.store.failures else {}
                if not failure or failure["taken"]:
                    status, answer = self._refusal() or self.store.answer(
                        self.command, self.path, body
                    )
                if failure:
                    status, answer = failure["status"], failure["body"]
                    retry_after = failure["retry_after"]
        self._respond(status, answer, retry_after)

    def _refusal(self) -> tuple[int, Any] | None:
        """What a caller without the right to call gets; None where everybody has it."""
        return None

    def _inspect(self, path: str, body: Any) -> tuple[int, Any]:
        what = path.removeprefix("/_sink").strip("/")
        if self.command == "DELETE":
            self.store.clear()
            return 204, None
        if self.command == "POST" and what == "fail":
            failure = {
                "status": int(body["status"]),
                "retry_after": body.get("retry_after"),
                "body": body.get("body", {"message": "as asked"}),
                "taken": bool(body.get("taken")),
            }
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


def serve(port: int, handler: type[Handler], store: Store) -> None:
    """Serve on ``port`` of the loopback interface until ended."""
    handler = type("SinkHandler", (handler,), {"store": store})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.serve_forever()
