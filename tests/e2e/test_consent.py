"""SAIR by SMS on the stack: no more to that number, one confirmation, and it is on record."""

from __future__ import annotations

import time
import uuid
from typing import Any

from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from tests.e2e import vendors


def test_sair_ends_what_goes_to_the_number(stack: dict[str, Any]) -> None:
    hub, run = Hub(stack), uuid.uuid4().hex
    phone = f"+55119{int(run[:8], 16) % 10**8:08d}"
    number = {"kind": "phone", "value": phone}

    def marketing() -> dict[str, Any]:
        found = hub.api(
            "POST",
            "/v1/consents/lookup",
            {"identifier": number, "purpose": "marketing", "channel": "sms"},
        )
        return dict(found)

    def texts() -> list[str]:
        sent = local_stack.sent_sms()
        return [text["Message"] for text in sent if text["PhoneNumber"] == phone]

    assert (marketing()["state"], marketing()["step"]) == ("denied", 0)
    granted = hub.api(
        "POST",
        "/v1/consents",
        {
            "identifier": number,
            "purpose": "marketing",
            "channel": "sms",
            "state": "granted",
            "actor": "subject",
            "evidence": {"form": "site"},
        },
        expected=201,
    )
    assert granted["state"] == "granted"
    # Later than the grant, also by a clock of whole seconds.
    time.sleep(1.1)
    hub.webhook(*vendors.sms(phone, f"SM{run}", "Quero SAIR, por favor!"))
    wait_for("the opt-out", lambda: marketing()["state"] == "denied")
    stopped = marketing()
    assert (stopped["step"], stopped["reason"]) == (3, "stop")
    assert stopped["record"]["state"] == "withdrawn"
    wait_for("the confirmation", texts)
    # Said once more, or by an import: nothing changes, and nothing more is sent.
    hub.webhook(*vendors.sms(phone, f"SN{run}", "pare"))
    imported = hub.api(
        "POST",
        "/v1/consents",
        {
            "identifier": number,
            "purpose": "marketing",
            "channel": "sms",
            "state": "granted",
            "actor": "import",
            "evidence": {"file": "list.csv"},
        },
        expected=201,
    )
    assert (imported["state"], imported["conflict"]) == ("denied", True)
    wait_for(
        "the second stop",
        lambda: marketing()["record"]["event_id"] != stopped["record"]["event_id"],
    )
    assert len(texts()) == 1
    view = hub.api("POST", "/v1/context", {"contact_point": number, "audience": "agent"})
    assert "do_not_contact" in view["flags"]
