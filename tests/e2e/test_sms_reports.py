"""End User Messaging on the stack: a stop that somebody writes, a number that does not exist."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

from local import stack as local_stack
from local.demo.hub import Hub, wait_for
from local.sign import sample


@pytest.fixture
def hub(stack: dict[str, Any]) -> Hub:
    return Hub(stack)


def new_phone() -> str:
    return f"+55119{uuid.uuid4().int % 10**8:08d}"


def published(topic: str, message: dict[str, Any]) -> None:
    """As the service does: to the topic that the template made for it."""
    sns = local_stack.client("sns")
    arns = [
        t["TopicArn"]
        for page in sns.get_paginator("list_topics").paginate()
        for t in page["Topics"]
    ]
    [arn] = [arn for arn in arns if f"-{topic}-" in arn]
    sns.publish(TopicArn=arn, Message=json.dumps(message))


def granted(hub: Hub, phone: str) -> None:
    number = {"kind": "phone", "value": phone}
    consent = {"identifier": number, "purpose": "marketing", "channel": "sms", "state": "granted"}
    consent |= {"actor": "subject", "evidence": {"form": "site"}}
    assert hub.api("POST", "/v1/consents", consent, expected=201)["state"] == "granted"
    # What follows is later, also by a clock of whole seconds.
    time.sleep(1.1)


def marketing(hub: Hub, phone: str) -> dict[str, Any]:
    number = {"kind": "phone", "value": phone}
    question = {"identifier": number, "purpose": "marketing", "channel": "sms"}
    return dict(hub.api("POST", "/v1/consents/lookup", question))


def test_a_stop_written_to_the_number_stops(hub: Hub) -> None:
    phone = new_phone()
    granted(hub, phone)

    text = {"originationNumber": phone, "messageBody": "SAIR", "inboundMessageId": uuid.uuid4().hex}
    published("InboundSmsTopic", sample("eum_sms", "message") | text)

    wait_for("the stop", lambda: marketing(hub, phone)["state"] == "denied")
    assert marketing(hub, phone)["reason"] == "stop"


def test_a_number_that_does_not_exist_is_written_to_no_more(hub: Hub) -> None:
    phone = new_phone()
    granted(hub, phone)

    event = {
        "destinationPhoneNumber": phone,
        "eventTimestamp": int(time.time() * 1000),
        "context": {"message_id": str(uuid.uuid4()), "purpose": "marketing"},
    }
    published("SmsEventsTopic", sample("eum_sms", "invalid") | event)

    wait_for("the stop", lambda: marketing(hub, phone)["state"] == "denied")
    assert marketing(hub, phone)["reason"] == "hard_bounce"
