"""A server on the loopback that answers badly, to see what a client does about it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Loopback:
    """Counts requests; ``answer`` gets the handler, which it may leave unanswered."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> None:
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                outer.requests += 1
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                answer(self, body)

            do_GET = do_POST = handle_one

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def loopback(answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> Iterator[Loopback]:
    server = Loopback(answer)
    try:
        yield server
    finally:
        server.close()


def status(code: int, body: bytes = b"{}", **headers: str) -> Any:
    """An answer with a status; ``code`` 0 hangs up without one."""

    def answer(handler: BaseHTTPRequestHandler, received: bytes) -> None:
        if code == 0:
            handler.close_connection = True
            return
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer
