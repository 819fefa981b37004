"""Segment's own Python SDK, unchanged, against the real handler on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from segment.analytics.client import Client

from enlace.aws.webhook import handler_of
from enlace.channels import segment
from enlace.logs import Logger
from local.sign import http_api_event
from tests.unit.channels.support import FakeQueue, FakeSecrets, secret_of

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def host(queue: FakeQueue) -> Iterator[str]:
    """A server that hands each request to the Lambda handler, as API Gateway would."""
    handler = handler_of(segment, FakeSecrets(secret_of("segment")), queue, Logger("test", "error"))

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {k.lower(): v for k, v in self.headers.items()}
            body = self.rfile.read(int(headers["content-length"]))
            if headers.get("content-encoding") == "gzip":
                # As bytes that are no text, such a body reaches Lambda in base64.
                event = http_api_event(("POST", self.path, {"content-type": "x/x"}, body))
                event["headers"] = headers
            else:
                event = http_api_event(("POST", self.path, headers, body))
            answer = handler(event, None)
            self.send_response(answer["statusCode"])
            self.end_headers()
            self.wfile.write(answer["body"].encode())

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def interactions(queue: FakeQueue) -> list[dict[str, Any]]:
    return [json.loads(body) for body in queue.bodies]


@pytest.mark.parametrize("compressed", [False, True])
def test_everything_that_the_sdk_sends_is_understood(
    host: str, queue: FakeQueue, compressed: bool
) -> None:
    failures: list[Any] = []
    client = Client(
        "sample-write-key",
        host=host,
        gzip=compressed,
        max_retries=0,
        on_error=lambda error, batch: failures.append(error),
    )
    when = datetime(2026, 11, 20, 12, 0, 0, 123456, UTC)
    client.identify("cliente-1", {"email": "joao.silva@example.com"}, timestamp=when)
    client.track("cliente-1", "Order Completed", {"total": 19.9, "currency": "BRL"}, timestamp=when)
    client.page("cliente-1", "Loja", "Início", timestamp=when)
    client.screen("cliente-1", "App", "Início", timestamp=when)
    client.group("cliente-1", "empresa-1", {"name": "Exemplo"}, timestamp=when)
    client.alias("anon-1", "cliente-1", timestamp=when)
    client.flush()
    client.join()

    assert failures == []
    found = interactions(queue)
    assert sorted(i["type"] for i in found) == sorted(
        [
            "customer.identified",
            "order.placed",
            "page.viewed",
            "screen.viewed",
            "event.tracked",
            "customer.identified",
        ]
    )
    assert {i["occurred_at"] for i in found} == {"2026-11-20T12:00:00.123Z"}
    assert len({i["source_id"] for i in found}) == 6
    order = next(i for i in found if i["type"] == "order.placed")
    assert order["data"]["value"] == {"amount": 1990, "currency": "BRL"}


def test_a_wrong_key_is_reported_by_the_sdk(host: str, queue: FakeQueue) -> None:
    failures: list[Any] = []
    client = Client("wrong", host=host, max_retries=0, on_error=lambda e, _: failures.append(e))
    client.track("cliente-1", "x")
    client.flush()
    client.join()
    assert [f.status for f in failures] == [401]
    assert queue.calls == 0
