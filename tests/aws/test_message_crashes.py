"""One message, whatever call to AWS the functions are cut off at, before it or after it.

The real functions on moto: asked for, decided, sent; each run is cut off at one call, and
everything is then delivered again until nothing is left to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import botocore.client
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from enlace.domain.envelope import read_event
from tests.aws.test_api_messages import CONTEXT, KEY, Stack, body, stack
from tests.aws.test_consent_function import world
from tests.aws.test_sender_functions import aws, load, sample
from tests.unit.test_bus_consumer import Context
from tests.unit.usecases.fakes import Crash

__all__ = ["aws", "stack", "world"]

_ROUNDS = 12


class Cut:
    """Cuts a function off at its n-th call to AWS, before or after it was carried out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.after, self.calls = -1, False, 0
        self.armed = False
        self.operation = ""
        make = botocore.client.BaseClient._make_api_call

        def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            if not self.armed:
                return make(client, operation, parameters)
            self.calls += 1
            mine = self.calls == self.at
            if mine:
                self.operation = operation
            if mine and not self.after:
                raise Crash
            answer = make(client, operation, parameters)
            if mine:
                raise Crash
            return answer

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)

    @property
    def reached_the_provider(self) -> bool:
        return self.operation == "SendEmail" and self.after


@pytest.fixture
def cut(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cut]:
    # Whoever comes next finds the lease run out.
    monkeypatch.setattr("enlace.usecases.send_gate.LEASE_SECONDS", 0)
    yield Cut(monkeypatch)


class Line:
    """The three functions, each loaded once, and what waits between them."""

    def __init__(self, stack: Stack, cut: Cut) -> None:
        self.stack, self.cut = stack, cut
        self.functions = {
            name: load(name).handler for name in ("api_messages", "dispatch_message", "send_email")
        }

    def call(self, name: str, event: dict[str, Any]) -> dict[str, Any] | None:
        self.cut.armed = True
        try:
            context = CONTEXT if name == "api_messages" else Context(60_000)
            answer: dict[str, Any] = self.functions[name](event, context)
            return answer
        except Crash:
            return None
        finally:
            self.cut.armed = False

    def run(self, key: str, to: str, purpose: str, template: str) -> str:
        """Ask for a message and see it through; gives its id."""
        request = sample("api_messages")
        request["headers"] |= {"x-api-key": KEY, "idempotency-key": key}
        identifier = {"kind": "email", "value": to}
        request["body"] = json.dumps(
            {"to": {"identifier": identifier}, "purpose": purpose, "template": template, "data": {}}
        )
        waiting: list[tuple[str, dict[str, Any]]] = [("api_messages", request)]
        message_id = ""
        for _ in range(_ROUNDS):
            again: list[tuple[str, dict[str, Any]]] = []
            for name, event in waiting:
                answer = self.call(name, event)
                if name == "api_messages":
                    if answer is None or answer["statusCode"] != 202:
                        again.append((name, event))
                    else:
                        message_id = json.loads(answer["body"])["message_id"]
                elif answer is None or answer["batchItemFailures"]:
                    again.append((name, event))
            waiting = again
            for event in self.stack.events():
                consumer = {"dispatch.message": "dispatch_message", "send.message": "send_email"}
                if event.name in consumer:
                    record = {"messageId": event.event_id, "body": json.dumps(body(event))}
                    # Twice, as queues do.
                    waiting += [(consumer[event.name], {"Records": [record]})] * 2
            if not waiting:
                return message_id
        raise AssertionError("it never ends")


def sent_to(address: str) -> int:
    messages = ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sent_messages
    return sum(address in str(message.destinations) for message in messages)


# After a call is before the next one, all but what the one that is cut off makes of it: both are
# tried where a message is given up least.
@pytest.mark.parametrize(
    ("purpose", "template", "after"),
    [
        ("transactional", "protocol_opened", False),
        ("transactional", "protocol_opened", True),
        ("marketing", "newsletter", True),
    ],
)
def test_one_message_whatever_call_is_the_last(
    stack: Stack, cut: Cut, purpose: str, template: str, after: bool
) -> None:
    line, seen = Line(stack, cut), set()
    for at in range(1, 60):
        to = f"{purpose}.{after}.{at}@example.com".lower()
        if purpose == "marketing":
            agree(to)
        cut.at, cut.after, cut.calls, cut.operation = at, after, 0, ""
        message_id = line.run(f"{to}", to, purpose, template)
        if not cut.operation:
            assert at > 8 and "SendEmail" in seen
            return
        seen.add(cut.operation)
        told = stack.show(message_id)
        times = sent_to(to)
        where = (at, cut.operation, told)
        if cut.operation == "SendEmail":
            # Nobody knows: again where it rests on no consent, never where it does.
            expected = (
                1 + cut.reached_the_provider
                if purpose == "transactional"
                else int(cut.reached_the_provider)
            )
            assert times == expected, where
            assert told["status"] == ("sent" if purpose == "transactional" else "failed"), where
        elif cut.operation == "UpdateItem" and times != 1:
            # The claim stands, or the outcome is not entered: the same doubt.
            assert times == (2 if purpose == "transactional" else 0), where
        else:
            assert times == 1, where
            assert told["status"] in ("sent", "failed"), where
        assert times <= 1 or purpose == "transactional", where
    raise AssertionError("there are not so many calls")


def agree(address: str) -> None:
    """The address's owner wants news."""
    from tests.aws.test_consent_function import ask

    ask(
        "/v1/consents",
        identifier={"kind": "email", "value": address},
        channel="email",
        purpose="marketing",
        state="granted",
        actor="subject",
        evidence={"form": "newsletter"},
    )


def test_events_of_the_line_are_what_the_bus_takes(stack: Stack, cut: Cut) -> None:
    """Without a cut: one message, and the bus's events are those of the contracts."""
    line = Line(stack, cut)
    message_id = line.run("k", "ana@example.com", "transactional", "protocol_opened")
    assert stack.show(message_id)["status"] == "sent"
    assert sent_to("ana@example.com") == 1
    assert read_event(sample("send_email")["Records"][0]["body"]).name == "send.message"
