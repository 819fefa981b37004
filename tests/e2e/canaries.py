"""Somebody whose values stand nowhere else, in every place that keeps people's data."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from enlace.domain.interaction import epoch_text
from enlace.domain.open_hours import is_open
from enlace.rules import message_policy
from enlace.usecases.recipient_zones import zones_of_number
from local import sign
from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from tests.e2e import vendors

CANDIDATES = "/v1/conciliations/candidates?limit=100&min_probability=0.9"
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def cpf(number: int) -> str:
    """A CPF with its check digits."""
    digits = [int(digit) for digit in f"{number % 10**9:09d}"]
    for _ in range(2):
        total = sum(digit * (len(digits) + 1 - n) for n, digit in enumerate(digits))
        digits.append(total * 10 % 11 % 10)
    return "".join(map(str, digits))


def phone_where_it_is_night(number: int) -> str:
    """A number at which marketing waits for the morning."""
    phones = [f"+55119{number % 10**8:08d}", f"+81901{number % 10**7:07d}"]
    hours, now = message_policy().open_hours, datetime.now(UTC)
    phones.append(f"+35191{number % 10**7:07d}")
    return next(one for one in phones if not is_open(hours, zones_of_number(one), now))


class Canary:
    """A person, and what they left."""

    def __init__(self, hub: Hub):
        self._hub = hub
        self.run = uuid.uuid4().hex
        number = int(self.run[:12], 16)
        self.phone = phone_where_it_is_night(number)
        self.mail = f"canario.{self.run[:10]}@example.com"
        self.cpf = cpf(number)
        self.name = f"Canário{self.run[12:20].translate(_LETTERS)}"
        self.text = f"segredo{self.run[20:30]}"
        self.birth_date = f"19{50 + number % 49}-0{1 + number % 9}-1{number % 10}"
        self.postal_code = f"5{number % 9000 + 1000}-{number % 900 + 100}"
        #: Of somebody else, whose name is a slip away.
        self.alike = uuid.uuid4().hex
        self.deferred = ""

    @property
    def values(self) -> list[str]:
        """What must be found nowhere."""
        return [self.phone[1:], self.phone[3:], self.mail, self.cpf, self.name, self.text]

    def interaction(self, n: int, type_: str = "message.received", **more: Any) -> dict[str, Any]:
        """What they wrote, now."""
        return {
            "source_id": f"{self.run}-{n}",
            "type": type_,
            "account": "site",
            "occurred_at": epoch_text(time.time()),
            "contact_point": {"kind": "email", "value": self.mail, "level": "proven"},
            "identifiers": [
                {"kind": "phone", "value": self.phone, "level": "stated"},
                {"kind": "cpf", "value": self.cpf, "level": "stated"},
            ],
            "traits": self._traits(self.name),
            "data": {"text": self.text},
            **more,
        }

    def settle(self) -> str:
        """Write on three channels, consent, be written to on three, look like somebody else.

        Gives the customer's id.
        """
        secrets = self._hub.document["webhook_secrets"]
        for n, type_ in enumerate(("message.received", "complaint.opened")):
            self._post(*sign.sign("generic/chat", self.interaction(n, type_), secrets))
        told = {"channel": "store", **self.interaction(9)}
        self._hub.api("POST", "/v1/interactions", [told, self._double()], expected=202)
        found: dict[str, Any] = wait_for(
            "the customer", lambda: self._hub.customer("email", self.mail)
        )
        written = vendors.whatsapp(self.phone, f"wamid.{self.run}", int(time.time()), self.text)
        written[1]["entry"][0]["changes"][0]["value"]["contacts"][0]["profile"]["name"] = self.name
        self._hub.webhook(*written)
        self._consent("email", self.mail, "email")
        self._consent("phone", self.phone, "sms")
        by_mail = {"kind": "email", "value": self.mail}
        by_phone = {"kind": "phone", "value": self.phone}
        with ThreadPoolExecutor(3) as pool:
            file = {
                "name": f"{self.name}.txt",
                "content_type": "text/plain",
                "content": base64.b64encode(self.text.encode()).decode(),
            }
            texts = {"order_id": self.text[:20]}
            transactional = ("transactional", "order_confirmation", texts)
            sent = [
                pool.submit(self._written_to, by_mail, "email", *transactional, attachments=[file]),
                pool.submit(self._written_to, by_phone, "whatsapp", *transactional),
            ]
            news = ("marketing", "newsletter", {"text": self.text})
            self.deferred = self._written_to(by_phone, "sms", *news, ends={"deferred"})
            for one in sent:
                one.result()
        wait_for("the candidate", self.is_candidate)
        return str(found["customer_id"])

    def is_candidate(self) -> bool:
        """Whether somebody alike stands beside them in the list."""
        cursor = ""
        while True:
            page = self._hub.api("GET", CANDIDATES + cursor)
            if any(self.alike in (one["a"]["value"], one["b"]["value"]) for one in page["items"]):
                return True
            if page["next_cursor"] is None:
                return False
            cursor = f"&cursor={page['next_cursor']}"

    def give_up_on(self) -> None:
        """Leave dead letters: an interaction, and one as a vendor wrote it."""
        client, urls = local_stack.client("sqs"), self._hub.document["queue_urls"]
        for body in (self.interaction(20), {"from": self.phone[1:], "text": self.text}):
            client.send_message(QueueUrl=urls["interactions_dlq"], MessageBody=json.dumps(body))

    def _traits(self, name: str) -> dict[str, str]:
        return {
            "name": f"{name} Souza",
            "birth_date": self.birth_date,
            "postal_code": self.postal_code,
        }

    def _double(self) -> dict[str, Any]:
        slip = "a" if self.name[-1] != "a" else "b"
        return {
            **self.interaction(0),
            "source_id": self.alike,
            "channel": "shop",
            "type": "customer.identified",
            "contact_point": {"kind": "record:loja", "value": self.alike, "level": "imported"},
            "identifiers": [],
            "traits": self._traits(self.name[:-1] + slip),
            "data": {},
        }

    def _consent(self, kind: str, value: str, channel: str) -> None:
        about = {"identifier": {"kind": kind, "value": value}, "purpose": "marketing"}
        said = {"state": "granted", "actor": "subject", "evidence": {"form": self.text}}
        body = {**about, **said, "channel": channel}
        self._hub.api("POST", "/v1/consents", body, expected=201)

    def _written_to(
        self,
        who: dict[str, str],
        channel: str,
        purpose: str,
        template: str,
        data: dict[str, str],
        *,
        ends: frozenset[str] | set[str] = frozenset(("sent", "delivered")),
        **more: Any,
    ) -> str:
        """Ask for a message, and wait until that has become of it; gives its id."""
        body = {"to": {"identifier": who}, "purpose": purpose, "template": template, "data": data}
        body |= {"channels": [channel], **more}
        asked = self._hub.api("POST", "/v1/messages", body, expected=202)
        told = f"/v1/messages/{asked['message_id']}"
        wait_for("the message", lambda: self._hub.api("GET", told)["status"] in ends)
        return str(asked["message_id"])

    def _post(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        url = self._hub.document["api_url"] + path
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status in (200, 202)


def files() -> dict[str, str]:
    """Every object of every bucket, with the hash of what is in it."""
    client, found = local_stack.client("s3"), dict[str, str]()
    for bucket in client.list_buckets()["Buckets"]:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            found |= {f"{bucket['Name']}/{o['Key']}": o["ETag"] for o in page.get("Contents", ())}
    return found


def schedules() -> set[str]:
    """The names of what is put off until later."""
    pages = local_stack.client("scheduler").get_paginator("list_schedules").paginate()
    return {one["Name"] for page in pages for one in page["Schedules"]}
