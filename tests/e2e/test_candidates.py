"""Two people alike: found on the stack, listed, decided, and taken back."""

from __future__ import annotations

import random
import string
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from local import stack as local_stack
from local.decisions import entries_of
from local.demo.hub import Hub, wait_for

PATH = "/v1/conciliations/candidates?limit=100&min_probability=0.9"


@pytest.fixture(scope="module")
def hub(stack: dict[str, Any]) -> Hub:
    return Hub(stack)


def contact(value: str, traits: dict[str, str]) -> dict[str, Any]:
    return {
        "source_id": uuid.uuid4().hex,
        "channel": "shop",
        "account": "paulista",
        "type": "customer.identified",
        "direction": "inbound",
        "occurred_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "contact_point": {"kind": "record:loja", "value": value, "level": "imported"},
        "identifiers": [],
        "traits": traits,
        "data": {},
    }


def pair(hub: Hub, values: set[str]) -> dict[str, Any] | None:
    """The candidate of two contact points, wherever in the list it stands."""
    cursor = ""
    while True:
        page = hub.api("GET", PATH + cursor)
        for item in page["items"]:
            if {item["a"]["value"], item["b"]["value"]} == values:
                return dict(item)
        if page["next_cursor"] is None:
            return None
        cursor = f"&cursor={page['next_cursor']}"


def test_a_pair_is_found_decided_and_taken_back(hub: Hub, stack: dict[str, Any]) -> None:
    rng = random.Random(uuid.uuid4().int)
    names = ["".join(rng.choices(string.ascii_lowercase, k=8)).capitalize() for _ in range(3)]
    traits = {
        "name": " ".join(names),
        "birth_date": f"19{rng.randrange(50, 99)}-0{rng.randrange(1, 9)}-1{rng.randrange(9)}",
        "postal_code": f"5{rng.randrange(1000, 9999)}-{rng.randrange(100, 999)}",
    }
    values = {uuid.uuid4().hex, uuid.uuid4().hex}
    for value in values:
        hub.api("POST", "/v1/interactions", contact(value, traits), expected=202)

    found = wait_for("a candidate", lambda: pair(hub, values))
    assert found["source"] == "likeness" and found["customer_a"] != found["customer_b"]
    birth = next(reason for reason in found["reasons"] if reason["field"] == "birth_date")
    assert (birth["level"], birth["a"]) == ("exact", traits["birth_date"])

    body = {"decision": "same", "a": found["a"], "b": found["b"], "reason": "called both"}
    made = hub.api("POST", "/v1/conciliations", body, expected=201)
    assert len(made["customers"]) == 1
    assert pair(hub, values) is None
    entries = entries_of(local_stack.client("dynamodb"), stack["table_names"]["identity"])
    (entry,) = [one for one in entries if one["id"] == made["conciliation_id"]]
    assert entry["comparison"]["birth_date"] == "exact"

    hub.api("DELETE", f"/v1/conciliations/{made['conciliation_id']}")
    again = wait_for("the candidate again", lambda: pair(hub, values))
    assert again["found_at"] == found["found_at"]
    assert not local_stack.queued("candidates_dlq")
