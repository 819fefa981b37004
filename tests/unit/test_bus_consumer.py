"""Partial batch responses, reasons in the log, and stopping in time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from enlace.aws.bus_consumer import BusConsumer
from enlace.domain.envelope import Event
from enlace.errors import InvalidPayload, ProviderUnavailable, TemporaryFailure


class Log:
    request_id: str | None = None

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __call__(self, level: str, message: str, **fields: Any) -> None:
        self.lines.append({"level": level, "message": message, **fields})


class Context:
    aws_request_id = "r-1"

    def __init__(self, *milliseconds: int) -> None:
        self._left = list(milliseconds)

    def get_remaining_time_in_millis(self) -> int:
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


def batch(*bodies: Any) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": str(n), "body": body if isinstance(body, str) else json.dumps(body)}
            for n, body in enumerate(bodies)
        ]
    }


def message(id_: str) -> dict[str, Any]:
    return {
        "source": "enlace.test",
        "detail-type": "send.message.v1",
        "detail": {"metadata": {"id": id_}, "data": {"email": "joao@example.com"}},
    }


def failed(answer: dict[str, Any]) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def test_one_failure_does_not_take_the_others_with_it() -> None:
    log = Log()
    seen: list[str] = []

    def handle(event: Event) -> str:
        seen.append(event.event_id)
        if event.event_id == "b":
            raise ProviderUnavailable("ses: throttled")
        return "sent"

    consume = BusConsumer(handle, log)
    answer = consume(batch(message("a"), message("b"), "not json", message("c")), Context(60_000))
    assert failed(answer) == ["1", "2"]
    assert seen == ["a", "b", "c"]
    assert [line["message"] for line in log.lines] == ["done", "try again", "poison", "done"]
    assert log.lines[1]["reason"] == "ses: throttled"
    assert log.request_id == "r-1"
    assert failed(consume(batch(message("c")), None)) == []


def test_a_batch_that_fails_whole_is_a_response_and_not_an_error() -> None:
    def handle(event: Event) -> None:
        raise InvalidPayload("send.message: a field is missing")

    log = Log()
    assert failed(BusConsumer(handle, log)(batch(message("a"), message("b")), None)) == ["0", "1"]
    assert {line["reason"] for line in log.lines} == {"send.message: a field is missing"}


def test_a_bug_is_logged_without_its_text() -> None:
    def handle(event: Event) -> None:
        raise ValueError(event.data["email"])

    log = Log()
    assert failed(BusConsumer(handle, log)(batch(message("a")), None)) == ["0"]
    assert log.lines[0]["error"] == "ValueError"
    assert "joao" not in json.dumps(log.lines)


def test_no_message_is_begun_that_may_be_cut_off() -> None:
    seen: list[str] = []
    consume = BusConsumer(lambda event: seen.append(event.event_id), Log(), reserve_ms=10_000)
    answer = consume(batch(message("a"), message("b"), message("c")), Context(20_000, 9_000))
    assert seen == ["a"]
    assert failed(answer) == ["1", "2"]


@pytest.mark.parametrize("body", ["[]", "{}", '"x"', '{"detail-type": "x", "detail": {}}'])
def test_what_is_no_event_is_poison(body: str) -> None:
    log = Log()
    assert failed(BusConsumer(lambda event: None, log)(batch(body), None)) == ["0"]
    assert log.lines[0]["message"] == "poison"


def test_where_traffic_is_held_everything_goes_back_to_the_queue() -> None:
    class Held:
        def check(self) -> None:
            raise TemporaryFailure("tables were restored")

    handled: list[Event] = []

    def handle(event: Event) -> str:
        handled.append(event)
        return "done"

    log = Log()
    held = BusConsumer(handle, log, hold=Held())
    assert failed(held(batch(message("a"), message("b")), Context(30_000))) == ["0", "1"]
    assert handled == []
    assert log.lines[0]["reason"] == "tables were restored"
