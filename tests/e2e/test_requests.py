"""Data subjects' requests on the stack: the code by mail, the copy, and OpenDSR."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import urllib3
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.interaction import epoch_text
from enlace.senders.crm_webhook import sign
from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from tests.e2e.erasing import REQUESTS, Person, holding, impatient, invoke, items, write
from tests.stores.loopback import loopback, status

DSR = "/v1/opendsr/requests"


@pytest.fixture(scope="module")
def hub(stack: dict[str, Any]) -> Iterator[Hub]:
    """What is held back comes again soon."""
    with impatient(stack) as hub:
        yield hub


def settled(hub: Hub) -> Person:
    """Somebody who has shown that a mail address is theirs."""
    person = Person()
    mail = {"kind": "email", "value": person.mail, "level": "proven"}
    write(hub, person.interaction(1, contact_point=mail, identifiers=[]))
    wait_for("their customer", lambda: hub.customer("email", person.mail))
    return person


def test_a_person_asks_gets_a_code_and_then_what_is_held(hub: Hub) -> None:
    person = settled(hub)
    body = {
        "type": "access",
        "identifier": {"kind": "email", "value": person.mail},
        "regulation": "lgpd",
    }
    asked = hub.api("POST", REQUESTS, body, expected=201)
    one = f"{REQUESTS}/{asked['request_id']}"
    again = hub.api("POST", REQUESTS, body, expected=201)
    assert asked["code_sent"] and again["request_id"] == asked["request_id"]

    [mail] = hub.emails_to(person.mail)
    [code] = re.findall(r"\b\d{8}\b", mail["BodyText"])
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    assert hub.ask("POST", f"{one}/verify", {"code": wrong})[0] == 403
    assert hub.ask("GET", f"{one}/export")[0] == 409
    verified = hub.api("POST", f"{one}/verify", {"code": code})
    assert (verified["status"], verified["verified_by"]) == ("running", "code")

    assert hub.api("GET", one)["summary"]["records"]["interaction"] == 1
    copy = json.dumps(hub.api("GET", f"{one}/export"))
    assert person.mail in copy and person.text in copy


class Controller:
    """A company that sends requests by OpenDSR."""

    def __init__(self, stack: dict[str, Any]):
        self.secret = "whsec_" + base64.b64encode(uuid.uuid4().bytes * 2).decode()
        secrets = local_stack.client("secretsmanager")
        pages = secrets.get_paginator("list_secrets").paginate()
        names = [one["Name"] for page in pages for one in page["SecretList"]]
        [name] = [name for name in names if "OpendsrSecret" in name]
        hosts = ["shop.example.com"]
        known = {"shop": {"secret": self.secret, "verifies": True, "callback_hosts": hosts}}
        secrets.put_secret_value(SecretId=name, SecretString=json.dumps({"controllers": known}))
        self._base = stack["api_url"]
        self._pool = urllib3.PoolManager()

    def call(self, method: str, path: str, body: Any = None, *, secret: str = "") -> Any:
        """A request as the specification has it, signed with the company's secret or another."""
        data, at = (json.dumps(body) if body else ""), int(time.time())
        over = (data or f"{method} {path}").encode()
        headers = {
            "content-type": "application/json",
            "x-opendsr-controller-id": "shop",
            "webhook-id": "m1",
            "webhook-timestamp": str(at),
            "webhook-signature": sign(secret or self.secret, "m1", at, over),
        }
        return self._pool.request(
            method, self._base + path, body=data or None, headers=headers, timeout=30, retries=False
        )


def test_a_controller_has_somebody_erased_and_checks_whose_answer_it_is(
    hub: Hub, stack: dict[str, Any]
) -> None:
    """Auditor's case 16, and an erasure that another company asks for."""
    person, controller, id_ = settled(hub), Controller(stack), str(uuid.uuid4())
    identity = {
        "identity_type": "email",
        "identity_value": person.mail,
        "identity_format": "raw",
    }
    wanted = {
        "status_callback_urls": ["https://shop.example.com/told"],
        "regulation": "gdpr",
        "subject_request_id": id_,
        "subject_request_type": "erasure",
        "submitted_time": epoch_text(time.time()),
        "subject_identities": [identity],
    }
    forged = "whsec_" + base64.b64encode(b"x" * 24).decode()
    assert controller.call("POST", DSR, wanted, secret=forged).status == 401
    # A function that has just read its secret looks at it again after a minute. The forged one
    # has left nothing.
    wait_for("the secret", lambda: controller.call("GET", f"{DSR}/{id_}").status == 404)

    taken = controller.call("POST", DSR, wanted)
    assert taken.status == 201, taken.data

    known = controller.call("GET", "/v1/opendsr/discovery").json()
    [ours] = known["extensions"].values()
    is_ours = signed_by(ours["public_key"])
    is_ours(taken.headers, taken.data)

    def is_completed() -> bool:
        told = controller.call("GET", f"{DSR}/{id_}")
        is_ours(told.headers, told.data)
        return bool(told.json()["request_status"] == "completed")

    heard: list[dict[str, Any]] = []

    def hear(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        is_ours(dict(handler.headers), body)
        heard.append(json.loads(body))
        status(202)(handler, body)

    with loopback(hear) as server:
        tell_controllers(hub, id_, server.url)
        wait_for("the erasure", is_completed)
        tell_controllers(hub, id_, server.url)
        assert [one["request_status"] for one in heard][-1] == "completed"
        assert len(heard) == 2 and person.mail not in json.dumps(heard)
    assert hub.customer("email", person.mail) is None
    assert holding(items(hub), person.canaries) == {}


def signed_by(public_key: str) -> Callable[[Mapping[str, str], bytes], None]:
    """What fails for answers and callbacks that are not the processor's."""
    key = serialization.load_der_public_key(base64.b64decode(public_key))
    assert isinstance(key, ec.EllipticCurvePublicKey)

    def check(headers: Mapping[str, str], body: bytes) -> None:
        signature = base64.b64decode(headers["x-opendsr-signature"])
        key.verify(signature, body, ec.ECDSA(hashes.SHA256()))

    return check


def tell_controllers(hub: Hub, id_: str, url: str) -> None:
    """What the schedule does, at once: to a host of ours, since nobody has a certificate here."""
    rows = VersionedRows(local_stack.client("dynamodb"), hub.document["table_names"]["privacy"])
    row = rows.get("opendsr#shop", id_)
    assert row is not None and row.queue
    due = epoch_text(time.time() - 1)
    rows.put([replace(row.with_body(callbacks=[url]), next_at=due)])
    invoke("OpendsrRequests")
