"""send_whatsapp as Lambda calls it: tables in moto, and the sink of the laptop stack as Meta."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from enlace.domain.envelope import read_event
from enlace.domain.interaction import utc_text
from local.whatsapp_sink import Handler, Store
from tests.aws.test_delivery_table import make_client
from tests.aws.test_sender_functions import aws, know, load, outcomes, sample
from tests.unit.test_bus_consumer import Context

__all__ = ["aws"]

PHONE = "+5511987654321"


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """What Meta was told."""
    store = Store()
    handler = type("SinkHandler", (Handler,), {"store": store})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("WHATSAPP_API_URL", f"http://127.0.0.1:{server.server_port}/v26.0/")
        yield store
        server.shutdown()


@pytest.fixture
def sender(aws: Any, graph: Store) -> Any:
    """The function, with its token and an address to write to."""
    secret = json.dumps({"access_token": "EAAG"})
    make_client("secretsmanager").create_secret(Name="whatsapp", SecretString=secret)
    know(aws, "send_whatsapp", PHONE)
    return load("send_whatsapp").handler


def wrote(dynamodb: Any, ago: timedelta, **changes: Any) -> None:
    """Store an interaction of the sample's address; a field that is None is left out."""
    point = read_event(sample("send_whatsapp")["Records"][0]["body"]).data["contact_point"]
    at = utc_text(datetime.now(UTC) - ago)
    body = {
        "id": f"i-{at}",
        "channel": "whatsapp",
        "type": "message.received",
        "direction": "inbound",
        "occurred_at": at,
        "contact_point": {"kind": "phone", "level": "proven"},
        "data": {"text": "Oi"},
        **changes,
    }
    body = {name: value for name, value in body.items() if value is not None}
    item = {
        "pk": {"S": point["key"]},
        "sk": {"S": f"{at}#i"},
        "body": {"S": json.dumps(body)},
    }
    dynamodb.put_item(TableName="timeline", Item=item)


def run(sender: Any) -> list[str]:
    """What is given back to the queue."""
    answer = sender(sample("send_whatsapp"), Context(60_000))
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def test_an_answer_goes_out_as_free_text_and_once(
    aws: Any, graph: Store, sender: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    wrote(aws, timedelta(hours=1))
    assert run(sender) == run(sender) == []
    (message,) = graph.messages
    assert (message["to"], message["type"]) == (PHONE, "text")
    assert message["phone_number_id"] == "106540352242922"
    data = read_event(sample("send_whatsapp")["Records"][0]["body"]).data
    assert message["biz_opaque_callback_data"] == data["message_id"]
    assert "20261120-1234-5678-9" in message["text"]["body"]
    told = outcomes()
    assert {one["type"] for one in told} == {"message.sent"}
    assert {one["data"]["provider_message_id"] for one in told} == {message["id"]}
    assert {one["account"] for one in told} == {"106540352242922"}
    assert "987654321" not in capsys.readouterr().out


def test_a_message_without_a_time_opens_the_window_when_it_arrived(
    aws: Any, graph: Store, sender: Any
) -> None:
    wrote(aws, timedelta(hours=1), occurred_at=None)
    assert run(sender) == []
    (message,) = graph.messages
    assert message["type"] == "text"


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "sms"},
        {"type": "consent.withdrawn"},
        {"direction": "outbound", "type": "message.sent"},
    ],
)
def test_only_a_message_through_whatsapp_opens_the_window(
    changes: dict[str, Any], aws: Any, graph: Store, sender: Any
) -> None:
    wrote(aws, timedelta(hours=1), **changes)
    wrote(aws, timedelta(days=2))
    assert run(sender) == []
    assert not [m for m in graph.messages if m["type"] == "text"]


def test_what_meta_refuses_is_told_and_not_tried_again(aws: Any, graph: Store, sender: Any) -> None:
    wrote(aws, timedelta(hours=1))
    graph.failures.append(failure(400, 131026))
    assert run(sender) == run(sender) == []
    assert len(graph.requests) == 1
    (reason,) = {one["data"]["reason"] for one in outcomes()}
    assert reason == "whatsapp: error 131026"


def test_while_meta_throttles_the_message_comes_again(aws: Any, graph: Store, sender: Any) -> None:
    wrote(aws, timedelta(hours=1))
    graph.failures.append(failure(400, 130429))
    assert len(run(sender)) == 1
    assert run(sender) == []
    assert len(graph.messages) == 1


def test_a_lost_answer_is_not_followed_by_another_call_at_once(
    aws: Any, graph: Store, sender: Any
) -> None:
    wrote(aws, timedelta(hours=1))
    graph.failures.append({**failure(500, 131000), "taken": True})
    assert len(run(sender)) == 1
    assert len(run(sender)) == 1
    assert len(graph.messages) == 1


def test_without_its_token_nothing_goes_out_and_the_message_waits(aws: Any, graph: Store) -> None:
    make_client("secretsmanager").create_secret(Name="whatsapp", SecretString="{}")
    know(aws, "send_whatsapp", PHONE)
    handler = load("send_whatsapp").handler
    wrote(aws, timedelta(hours=1))
    assert len(run(handler)) == len(run(handler)) == 1
    assert graph.requests == []


def failure(status: int, code: int) -> dict[str, Any]:
    return {
        "status": status,
        "retry_after": None,
        "body": {"error": {"message": "as asked", "code": code}},
        "taken": False,
    }
