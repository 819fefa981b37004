"""A WhatsApp to send to: an HTTP server on loopback that takes messages as Meta's Graph API does.

What was taken is at ``GET /_sink/messages``, every call at ``/_sink/requests``; the rest of
``/_sink`` is :mod:`local.sink`'s, and a failure's ``body`` may be ``{"error": {"code": 131026}}``.
Statuses are not sent by itself: whoever wants one signs it as Meta would (``local/sign.py``).

Paths and bodies follow Meta's OpenAPI description of the API (github.com/facebook/openapi, v23.0).
"""

from __future__ import annotations

import argparse
import itertools
import re
import threading
from typing import Any

from local import sink

_MESSAGES = re.compile(r"^(?:/v[0-9.]+)?/(?P<number_id>[0-9]+)/messages$")


class Store:
    """Everything the sink was told, guarded by one lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.ids = itertools.count(1)
        self.messages: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.failures: list[dict[str, Any]] = []

    def shown(self, what: str) -> list[Any] | None:
        """What the inspection route ``what`` answers, ``None`` for an unknown one."""
        return {"messages": list(self.messages), "requests": list(self.requests)}.get(what)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Take a message: status and answer."""
        route = _MESSAGES.match(path)
        if method != "POST" or route is None:
            return 404, _error(100, "Unsupported request", subcode=33)
        wrong = _wrong(body)
        if wrong:
            return 400, _error(100, f"Invalid parameter: {wrong}")
        id_ = f"wamid.SINK{next(self.ids):06d}"
        self.messages.append({"id": id_, "phone_number_id": route["number_id"], **body})
        by_phone = "to" in body
        contact = {"input": body["to"], "wa_id": body["to"].lstrip("+")} if by_phone else {}
        return 200, {
            "messaging_product": "whatsapp",
            "contacts": [contact or {"input": body["recipient"], "user_id": body["recipient"]}],
            "messages": [{"id": id_, "message_status": "accepted"}],
        }


class Handler(sink.Handler):
    """One HTTP request."""

    def _refusal(self) -> tuple[int, Any] | None:
        if self.headers.get("authorization", "").removeprefix("Bearer ").strip():
            return None
        return 401, _error(190, "An access token is required")


def _wrong(body: Any) -> str:
    """The parameter that Meta would not take; "" where there is none."""
    if not isinstance(body, dict) or body.get("messaging_product") != "whatsapp":
        return "messaging_product"
    if not any(isinstance(body.get(name), str) for name in ("to", "recipient")):
        return "to"
    content = body.get(str(body.get("type")))
    if not isinstance(content, dict):
        return "type"
    if body["type"] == "text" and not content.get("body"):
        return "text.body"
    if body["type"] == "template" and not (content.get("name") and content.get("language")):
        return "template"
    return ""


def _error(code: int, message: str, **more: Any) -> dict[str, Any]:
    subcode = {f"error_{name}": value for name, value in more.items()}
    return {"error": {"message": message, "type": "OAuthException", "code": code, **subcode}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="WhatsApp sink of the laptop stack")
    parser.add_argument("--port", type=int, required=True)
    sink.serve(parser.parse_args().port, Handler, Store())
