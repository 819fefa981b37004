"""Rules over HTTP: who may change them, what is refused, and what the bus hears."""

from __future__ import annotations

import json
from typing import Any

import pytest

from enlace.domain.rules import parse_rules
from enlace.rules import default_text
from enlace.usecases.rules_in_force import in_force
from tests.unit.api.world import API_KEY, ISSUER, World

TEXT = default_text().replace('version = "', 'version = "other-')
VERSION = parse_rules(TEXT).version


def as_role(role: str) -> dict[str, Any]:
    return {"iss": ISSUER, "sub": "ana", "roles": [role]}


def test_shipped_rules_are_in_force_until_others_are() -> None:
    shown = World().ask("GET", "/v1/rules")
    assert shown["text"] == default_text()
    assert shown["activated_at"] is shown["previous_version"] is None
    assert shown["job"]["state"] == "pending"


def test_rules_come_into_force_and_the_bus_hears_of_it() -> None:
    world = World()
    made = world.ask("PUT", "/v1/rules", {"text": TEXT})
    again = world.ask("PUT", "/v1/rules", {"text": TEXT})
    assert (
        made
        == again
        == world.ask("GET", "/v1/rules")
        == {
            "version": VERSION,
            "text": TEXT,
            "activated_at": "2026-11-22T12:00:00.000Z",
            "activated_by": "api-key",
            "previous_version": parse_rules(default_text()).version,
            "job": {
                "state": "pending",
                "started_at": None,
                "finished_at": None,
                **dict.fromkeys(("pass", "seen", "changed", "merged", "split", "saturated"), 0),
            },
        }
    )
    # Told as often as asked for, as one event.
    first, second = world.bus.entries
    assert first.event_id == second.event_id
    assert json.loads(first.detail)["data"] == {
        "version": VERSION,
        "previous_version": parse_rules(default_text()).version,
    }


def test_a_file_may_be_put_as_it_is() -> None:
    world = World()
    headers = {"x-api-key": API_KEY, "content-type": "text/plain; charset=utf-8"}
    response = world.call("PUT", "/v1/rules", TEXT.encode(), headers=headers)
    assert response.status == 200
    assert in_force(world.store.get_entry).text == TEXT


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"text": 'version = "x"\nsurprise = 1'}, 422, "surprise"),
        ({"text": default_text() + "#"}, 409, "another text"),
        ({"text": TEXT.replace("hub_degree = 24", "hub_degree = 9")}, 409, "hub_degree"),
        ({"text": 7}, 400, "text"),
        ({}, 400, "text"),
        ({"text": TEXT + "#" * 65_536}, 413, "bytes"),
    ],
)
def test_what_is_refused_says_why_and_changes_nothing(body: Any, status: int, reason: str) -> None:
    world = World()
    assert reason in world.ask("PUT", "/v1/rules", body, status)["detail"]
    assert not world.store.entries and not world.bus.entries


def test_agents_read_and_only_admins_write() -> None:
    world = World()
    assert world.call("GET", "/v1/rules", claims=as_role("agent")).status == 200
    assert world.call("GET", "/v1/rules", claims=as_role("marketing")).status == 403
    for role, status in (("agent", 403), ("privacy", 403), ("admin", 200)):
        put = world.call("PUT", "/v1/rules", {"text": TEXT}, claims=as_role(role))
        assert put.status == status
    assert in_force(world.store.get_entry).activated_by == "ana"


def test_rules_that_the_bus_did_not_hear_of_are_in_force_and_may_be_put_again() -> None:
    world = World()
    world.bus.down = True
    assert world.ask("PUT", "/v1/rules", {"text": TEXT}, 503)["version"] == VERSION
    world.bus.down = False
    world.ask("PUT", "/v1/rules", {"text": TEXT})
    assert len(world.bus.entries) == 1


def test_rules_that_cannot_be_used_any_more_are_an_error_of_ours() -> None:
    world = World()
    world.ask("PUT", "/v1/rules", {"text": TEXT})
    world.store.entries["rules#active"]["text"] = "not rules"
    world.ask("GET", "/v1/rules", status=503)
