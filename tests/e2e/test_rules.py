"""Rules change on the running stack: customers part, and are one again under their former id."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from enlace.domain.interaction import epoch_text
from tests.e2e.test_stack import call, eventually


def test_customers_follow_the_rules_there_and_back(stack: dict[str, Any]) -> None:
    run = uuid.uuid4().hex
    phone = f"+55119{int(run[:8], 16) % 10**8:08d}"
    # Blocked by the new rules, which concern nobody else on the stack.
    email = f"rules-{run}@example.com"

    def ask(method: str, path: str, body: Any = None) -> Any:
        headers = {"x-api-key": stack["api_key"], "content-type": "application/json"}
        raw = None if body is None else json.dumps(body).encode()
        status, text = call(stack, method, path, raw, headers)
        return json.loads(text) if status < 300 else None

    def owner(kind: str, value: str) -> str | None:
        found = ask("POST", "/v1/customers/lookup", {"kind": kind, "value": value})
        return found["customer_id"] if found else None

    def owners() -> tuple[str | None, str | None]:
        return owner("phone", phone), owner("email", email)

    assert ask(
        "POST",
        "/v1/interactions",
        {
            "source_id": run,
            "channel": "generic",
            "account": "e2e",
            "type": "message.received",
            "direction": "inbound",
            "occurred_at": epoch_text(time.time()),
            "contact_point": {"kind": "phone", "value": phone, "level": "proven"},
            "identifiers": [{"kind": "email", "value": email, "level": "stated"}],
        },
    )
    (one, other) = eventually(lambda: all(owners()) and owners())
    assert one == other

    before = ask("GET", "/v1/rules")["text"]
    after = before.replace('version = "', f'version = "{run}-', 1).replace(
        "placeholders = [", f'placeholders = [ "{email}",', 1
    )
    try:
        assert ask("PUT", "/v1/rules", {"text": after})["previous_version"]
        eventually(lambda: len(set(owners())) == 2)
        assert ask("GET", "/v1/rules")["job"]["split"] >= 1
    finally:
        ask("PUT", "/v1/rules", {"text": before})
    eventually(lambda: owners() == (one, one))
    assert call(stack, "PUT", "/v1/rules", b"{}", {"x-api-key": "wrong"})[0] == 401
