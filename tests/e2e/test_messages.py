"""Messages that own systems ask for, on the stack: sent, denied, put off, taken elsewhere."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from enlace.domain.open_hours import is_open
from enlace.rules import message_policy
from enlace.usecases.recipient_zones import zones_of_number
from local.demo.hub import Hub, wait_for

ENDED = {"sent", "delivered", "denied", "failed", "deferred"}
SENT = {"sent", "delivered"}


@pytest.fixture
def hub(stack: dict[str, Any]) -> Hub:
    return Hub(stack)


def email() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.com"


def phone(prefix: str = "+55119", digits: int = 8) -> str:
    return f"{prefix}{uuid.uuid4().int % 10**digits:0{digits}d}"


def asked(hub: Hub, kind: str, value: str, key: str = "", **fields: Any) -> str:
    """Ask for a message to an address; gives its id."""
    body = {"to": {"identifier": {"kind": kind, "value": value}}, **fields}
    headers = {"x-api-key": hub.document["api_key"], "content-type": "application/json"}
    headers |= {"idempotency-key": key} if key else {}
    request = urllib.request.Request(
        f"{hub.document['api_url']}/v1/messages", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.status == 202
        return str(json.load(response)["message_id"])


def news(hub: Hub, kind: str, value: str, channel: str) -> str:
    marketing = {"purpose": "marketing", "template": "newsletter"}
    return asked(hub, kind, value, **marketing, data={"text": "Oi"}, channels=[channel])


def order(hub: Hub, kind: str, value: str, key: str = "", **fields: Any) -> str:
    about = {"purpose": "transactional", "template": "order_confirmation"}
    return asked(hub, kind, value, key, **about, data={"order_id": "PED-7"}, **fields)


def shown(hub: Hub, message_id: str) -> dict[str, Any]:
    return dict(hub.api("GET", f"/v1/messages/{message_id}"))


def ended(hub: Hub, message_id: str) -> dict[str, Any]:
    """The message, once something has become of it."""

    def look() -> dict[str, Any] | None:
        found = shown(hub, message_id)
        return found if found["status"] in ENDED else None

    return wait_for("the end of the message", look)


def consent(hub: Hub, kind: str, value: str, channel: str, state: str = "") -> dict[str, Any]:
    """What holds for marketing, after ``state`` was said."""
    about: dict[str, Any] = {"identifier": {"kind": kind, "value": value}}
    about |= {"purpose": "marketing", "channel": channel}
    if state:
        said = {"state": state, "actor": "subject", "evidence": {"form": "site"}}
        return dict(hub.api("POST", "/v1/consents", {**about, **said}, expected=201))
    return dict(hub.api("POST", "/v1/consents/lookup", about))


def test_the_link_in_a_mail_ends_what_it_came_with(hub: Hub) -> None:
    address = email()
    denied = ended(hub, news(hub, "email", address, "email"))
    assert denied["status"] == "denied" and denied["reason"].startswith("consent, step 0")
    assert consent(hub, "email", address, "email", "granted")["state"] == "granted"

    sent = ended(hub, news(hub, "email", address, "email"))

    assert sent["status"] in SENT and (sent["channel"], sent["attempts"]) == ("email", 1)
    assert [step["what"] for step in sent["decisions"]][:2] == ["chosen", "sent"]
    [mail] = hub.emails_to(address)
    assert "Oi" in mail["BodyText"]
    found = re.search(r"https?://\S+/unsubscribe/\S+", mail["BodyText"])
    assert found, mail["BodyText"]
    # A scanner opens every link, and changes nothing.
    with urllib.request.urlopen(found[0], timeout=60) as page:
        assert page.status == 200
    assert consent(hub, "email", address, "email")["state"] == "granted"
    one_click = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
    with urllib.request.urlopen(found[0], one_click, timeout=60) as done:
        assert done.status == 200
    assert consent(hub, "email", address, "email")["step"] == 4
    after = ended(hub, news(hub, "email", address, "email"))
    assert after["status"] == "denied" and "consent, step 4" in after["reason"]
    # What rests on no consent still arrives.
    assert ended(hub, order(hub, "email", address))["status"] in SENT
    assert len(hub.emails_to(address)) == 2


def test_asked_for_many_times_with_one_key_it_is_sent_once(hub: Hub) -> None:
    address, key = email(), uuid.uuid4().hex
    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(lambda _: order(hub, "email", address, key), range(8)))

    [message_id] = ids
    assert ended(hub, message_id)["status"] in SENT
    # Every request puts a command on the bus; what the later ones find is settled.
    ended(hub, order(hub, "email", email()))
    assert len(hub.emails_to(address)) == 1
    assert hub.customer("email", address)


def test_marketing_waits_where_it_is_night(hub: Hub) -> None:
    hours, now = message_policy().open_hours, datetime.now(UTC)
    numbers = [phone(), phone("+81901", 7), phone("+35191", 7)]
    number = next(n for n in numbers if not is_open(hours, zones_of_number(n), now))
    consent(hub, "phone", number, "sms", "granted")

    deferred = ended(hub, news(hub, "phone", number, "sms"))

    assert deferred["status"] == "deferred", deferred
    assert deferred["deferred_until"] > now.strftime("%Y-%m-%dT%H:%M:%S")
    opens = datetime.fromisoformat(deferred["deferred_until"])
    assert is_open(hours, zones_of_number(number), opens)
    assert "step 8" in deferred["reason"] and hub.texts_to(number) == []
    # Of an order the customer wants to know at once.
    assert ended(hub, order(hub, "phone", number, channels=["sms"]))["status"] in SENT


def test_what_is_not_delivered_in_time_takes_the_next_channel(hub: Hub) -> None:
    number = phone()
    ways = ["whatsapp", "sms"]

    message_id = order(hub, "phone", number, channels=ways, fallback_after_seconds=15)

    wait_for("the text message", lambda: hub.texts_to(number))
    found = ended(hub, message_id)
    assert (found["status"] in SENT, found["channel"], found["attempts"]) == (True, "sms", 2)
    steps = [(step["what"], step["channel"]) for step in found["decisions"]]
    assert [step for step in steps if step[0] == "chosen"] == [
        ("chosen", "whatsapp"),
        ("chosen", "sms"),
    ]
    assert ("fallback", "whatsapp") in steps
    taken = [m for m in hub.whatsapp_sent() if m["biz_opaque_callback_data"] == message_id]
    assert len(taken) == 1
