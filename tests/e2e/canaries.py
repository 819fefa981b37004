"""Somebody whose values stand nowhere else, over many channels."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from typing import Any

from local import sign
from local import stack as local_stack
from local.demo.hub import Hub, wait_for


def cpf(number: int) -> str:
    """A CPF with its check digits."""
    digits = [int(digit) for digit in f"{number % 10**9:09d}"]
    for _ in range(2):
        total = sum(digit * (len(digits) + 1 - n) for n, digit in enumerate(digits))
        digits.append(total * 10 % 11 % 10)
    return "".join(map(str, digits))


class Canary:
    """A person, and what they left."""

    def __init__(self, hub: Hub):
        self._hub = hub
        self.run = uuid.uuid4().hex
        number = int(self.run[:12], 16)
        self.phone = f"+55119{number % 10**8:08d}"
        self.mail = f"canario.{self.run[:10]}@example.com"
        self.cpf = cpf(number)
        self.name = f"Canário{self.run[12:20]}"
        self.text = f"segredo{self.run[20:30]}"

    @property
    def values(self) -> list[str]:
        """What must be found nowhere."""
        return [self.phone[1:], self.phone[3:], self.mail, self.cpf, self.name, self.text]

    def interaction(self, n: int, type_: str = "message.received", **more: Any) -> dict[str, Any]:
        return {
            "source_id": f"{self.run}-{n}",
            "type": type_,
            "account": "site",
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "contact_point": {"kind": "email", "value": self.mail, "level": "proven"},
            "identifiers": [
                {"kind": "phone", "value": self.phone, "level": "stated"},
                {"kind": "cpf", "value": self.cpf, "level": "stated"},
            ],
            "traits": {"name": self.name},
            "data": {"text": self.text},
            **more,
        }

    def settle(self) -> str:
        """Write on two channels by signed webhooks, consent, be written to; the customer's id."""
        secrets = self._hub.document["webhook_secrets"]
        for n, type_ in enumerate(("message.received", "complaint.opened")):
            self._post(*sign.sign("generic/chat", self.interaction(n, type_), secrets))
        self._hub.api(
            "POST", "/v1/interactions", {"channel": "store", **self.interaction(9)}, expected=202
        )
        who = {"kind": "email", "value": self.mail}
        found: dict[str, Any] = wait_for(
            "the customer", lambda: self._hub.customer("email", self.mail)
        )
        self._hub.api(
            "POST",
            "/v1/consents",
            {
                "identifier": who,
                "purpose": "marketing",
                "channel": "email",
                "state": "granted",
                "actor": "subject",
                "evidence": {"form": self.text},
            },
            expected=201,
        )
        asked = self._hub.api(
            "POST",
            "/v1/messages",
            {
                "to": {"identifier": who},
                "purpose": "transactional",
                "template": "order_confirmation",
                "data": {"order_id": self.text[:20]},
                "channels": ["email"],
            },
            expected=202,
        )
        told = f"/v1/messages/{asked['message_id']}"
        wait_for(
            "the message", lambda: self._hub.api("GET", told)["status"] in ("sent", "delivered")
        )
        return str(found["customer_id"])

    def give_up_on(self) -> None:
        """Leave dead letters: an interaction, and one as a vendor wrote it."""
        client, urls = local_stack.client("sqs"), self._hub.document["queue_urls"]
        for body in (self.interaction(20), {"from": self.phone[1:], "text": self.text}):
            client.send_message(QueueUrl=urls["interactions_dlq"], MessageBody=json.dumps(body))

    def _post(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        url = self._hub.document["api_url"] + path
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status in (200, 202)
