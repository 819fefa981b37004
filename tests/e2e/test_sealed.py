"""A stack that seals timelines: what people said is read as ever, and shredded with them.

A stack of its own, since the others are deployed as they are by default; its roles are held
to their grants like theirs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from local import processes
from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from local.settings import ROOT
from tests.e2e.erasing import Person, certificate, erased, holding, impatient, items, write

HOME = ROOT / ".enlace" / "e2e-sealed"
#: Away from the ports of the other stacks.
FIRST_PORT = 16600

pytestmark = pytest.mark.timeout(600)


def _local(command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key != "PERSIST"}
    return subprocess.run(
        [sys.executable, "-m", "local", command],
        cwd=ROOT,
        env={**inherited, "ENLACE_HOME": str(HOME), **settings},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    _local("down")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ENLACE_PORT", raising=False)
        port = str(processes.free_port(FIRST_PORT))
        patch.setenv("ENLACE_HOME", str(HOME))
        started = _local("up", ENLACE_PORT=port, ENLACE_ENCRYPTION="subject-keys")
        try:
            if started.returncode != 0:
                pytest.fail(f"the stack did not start:\n{started.stdout}{started.stderr}")
            with impatient(local_stack.load()) as hub:
                yield hub
        finally:
            _local("down")


def texts(hub: Hub, person: Person) -> list[str]:
    """What the view shows of what somebody said."""
    customer = hub.customer("phone", person.phone)
    if customer is None:
        return []
    shown = hub.timeline(customer["customer_id"])
    return [item["data"]["text"] for item in shown if "text" in item.get("data", {})]


def test_what_people_said_is_stored_sealed_and_shredded_with_them(hub: Hub) -> None:
    person, neighbour = Person(), Person()
    for one in (person, neighbour):
        write(hub, one.interaction(1), one.interaction(2, "complaint.opened"))
        wait_for("what they said", lambda one=one: texts(hub, one) == [one.text] * 2)
    stored = items(hub)["timeline"]
    assert {next(iter(item["body"])) for item in stored if item["sk"]["S"][0].isdigit()} == {"B"}
    texts_there = [person.text, neighbour.text]
    assert "timeline" not in holding(items(hub), texts_there)
    keys = {item["pk"]["S"] for item in items(hub)["subject_key"]}
    assert len(keys) == 3 and "master" in keys

    [done] = erased(hub, person.asked_by_phone)
    places = {one["place"]: one for one in certificate(hub, done)["places"]}
    assert places["timeline"]["deleted"] >= 2
    shredded = places["subject_keys"]
    assert (shredded["method"], shredded["found"], shredded["deleted"]) == ("crypto-shred", 1, 1)
    assert len({item["pk"]["S"] for item in items(hub)["subject_key"]} & keys) == 2

    # What a backup brings back opens for nobody, not even for who has the address now.
    dynamodb = local_stack.client("dynamodb")
    for item in stored:
        dynamodb.put_item(TableName=hub.document["table_names"]["timeline"], Item=item)
    write(hub, person.interaction(3, data={"text": "bom dia"}))
    wait_for("the newcomer", lambda: texts(hub, person) == ["bom dia"])
    assert texts(hub, neighbour) == [neighbour.text] * 2
