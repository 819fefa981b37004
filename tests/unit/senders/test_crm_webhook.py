"""Held against the Standard Webhooks library."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from enlace.domain.crm import Activity, Contact
from enlace.errors import Misconfigured
from enlace.senders.crm_webhook import CrmWebhook, signed_headers
from enlace.senders.http_json import JsonHttp
from tests.unit.senders.hubspot_fake import Response

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes....").decode()


ACTIVITY = Activity(
    "i-1",
    "2026-11-20T12:00:00.000Z",
    "message.received",
    "whatsapp",
    "inbound",
    "phone#k",
    (),
    {"text": "Olá"},
)


class Receiver:
    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []
        self.statuses: list[int] = []

    def request(
        self, method: str, url: str, *, body: bytes, headers: Mapping[str, str], redirect: bool
    ) -> Response:
        assert (method, url) == ("POST", "https://crm.example/hook/")
        event = Webhook(SECRET).verify(body, dict(headers))
        self.got.append((headers["webhook-id"], event))
        return Response(self.statuses.pop(0) if self.statuses else 204, b"")


def crm(receiver: Receiver, clock: Any = time.time) -> CrmWebhook:
    headers = signed_headers(lambda: SECRET, clock)
    return CrmWebhook(
        JsonHttp(
            "webhook",
            "https://crm.example/hook/",
            headers,
            pool=receiver,  # type: ignore[arg-type]
            sleep=lambda seconds: None,
        )
    )


def test_every_change_is_signed_and_legible() -> None:
    receiver = Receiver()
    client = crm(receiver)
    client.begin("e-1")
    client.upsert_contact(
        Contact("c-1", phone="+5511987654321", identifiers=(("phone", "+55", "proven"),))
    )
    client.attach([client.record(ACTIVITY)], "c-1")
    client.merge_contacts("c-1", "c-2", ())
    client.detach(["i-1"], "c-1")
    client.detach([], "c-1")
    kinds = [event["type"] for _, event in receiver.got]
    assert kinds == [
        "contact.upserted",
        "activity.recorded",
        "activity.attached",
        "contact.merged",
        "activity.detached",
    ]
    assert receiver.got[1][1]["data"]["data"] == {"text": "Olá"}
    json.dumps(receiver.got)


def test_an_attempt_repeated_has_the_same_id_and_a_later_change_another() -> None:
    receiver = Receiver()
    receiver.statuses = [500]
    times = iter([time.time(), time.time() + 5, time.time()])
    client = crm(receiver, lambda: next(times))
    client.begin("e-1")
    client.merge_contacts("c-1", "c-2", ())
    client.merge_contacts("c-1", "c-2", ())
    ids = [id_ for id_, _ in receiver.got]
    assert ids[0] == ids[1] != ids[2]


def test_an_activity_has_one_id_however_often_its_event_is_delivered() -> None:
    receiver = Receiver()
    client = crm(receiver)
    for _ in range(2):
        client.begin("e-1")
        client.record(ACTIVITY)
    assert len({id_ for id_, _ in receiver.got}) == 1


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_ä", "whsec_a b"])
def test_an_unusable_secret_is_said(secret: str) -> None:
    with pytest.raises(Misconfigured):
        signed_headers(lambda: secret)(b"{}")
