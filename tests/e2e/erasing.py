"""Erasures on the stack: somebody to be erased, the request, and what the tables hold."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from enlace.domain.interaction import epoch_text
from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from tests.e2e.queues import set_visibility, visibility_seconds

REQUESTS = "/v1/privacy/requests"
ENDED = {"completed", "partial", "rejected"}
Items = dict[str, list[dict[str, Any]]]


@contextmanager
def impatient(stack: Mapping[str, Any], **seconds: int) -> Iterator[Hub]:
    """The hub of a stack on which what is given back comes again soon."""
    hub = Hub(stack)
    before = set_visibility(hub, {**visibility_seconds(hub), **seconds})
    try:
        yield hub
    finally:
        set_visibility(hub, before)


class Person:
    """Somebody with values that stand nowhere else."""

    def __init__(self) -> None:
        self.run = uuid.uuid4().hex
        number = int(self.run[:8], 16) % 10**8
        self.phone = f"+55119{number:08d}"
        self.mail = f"canary.{self.run[:12]}@example.com"
        self.name = f"Canario{self.run[12:20]}"
        self.text = f"segredo{self.run[20:28]}"

    @property
    def canaries(self) -> list[str]:
        """What must be found nowhere."""
        return [self.phone, self.phone[3:], self.mail, self.name, self.text]

    @property
    def asked_by_phone(self) -> dict[str, Any]:
        """Whom a request is about."""
        return {"identifier": {"kind": "phone", "value": self.phone}}

    def interaction(self, n: int, type_: str = "message.received", **more: Any) -> dict[str, Any]:
        """What they wrote, now."""
        return {
            "source_id": f"{self.run}-{n}",
            "channel": "webchat",
            "account": "site",
            "type": type_,
            "occurred_at": epoch_text(time.time()),
            "contact_point": {"kind": "phone", "value": self.phone, "level": "proven"},
            "identifiers": [{"kind": "email", "value": self.mail, "level": "stated"}],
            "traits": {"name": self.name},
            "data": {"text": self.text},
            **more,
        }


def write(hub: Hub, *interactions: dict[str, Any]) -> None:
    """Hand interactions over, as an own system does."""
    hub.api("POST", "/v1/interactions", list(interactions), expected=202)


def items(hub: Hub) -> Items:
    """Every item of every table."""
    dynamodb = local_stack.client("dynamodb")
    found: Items = {}
    for name, table in hub.document["table_names"].items():
        pages = dynamodb.get_paginator("scan").paginate(TableName=table)
        found[name] = [item for page in pages for item in page["Items"]]
    return found


def text_of(item: Any) -> str:
    """An item, as it is compared and searched."""
    # Bytes are sealed: nothing in clear stands in them.
    return json.dumps(item, ensure_ascii=False, sort_keys=True, default=repr)


def holding(found: Items, values: Iterable[str]) -> dict[str, set[str]]:
    """By table: the items, byte by byte, in which one of these values stands."""
    wanted = list(values)
    return {
        name: those
        for name, many in found.items()
        if (those := {text for text in map(text_of, many) if any(v in text for v in wanted)})
    }


def begin(hub: Hub, about: dict[str, Any]) -> str:
    """Ask for an erasure, verified by an officer; gives its id."""
    body = {"type": "erasure", "regulation": "lgpd", **about}
    id_ = str(hub.api("POST", REQUESTS, body, expected=201)["request_id"])
    hub.api("POST", f"{REQUESTS}/{id_}/verify", {"operator_reason": "saw a document"})
    return id_


def erased(hub: Hub, *about: dict[str, Any]) -> list[dict[str, Any]]:
    """Erase people, all at once; gives the requests, completed."""

    ids = [begin(hub, one) for one in about]

    def ended() -> list[dict[str, Any]]:
        found = [dict(hub.api("GET", f"{REQUESTS}/{id_}")) for id_ in ids]
        return found if all(one["status"] in ENDED for one in found) else []

    done: list[dict[str, Any]] = wait_for("the erasures", ended)
    assert all(one["status"] == "completed" for one in done), done
    return done


def certificate(hub: Hub, done: dict[str, Any]) -> dict[str, Any]:
    """What proves a request's erasure."""
    return dict(hub.api("GET", f"{REQUESTS}/{done['request_id']}/certificate"))


def invoke(function: str) -> None:
    """Run a function as its schedule does, and wait until it has ended."""
    client = local_stack.client("lambda")
    pages = client.get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    [name] = [name for name in names if f"-{function}Function-" in name]
    answer = client.invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
