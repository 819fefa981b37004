"""Between message records and DynamoDB items, and the call that both tables here share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.domain.delivery import MessageRecord, Request, State, Step
from enlace.errors import EnlaceError, TemporaryFailure

_NUMBERS = frozenset({"attempt"})
_OTHERS = frozenset({"message_id", "request", "steps"})


class ConditionFailed(EnlaceError):
    """A conditional write found something else than it expected."""


def dynamo_call(client: Any, operation: str, **parameters: Any) -> dict[str, Any]:
    """Make a DynamoDB call.

    Raises
    ------
    ConditionFailed
        If the write's condition, or one of a transaction's, does not hold.
    TemporaryFailure
        If the service did not do it, or a transaction met another; with the code.
    """
    try:
        answer: dict[str, Any] = getattr(client, operation)(**parameters)
        return answer
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        reasons = [r.get("Code") for r in error.response.get("CancellationReasons") or ()]
        if code == "ConditionalCheckFailedException" or "ConditionalCheckFailed" in reasons:
            raise ConditionFailed(operation) from None
        raise TemporaryFailure(f"dynamodb.{operation}: {code}") from error
    except BotoCoreError as error:
        raise TemporaryFailure(f"dynamodb.{operation}: {type(error).__name__}") from error


def to_item(record: MessageRecord) -> dict[str, Any]:
    """The attributes of a record without its key; empty ones are left out."""
    item: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name in _OTHERS or not value:
            continue
        if field.name in _NUMBERS:
            item[field.name] = {"N": str(value)}
        else:
            item[field.name] = {"BOOL": True} if value is True else {"S": str(value)}
    if record.request:
        request = asdict(record.request)
        # By itself, so that it can go while the rest stays.
        data, forgotten = request.pop("data"), request.pop("forgotten")
        item["request"] = {"S": _dump(request)}
        if not forgotten:
            item["template_data"] = {"S": _dump(data)}
    if record.steps:
        item["steps"] = steps_value(record.steps)
    return item


def to_record(item: dict[str, Any]) -> MessageRecord:
    """The record in an item ``message#<id>``."""
    values: dict[str, Any] = {"message_id": item["pk"]["S"].partition("#")[2]}
    for field in fields(MessageRecord):
        attribute = item.get(field.name)
        if attribute is not None and field.name not in _OTHERS:
            ((kind, value),) = attribute.items()
            values[field.name] = int(value) if kind == "N" else value
    values["state"] = State(values.get("state", State.ACCEPTED))
    if "request" in item:
        request = json.loads(item["request"]["S"])
        for name in ("channels", "attachments"):
            request[name] = tuple(request[name])
        data = json.loads(item["template_data"]["S"]) if "template_data" in item else None
        values["request"] = Request(**request, data=data or {}, forgotten=data is None)
    steps = item.get("steps", {}).get("L", ())
    return MessageRecord(**values, steps=tuple(Step(*json.loads(one["S"])) for one in steps))


def steps_value(steps: Iterable[Step]) -> dict[str, Any]:
    """Steps as an attribute."""
    return {"L": [{"S": _dump([s.at, s.what, s.why, s.channel])} for s in steps]}


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
