"""A change of rules on DynamoDB as moto has it, broken off at every single call."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from enlace.aws.active_rules import RETRY_SECONDS, ActiveRules
from enlace.aws.store import DynamoStore
from enlace.domain.interaction import Interaction
from enlace.domain.rules import Rules
from enlace.errors import Misconfigured, TemporaryFailure
from enlace.rules import default_rules, default_text
from enlace.usecases.rules_in_force import ACTIVE, TTL_SECONDS
from enlace.usecases.rules_job import JOB
from local.memory_store import MemoryStore
from tests.stores.builders import CPFS, interaction
from tests.stores.laws import renamed
from tests.stores.running import START, Running
from tests.stores.tables import Tables

ROOT = Path(__file__).parents[2]
#: E-mails join nobody any more; one address is blocked and one is not any longer.
OTHER = (
    default_text()
    .replace('version = "', 'version = "other-')
    .replace("[kinds.email]\n", "[kinds.email]\nlinks = false\n")
    .replace('"a@a.com"', '"ana@example.com"')
)


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "BUS_NAME": "enlace",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        session = botocore.session.get_session()
        session.create_client("events").create_event_bus(Name="enlace")
        yield session.create_client("dynamodb")


def people() -> list[Interaction]:
    phones = [("phone", f"+551198765432{n}") for n in range(3)]
    emails = [("email", name) for name in ("ana@example.com", "rui@example.com", "a@a.com")]
    linked = [
        interaction(f"l{n}", phone, email)
        for n, (phone, email) in enumerate(zip(phones, emails, strict=True))
    ]
    return [*linked, interaction("c", phones[0], ("cpf", CPFS[0]))]


class BreaksOff:
    """A client that dies at its n-th call, before it hears the answer.

    To die before a call is to die after the one before it.
    """

    def __init__(self, client: Any, at: int):
        self._client, self._left = client, at
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def perhaps(**arguments: Any) -> Any:
            self._left -= 1
            if self.dead or self._left == 0:
                if not self.dead:
                    call(**arguments)
                self.dead = True
                raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
            return call(**arguments)

        return perhaps


def test_broken_off_at_any_call_it_ends_the_same(dynamodb: Any) -> None:
    expected = Running(MemoryStore(), default_text())
    expected.deliver(people())
    expected.change(OTHER)
    told = Counter(entry.detail_type for entry in expected.bus.entries)
    for at in range(1, 100):
        tables = Tables(dynamodb)
        stack = Running(tables.store(), default_text())
        stack.deliver(people())
        stack.activate(OTHER)
        fragile = BreaksOff(dynamodb, at)
        store = DynamoStore(fragile, stack.store._identity, stack.store._timeline)
        try:
            stack.job(store).run()
        except TemporaryFailure:
            assert fragile.dead
        stack.clock += 61
        stack.job().run()
        assert stack.store.get_entry(JOB)["finished_at"]
        assert renamed(tables.state()) == renamed(expected.store)
        once = {entry.event_id: entry.detail_type for entry in stack.bus.entries}
        assert Counter(once.values()) == told
        tables.drop()
        if not fragile.dead:
            break
    # It went through all of them, and they were some.
    assert 10 < at < 60


def load(name: str) -> Any:
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"app_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_function_goes_on_by_bus_and_by_schedule(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = Tables(dynamodb)
    stack = Running(tables.store(), default_text())
    monkeypatch.setenv("IDENTITY_TABLE", stack.store._identity)
    stack.deliver(people())
    stack.activate(OTHER)
    function = load("apply_rules")
    now = START
    monkeypatch.setattr(function.time, "time", lambda: now)
    context = SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 300_000)
    example = ROOT / "events/contracts/rules.activated/v1/1.0.example.json"
    message = {"messageId": "m-1", "body": example.read_text("utf-8")}
    scheduled = json.loads((ROOT / "events/functions/apply_rules.json").read_text("utf-8"))

    assert function.handler({"Records": [message]}, context) == {"batchItemFailures": []}
    first = stack.store.get_entry(JOB)
    assert first["changed"] and not first["finished_at"]
    assert function.handler(scheduled, context) == {"result": "nothing to do"}
    now += 3600
    assert function.handler(scheduled, context) == {"result": "done"}
    assert function.handler(scheduled, context) == {"result": "nothing to do"}
    printed = capsys.readouterr().out
    assert '"changed": 3' in printed
    assert not any(value in printed for value in ("@", "+55", CPFS[0]))


class Entries:
    """A table's one entry."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.reads = 0
        self.down = False

    def get(self, key: str) -> dict[str, Any] | None:
        assert key == ACTIVE
        self.reads += 1
        if self.down:
            raise TemporaryFailure("no answer")
        if self.text is None:
            return None
        names = ("version", "activated_at", "activated_by", "previous_version")
        return {"text": self.text, **dict.fromkeys(names, "x")}


class TestActiveRules:
    @pytest.fixture(autouse=True)
    def scene(self) -> None:
        self.entries, self.now, self.lines = Entries(), 1000.0, []
        self.rules = ActiveRules(self.entries.get, self.lines.append, clock=lambda: self.now)

    def test_they_are_read_once_a_minute_and_stay_the_same_object(self) -> None:
        first = self.rules()
        assert first is default_rules()
        self.now += TTL_SECONDS - 1
        assert self.rules() is first and self.entries.reads == 1
        self.entries.text = OTHER
        self.now += 1
        other = self.rules()
        assert other.version.startswith("other-") and self.entries.reads == 2
        self.now += TTL_SECONDS
        assert self.rules() is other

    def test_what_is_built_of_them_is_built_anew_when_they_change(self) -> None:
        built: list[Rules] = []
        current = self.rules.renewing(lambda rules: built.append(rules) or object())
        first = current()
        assert current() is first and len(built) == 1
        self.entries.text = OTHER
        self.now += TTL_SECONDS
        assert current() is not first and len(built) == 2

    @pytest.mark.parametrize("text", [None, "not rules"])
    def test_the_last_good_ones_are_kept(self, text: str | None) -> None:
        first = self.rules()
        self.entries.text, self.entries.down = text, text is None
        self.now += TTL_SECONDS
        assert self.rules() is first and len(self.lines) == 1
        self.entries.text, self.entries.down = OTHER, False
        self.now += RETRY_SECONDS
        assert self.rules() is not first

    def test_without_any_nothing_is_done_by_others(self) -> None:
        self.entries.down = True
        with pytest.raises(TemporaryFailure):
            self.rules()
        self.entries.text, self.entries.down = "not rules", False
        with pytest.raises(Misconfigured):
            self.rules()
