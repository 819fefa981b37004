"""The functions' sample events, made fit for the running stack.

The files under ``events/functions/`` are complete events for `sam local invoke -e`. But every stack
draws its own secrets, so a sample's signature, API key and address keys are another stack's. Here
they are replaced by the running stack's, so that a function does what it is there for.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from enlace.domain.protocol import make_protocol
from local import links, sign, stack
from local.settings import ROOT, LocalError

EVENTS = ROOT / "events" / "functions"
#: Records the interactions that the samples of the bus's consumers speak of.
FIRST = "resolve_identity"
#: Shows the case that they open, which dispatch does meanwhile.
LAST = "api_cases"
_ADDRESS_KEY = re.compile(r"\b(\w+)#[\w-]{22}(?![\w-])")


def functions() -> list[str]:
    """Names of all functions, such as ``webhook_whatsapp``, in an order that they can run in."""
    names = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
    return sorted(names, key=lambda name: (name != FIRST, name == LAST))


def sample_event(name: str) -> Any:
    """The sample event of a function, fit for the running stack.

    Parameters
    ----------
    name
        Function, such as ``webhook_x``. Consumers of the bus need ``resolve_identity`` to have run
        with its sample.

    Raises
    ------
    LocalError
        When there is no sample, no stack, or what it speaks of is not recorded yet.
    """
    path = EVENTS / f"{name}.json"
    if not path.exists():
        raise LocalError(f"{name} has no sample event: add events/functions/{name}.json")
    event = json.loads(path.read_text("utf-8"))
    if "rawPath" in event:
        if name.startswith("webhook_"):
            return _signed(event)
        if name.startswith("web_"):
            return _linked(event)
        return _keyed(_of_the_case(event) if name == LAST else event)
    if "Records" not in event:
        return event  # a schedule's, which tells nothing of the stack
    if "Sns" in event["Records"][0]:
        return _mailed(event)
    return event if name == FIRST else _addressed(event)


def _signed(event: dict[str, Any]) -> dict[str, Any]:
    """The same webhook request, signed with the running stack's secret."""
    body = event["body"].encode()
    body = base64.b64decode(body) if event["isBase64Encoded"] else body
    route = event["rawPath"]
    channel = route.removeprefix("/webhooks/") if route.startswith("/webhooks/") else "segment"
    payload: Any = dict(parse_qsl(body.decode())) if channel.startswith("twilio/") else body
    signed = sign.sign(channel, payload, stack.load()["webhook_secrets"])
    return sign.http_api_event(signed, time_seconds=int(time.time()))


def _keyed(event: dict[str, Any]) -> dict[str, Any]:
    """The same API request, with the running stack's key."""
    return {**event, "headers": {**event["headers"], "x-api-key": stack.load()["api_key"]}}


def _linked(event: dict[str, Any]) -> dict[str, Any]:
    """The same request of a page, with a link that the running stack made."""
    token = links.token("preferences", "email", "joao@example.com", channel="email")
    path = event["rawPath"].replace("sample", token)
    return {**event, "rawPath": path, "pathParameters": {"token": token}}


def _of_the_case(event: dict[str, Any]) -> dict[str, Any]:
    """The same request, about the case that the resolver's sample opens."""
    complaint = _recorded()["phone"]
    protocol = make_protocol(complaint["id"], complaint["occurred_at"])
    path = re.sub(r"[0-9]{17}", protocol, event["rawPath"])
    return {**event, "rawPath": path, "pathParameters": {"protocol": protocol}}


def _mailed(event: dict[str, Any]) -> dict[str, Any]:
    """The same notification; the mail that it announces lies in the running stack's bucket."""
    for record in event["Records"]:
        notification = json.loads(record["Sns"]["Message"])
        action = notification.get("receipt", {}).get("action", {})
        if action.get("type") != "S3":
            continue
        action["bucketName"] = stack.load()["mail"]["bucket"]
        stack.client("s3").put_object(
            Bucket=action["bucketName"],
            Key=action["objectKey"],
            Body=(ROOT / "events" / "channels" / "email" / "complaint.eml").read_bytes(),
        )
        record["Sns"]["Message"] = json.dumps(notification)
    return event


def _addressed(event: dict[str, Any]) -> dict[str, Any]:
    """The same bus events, speaking of what the resolver's sample recorded here."""
    points = _recorded()
    items = {kind: _identifier(kind, one["contact_point"]["value"]) for kind, one in points.items()}

    def key_of(match: re.Match[str]) -> str:
        return str(items[match[1]]["pk"]["S"]) if match[1] in items else match[0]

    for record in event["Records"]:
        body = json.loads(_ADDRESS_KEY.sub(key_of, record["body"]))
        data = body["detail"]["data"]
        if "contact_point" in data:
            kind = data["contact_point"]["kind"]
            data["customer_id"] = (items[kind].get("customer_id") or items[kind]["birth"])["S"]
            if "timeline_key" in data:
                data["interaction_id"] = points[kind]["id"]
                data["timeline_key"] = f"{points[kind]['occurred_at']}#{points[kind]['id']}"
        record["body"] = json.dumps(body, ensure_ascii=False)
    return event


def _recorded() -> dict[str, dict[str, Any]]:
    """The interactions of the resolver's sample, by the kind of their contact point."""
    records = json.loads((EVENTS / f"{FIRST}.json").read_text("utf-8"))["Records"]
    interactions = [json.loads(record["body"]) for record in records]
    return {interaction["contact_point"]["kind"]: interaction for interaction in interactions}


def _identifier(kind: str, value: str) -> Mapping[str, Any]:
    # A scan, since only the functions know how to compute a key; a laptop's table is small.
    pages = stack.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(
        TableName=stack.load()["table_names"]["identity"],
        FilterExpression="#kind = :kind AND #value = :value",
        ExpressionAttributeNames={"#kind": "kind", "#value": "value"},
        ExpressionAttributeValues={":kind": {"S": kind}, ":value": {"S": value}},
    ):
        for item in page["Items"]:
            return dict(item)
    raise LocalError(f"the samples' customer is not recorded yet: run {FIRST} first")
