"""What a message costs, from being asked for to being sent, through the real functions.

Each function is called once before it is measured: its secret and its templates are read
once an instance. What the outcome costs in the timeline is the resolver's, in the rows of a
known contact.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from unittest import mock

import botocore.session

from bench import people
from bench.capacity import Usage
from bench.measure import Measure
from bench.world import ACCOUNT_ID, REGION, Function, World, environment, world

#: Accepting, the decision or the reservation, the claim, the outcome.
MOST_WRITE_UNITS = 4
_ADDRESSES = {
    "email": {"kind": "email", "value": "ana@example.com"},
    "sms": {"kind": "phone", "value": "+5511987654321"},
    "whatsapp": {"kind": "phone", "value": "+5511987654321"},
}
_WAYS = (
    ("transactional", "email"),
    ("marketing", "email"),
    ("transactional", "sms"),
    ("transactional", "whatsapp"),
)
#: The one provider that moto does not know; what is counted comes before and after it.
_META = "enlace.senders.whatsapp.WhatsApp.send"
#: Most requests to DynamoDB of each step: what it reads of a customer of one contact point.
_MOST_REQUESTS = {"asked for": 3, "dispatched": 8, "sent": 6}


class Unsent(Exception):
    """A message did not go out that was meant to."""


def count_sends() -> dict[tuple[str, str], dict[str, Usage]]:
    """The usage of each step, by purpose and channel.

    Raises
    ------
    Unsent
        If the message does not end as sent.
    """
    with world() as services, mock.patch(_META, return_value="wamid.bench"):
        bus = _Bus(services)
        _client("ses").verify_email_identity(EmailAddress=environment()["EMAIL_FROM"])
        variables = {
            "SENDER_CHANNELS": "email,sms,whatsapp",
            "SMS_PROVIDER": "sns",
            "TEMPLATES_BUCKET": "",
            "WHATSAPP_API_URL": "https://graph.example.com",
            "WHATSAPP_PHONE_NUMBER_ID": "1",
            "LINK_SECRET_ID": "address-key",
            "PUBLIC_URL": "https://hub.example.com",
        }
        functions = {
            name: services.load_function(name, **variables)
            for name in ("api_messages", "dispatch_message", "api_consents")
        } | {
            channel: services.load_function(f"send_{channel}", **variables)
            for channel in _ADDRESSES
        }
        _api(
            functions["api_consents"],
            "POST /v1/consents",
            {
                "identifier": _ADDRESSES["email"],
                "channel": "email",
                "purpose": "marketing",
                "state": "granted",
                "actor": "subject",
                "evidence": {"form": "bench"},
            },
        )
        found = {}
        for purpose, channel in _WAYS:
            _send(services, bus, functions, purpose, channel)
            found[purpose, channel] = _send(services, bus, functions, purpose, channel)
    return found


def rows(sends: Mapping[tuple[str, str], Mapping[str, Usage]]) -> list[Measure]:
    """The table's rows; the baseline sends nothing."""
    found = []
    for (purpose, channel), steps in sends.items():
        title = f"{purpose} message by {channel}"
        for step, usage in steps.items():
            most = _MOST_REQUESTS[step]
            requests = usage.count("dynamodb")
            found.append(Measure(f"{title}, {step}: DynamoDB requests", requests, None, most))
        written = sum(usage.write_units for usage in steps.values())
        read = sum(usage.read_units for usage in steps.values())
        found.append(Measure(f"{title}: write units in all", written, None, MOST_WRITE_UNITS))
        found.append(Measure(f"{title}: read units in all", read, None, 12))
    return found


class _Bus:
    """What the functions put on the bus."""

    def __init__(self, services: World) -> None:
        self._sqs = services.sqs
        self._url = self._sqs.create_queue(QueueName="bus")["QueueUrl"]
        events = _client("events")
        pattern = json.dumps({"source": [{"prefix": "enlace."}]})
        events.put_rule(Name="all", EventBusName="enlace", EventPattern=pattern)
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:bus"
        events.put_targets(Rule="all", EventBusName="enlace", Targets=[{"Id": "q", "Arn": arn}])

    def take(self, detail_type: str) -> list[dict[str, Any]]:
        found = []
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                body = json.loads(message["Body"])
                if body["detail-type"] == detail_type:
                    found.append(body)
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return found


def _client(service: str) -> Any:
    """A client that is not measured."""
    return botocore.session.get_session().create_client(service, region_name=REGION)


def _send(
    services: World, bus: _Bus, functions: Mapping[str, Function], purpose: str, channel: str
) -> dict[str, Usage]:
    template = "newsletter" if purpose == "marketing" else "protocol_opened"
    request = {
        "to": {"identifier": _ADDRESSES[channel]},
        "purpose": purpose,
        "template": template,
        "data": {} if purpose == "marketing" else {"protocol": "20261120-1234-5678-9"},
        "channels": [channel],
    }
    used: dict[str, Usage] = {}
    with services.meter.measure() as used["asked for"]:
        answer = _api(functions["api_messages"], "POST /v1/messages", request)
    commands = bus.take("dispatch.message.v1")
    with services.meter.measure() as used["dispatched"]:
        functions["dispatch_message"](people.queue_event(commands))
    commands = bus.take("send.message.v1")
    with services.meter.measure() as used["sent"]:
        functions[channel](people.queue_event(commands))
    key = {"pk": {"S": f"message#{answer['message_id']}"}}
    table = environment()["DELIVERY_TABLE"]
    item = services.dynamodb.get_item(TableName=table, Key=key)["Item"]
    if item["state"]["S"] != "sent":
        raise Unsent(f"{purpose} by {channel}: {item['state']['S']}: {item['reason']['S']}")
    return used


def _api(function: Function, route: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = function(
        {
            "version": "2.0",
            "routeKey": route,
            "rawPath": route.split()[1],
            "rawQueryString": "",
            "headers": {"content-type": "application/json"},
            "requestContext": {
                "http": {"method": route.split()[0], "path": route.split()[1]},
                "authorizer": {
                    "jwt": {
                        "claims": {"iss": environment()["JWT_ISSUER"], "roles": "admin", "sub": "7"}
                    }
                },
            },
            "body": json.dumps(body),
            "isBase64Encoded": False,
        }
    )
    if answer["statusCode"] >= 300:
        raise Unsent(answer["body"])
    found: dict[str, Any] = json.loads(answer["body"])
    return found
