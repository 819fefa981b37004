"""Messages as AWS sees them: taken by the API, decided by dispatch, put off by schedules."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from enlace.aws.schedules import Schedules
from enlace.contracts import registry
from enlace.domain.envelope import Event, read_event
from enlace.domain.open_hours import is_open
from enlace.errors import TemporaryFailure
from enlace.rules import message_policy
from enlace.usecases.recipient_zones import zones_of_number
from tests.aws.test_consent_function import ask as say
from tests.aws.test_consent_function import world
from tests.aws.test_sender_functions import aws, load, sample
from tests.unit.test_bus_consumer import Context

__all__ = ["aws", "world"]

KEY = "the key of the laptop stack"
ROLE = "arn:aws:iam::123456789012:role/schedules"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:dispatch"
BULK = "arn:aws:sqs:us-east-1:123456789012:bulk"
CONTEXT = SimpleNamespace(
    function_name="api_messages",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:api_messages",
    aws_request_id="r-1",
)
#: At any time it is night, or Sunday, for one of them: half a day lies between them.
NUMBERS = ("+5511987654321", "+819012345678", "+14155552671", "+351912345678")


def made(service: str) -> Any:
    return botocore.session.get_session().create_client(service, region_name="us-east-1")


class Stack:
    """The functions over one bus, whose events a queue keeps."""

    def __init__(self, dynamodb: Any) -> None:
        self.dynamodb = dynamodb
        self._sqs = made("sqs")
        self._url = self._sqs.create_queue(QueueName="all-events")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:123456789012:all-events"
        events = made("events")
        pattern = json.dumps({"source": [{"prefix": "enlace."}]})
        events.put_rule(Name="all", EventBusName="enlace", EventPattern=pattern)
        events.put_targets(Rule="all", EventBusName="enlace", Targets=[{"Id": "q", "Arn": arn}])

    def ask(self, status: int = 202, key: str = "", **change: Any) -> dict[str, Any]:
        event = sample("api_messages")
        event["headers"] |= {"x-api-key": KEY, "idempotency-key": key}
        event["body"] = json.dumps({**json.loads(event["body"]), **change})
        return self._call(event, status)

    def show(self, message_id: str, status: int = 200) -> dict[str, Any]:
        event = sample("api_messages")
        event["headers"]["x-api-key"] = KEY
        event |= {
            "routeKey": "GET /v1/messages/{id}",
            "pathParameters": {"id": message_id},
            "body": "",
        }
        return self._call(event, status)

    def _call(self, event: dict[str, Any], status: int) -> dict[str, Any]:
        answer = load("api_messages").handler(event, CONTEXT)
        assert answer["statusCode"] == status, answer["body"]
        return dict(json.loads(answer["body"]))

    def events(self) -> list[Event]:
        """What the bus took since the last time, each valid by its contract."""
        found = []
        while batch := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in batch:
                body = json.loads(message["Body"])
                registry.read(body)
                found.append(read_event(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def dispatch(self, *events: Event) -> None:
        """Let dispatch handle events, as its queue hands them over."""
        records = [
            {"messageId": str(n), "body": json.dumps(body(event))} for n, event in enumerate(events)
        ]
        answer = load("dispatch_message").handler({"Records": records}, Context(60_000))
        assert answer == {"batchItemFailures": []}


def body(event: Event) -> dict[str, Any]:
    return {
        "source": "enlace.api_messages",
        "detail-type": f"{event.name}.v{event.major}",
        "detail": {"metadata": event.metadata, "data": event.data},
    }


@pytest.fixture
def stack(world: Any, monkeypatch: pytest.MonkeyPatch) -> Stack:
    made("s3").create_bucket(Bucket="attachments")
    made("scheduler").create_schedule_group(Name="messages")
    monkeypatch.setenv("ATTACHMENTS_BUCKET", "attachments")
    monkeypatch.setenv("SCHEDULE_GROUP", "messages")
    monkeypatch.setenv("SCHEDULE_ROLE_ARN", ROLE)
    monkeypatch.setenv("DISPATCH_QUEUE_ARN", QUEUE)
    monkeypatch.setenv("BULK_QUEUE_ARN", BULK)
    return Stack(world)


def to(kind: str, value: str) -> dict[str, Any]:
    return {"to": {"identifier": {"kind": kind, "value": value}}}


def test_an_address_that_nobody_knows_becomes_one_that_is_known(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    content = base64.b64encode(b"%PDF").decode()
    file = {"name": "Não é só.pdf", "content_type": "application/pdf", "content": content}

    answer = stack.ask(**to("email", "Maria@Example.com"), attachments=[file])

    events = stack.events()
    assert sorted(event.name for event in events) == [
        "customer.created",
        "dispatch.message",
        "interaction.recorded",
    ]
    recorded = next(event for event in events if event.name == "interaction.recorded")
    assert recorded.data["type"] == "customer.identified"
    items = stack.dynamodb.scan(TableName="identity")["Items"]
    assert any(item.get("value", {}).get("S") == "maria@example.com" for item in items)
    timeline = stack.dynamodb.scan(TableName="timeline")["Items"]
    assert any(answer["message_id"] in item.get("body", {}).get("S", "") for item in timeline)
    shown = stack.show(answer["message_id"])
    assert (shown["status"], shown["customer_id"]) == ("accepted", recorded.data["customer_id"])
    kept = made("s3").get_object(Bucket="attachments", Key=f"attachments/{answer['message_id']}/0")
    assert kept["Body"].read() == b"%PDF"
    assert "maria" not in capsys.readouterr().out.lower()


def test_the_key_makes_one_message_of_many_requests(stack: Stack) -> None:
    first = stack.ask(key="k")
    stack.events()
    assert stack.ask(key="k") == first
    # The command again, under the same id: the first request may have been cut off before it.
    assert [event.data["message_id"] for event in stack.events()] == [first["message_id"]]
    assert "Idempotency-Key" in stack.ask(422, key="k", data={})["detail"]
    assert stack.ask()["message_id"] != stack.ask()["message_id"]
    stack.show("nothing", 404)
    stack.ask(400, data={"order_id": {"a": 1}})


def test_texts_of_any_kind_are_kept(stack: Stack) -> None:
    id_ = stack.ask(data={"order_id": "ç\U0001f600\u2028\x00"})["message_id"]
    stack.ask(400, data={"order_id": "\ud800"})
    assert stack.show(id_)["status"] == "accepted"
    stack.dispatch(*(e for e in stack.events() if e.name == "dispatch.message"))
    [command] = [e for e in stack.events() if e.name == "send.message"]
    assert command.data["message_id"] == id_


def test_dispatch_hands_it_to_a_sender(stack: Stack) -> None:
    id_ = stack.ask()["message_id"]
    [asked] = [event for event in stack.events() if event.name == "dispatch.message"]

    stack.dispatch(asked)
    stack.dispatch(asked)

    commands = [event for event in stack.events() if event.name == "send.message"]
    assert {event.metadata["id"] for event in commands} == {commands[0].metadata["id"]}
    data = commands[0].data
    assert (data["message_id"], data["channel"], data.get("attempt", 1)) == (id_, "email", 1)
    # What people are told is no news for the bus: the sender reads it in the record.
    assert data["data"] == {}
    shown = stack.show(id_)
    assert (shown["status"], shown["attempts"], shown["channel"]) == ("accepted", 1, "email")
    assert [step["what"] for step in shown["decisions"]] == ["chosen"]


def test_marketing_without_consent_goes_to_nobody(stack: Stack) -> None:
    id_ = stack.ask(purpose="marketing", template="newsletter", data={})["message_id"]
    stack.dispatch(*(e for e in stack.events() if e.name == "dispatch.message"))

    shown = stack.show(id_)
    assert shown["status"] == "denied" and shown["reason"].startswith("consent, step 0")
    assert not stack.events()


def test_marketing_at_night_waits_for_a_schedule(stack: Stack) -> None:
    hours, now = message_policy().open_hours, datetime.now(UTC)
    number = next(n for n in NUMBERS if not is_open(hours, zones_of_number(n), now))
    say("/v1/consents", channel="sms", identifier={"kind": "phone", "value": number})
    news: dict[str, Any] = {"purpose": "marketing", "template": "newsletter", "data": {}}
    id_ = stack.ask(**to("phone", number), **news, channels=["sms"])["message_id"]
    asked = [event for event in stack.events() if event.name == "dispatch.message"]

    # Looked at twice, it comes back once.
    stack.dispatch(*asked)
    stack.dispatch(*asked)

    shown = stack.show(id_)
    assert shown["status"] == "deferred" and "step 8" in shown["reason"]
    [schedule] = made("scheduler").list_schedules(GroupName="messages")["Schedules"]
    assert schedule["Target"]["Arn"] == BULK
    whole = made("scheduler").get_schedule(GroupName="messages", Name=schedule["Name"])
    assert whole["ScheduleExpression"] == f"at({shown['deferred_until'][:19]})"
    assert number not in json.dumps(whole, default=str)
    event = json.loads(whole["Target"]["Input"])
    registry.read(event)
    # Come back too early, it is put off again, and to the same moment.
    stack.dispatch(read_event(whole["Target"]["Input"]))
    assert len(made("scheduler").list_schedules(GroupName="messages")["Schedules"]) == 1


def schedules(client: Any) -> Schedules:
    def queue_arn(purpose: str) -> str:
        return BULK if purpose == "marketing" else QUEUE

    return Schedules(lambda: client, group="messages", queue_arn=queue_arn, role_arn=ROLE)


MESSAGE = "0195a6b0-0000-7000-8000-000000000001"
AT = "2099-11-20T12:00:00.123Z"


def test_a_schedule_set_again_is_one(stack: Stack) -> None:
    scheduler = made("scheduler")
    alarms = schedules(scheduler)
    for purpose, cause, attempt in (
        ("transactional", "unread", 1),
        ("transactional", "unread", 1),
        ("marketing", "due", 0),
    ):
        alarms.set(
            MESSAGE,
            purpose=purpose,
            cause=cause,
            attempt=attempt,
            at=AT,
        )

    found = scheduler.list_schedules(GroupName="messages")["Schedules"]

    assert len(found) == 2 and {one["Target"]["Arn"] for one in found} == {BULK, QUEUE}
    for one in found:
        whole = scheduler.get_schedule(GroupName="messages", Name=one["Name"])
        assert whole["ActionAfterCompletion"] == "DELETE"
        assert whole["ScheduleExpression"] == "at(2099-11-20T12:00:00)"
        assert whole["ScheduleExpressionTimezone"] == "UTC"
        assert whole["Target"]["RoleArn"] == ROLE
        event = json.loads(whole["Target"]["Input"])
        registry.read(event)
        assert read_event(whole["Target"]["Input"]).data["message_id"] == MESSAGE


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException"}}, "CreateSchedule"),
        ClientError({"Error": {"Code": "ServiceQuotaExceededException"}}, "CreateSchedule"),
        EndpointConnectionError(endpoint_url="https://scheduler"),
    ],
)
def test_a_schedule_that_is_not_made_is_told(error: Exception) -> None:
    def fail(**parameters: Any) -> None:
        raise error

    alarms = schedules(SimpleNamespace(create_schedule=fail))
    with pytest.raises(TemporaryFailure):
        alarms.set("m", purpose="marketing", cause="due", attempt=0, at=AT)
