"""The DynamoDB store: both tables behind the use cases' port, with conditional writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from enlace.aws.buyers import ATTRIBUTE, shard_of
from enlace.aws.dynamodb import Item, translated
from enlace.aws.identity_table import IdentityTable, item_of, own_attributes
from enlace.aws.timeline_table import TimelineTable
from enlace.domain.records import CustomerHint
from enlace.errors import AlreadyRecorded, Conflict, TemporaryFailure
from enlace.usecases.ports import (
    CreateRecord,
    PutComponent,
    PutDocument,
    PutEntry,
    PutInteraction,
    UpdateRecord,
    Write,
)

_NEW = "attribute_not_exists(pk)"


class DynamoStore:
    """Implements :class:`enlace.usecases.ports.Store` on two tables.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    identity_table, timeline_table : str
    """

    def __init__(self, client: Any, identity_table: str, timeline_table: str):
        self._client = client
        self._identity = identity_table
        self._timeline = timeline_table
        identities = IdentityTable(client, identity_table)
        timelines = TimelineTable(client, timeline_table)
        self.get_identifiers = identities.get_identifiers
        self.get_components = identities.get_components
        self.get_entry = identities.get_entry
        self.scan = identities.scan
        self.get_documents = timelines.get_documents
        self.pin_time = timelines.pin_time
        self.get = timelines.get
        self.page = timelines.page

    def commit(self, writes: Sequence[Write]) -> None:
        """Make all writes, or none; a single one costs half, since it needs no transaction.

        Raises
        ------
        AlreadyRecorded
            If the interaction among the writes is recorded; carries its effects.
        Conflict
            If anything else is not as it was read.
        TemporaryFailure
            If the service throttled or did not answer.
        """
        requests = [self._request(write) for write in writes]
        with translated():
            try:
                if len(requests) == 1:
                    ((operation, arguments),) = requests[0].items()
                    call = getattr(self._client, f"{operation.lower()}_item")
                    call(**arguments)
                else:
                    self._client.transact_write_items(TransactItems=requests)
            except ClientError as error:
                _raise_cause(error, writes)
                raise

    def _request(self, write: Write) -> dict[str, dict[str, Any]]:
        if isinstance(write, PutInteraction):
            return self._put_interaction(write)
        if isinstance(write, CreateRecord):
            return _put(self._identity, item_of(write.record), _NEW)
        if isinstance(write, UpdateRecord):
            return self._update_record(write)
        if isinstance(write, PutComponent):
            return self._put_component(write)
        if isinstance(write, PutDocument):
            item: Item = {
                "pk": {"S": write.after.pk},
                "sk": {"S": write.after.sk},
                "body": {"S": _dump(write.after.body)},
                "etag": {"S": write.after.etag},
            }
            if write.after.sk == "totals":
                # What the index of buyers is keyed by; the same for ever, so it is written once.
                item[ATTRIBUTE] = {"S": shard_of(write.after.pk)}
            return _put(self._timeline, item, *_guard(write.before.etag if write.before else None))
        return self._put_entry(write)

    def _put_entry(self, write: PutEntry) -> dict[str, dict[str, Any]]:
        was = {":body": {"S": _dump(write.before)}} if write.before else {}
        condition = "body = :body" if was else _NEW
        if write.after is None:
            return self._delete(write.key, condition, was)
        item = {"pk": {"S": write.key}, "body": {"S": _dump(write.after)}}
        return _put(self._identity, item, condition, was)

    def _delete(self, pk: str, condition: str, values: Item) -> dict[str, dict[str, Any]]:
        return {
            "Delete": {
                "TableName": self._identity,
                "Key": {"pk": {"S": pk}},
                "ConditionExpression": condition,
                **({"ExpressionAttributeValues": values} if values else {}),
            }
        }

    def put_hint(self, key: str, hint: CustomerHint | None) -> None:
        """Tell an identifier's record what its customer looks like; None takes it back.

        Nothing happens where the record is gone, or has been told the same.

        Raises
        ------
        TemporaryFailure
            If the service throttled or did not answer.
        """
        arguments: dict[str, Any] = {
            "TableName": self._identity,
            "Key": {"pk": {"S": key}},
            "UpdateExpression": "REMOVE hint",
            "ConditionExpression": "attribute_exists(hint)",
        }
        if hint:
            text = _dump([list(hint.members), hint.open_case])
            arguments |= {
                "UpdateExpression": "SET hint = :hint",
                "ConditionExpression": "attribute_exists(pk) AND NOT hint = :hint",
                "ExpressionAttributeValues": {":hint": {"S": text}},
            }
        with translated():
            try:
                self._client.update_item(**arguments)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise

    def _put_interaction(self, write: PutInteraction) -> dict[str, dict[str, Any]]:
        item: Item = {
            "pk": {"S": write.item.pk},
            "sk": {"S": write.item.sk},
            "body": {"S": _dump(write.item.body)},
        }
        if write.item.effects:
            item["effects"] = {"S": _dump(write.item.effects)}
        request = _put(self._timeline, item, _NEW)
        # A redelivery gets what the first delivery changed, without a read.
        request["Put"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return request

    def _put_component(self, write: PutComponent) -> dict[str, dict[str, Any]]:
        condition, values = _guard(write.before.etag if write.before else None)
        if write.after:
            item: Item = {
                "pk": {"S": f"component#{write.after.id}"},
                "body": {"S": write.after.body},
                "etag": {"S": write.after.etag},
            }
            return _put(self._identity, item, condition, values)
        if write.before is None:
            raise ValueError("a component write with neither side")
        return self._delete(f"component#{write.before.id}", condition, values)

    def _update_record(self, write: UpdateRecord) -> dict[str, dict[str, Any]]:
        before, after = write.before, write.after
        conditions = ["first_seen = :was_first_seen", "attribute_exists(pk)"]
        values: Item = {":was_first_seen": {"S": before.first_seen}}
        sets: Item = {}
        removes = []
        if before.component:
            conditions.append("component = :was_component")
            values[":was_component"] = {"S": before.component}
        else:
            conditions.append("attribute_not_exists(component)")
        # Rules that change flag an identifier which no component guards.
        conditions.append(f"attribute_{'' if before.blocked else 'not_'}exists(blocked)")
        if after.first_seen != before.first_seen:
            sets["first_seen"] = {"S": after.first_seen}
        if after.customer_id != before.customer_id:
            sets["customer_id"] = {"S": after.customer_id}
        if after.component and after.component != before.component:
            sets["component"] = {"S": after.component}
        elif before.component and not after.component:
            removes.append("component")
        for name in ("hub", "blocked"):
            if getattr(after, name) and not getattr(before, name):
                sets[name] = {"BOOL": True}
            elif getattr(before, name) and not getattr(after, name):
                removes.append(name)
        if write.own:
            was, now = write.own
            sets.update(own_attributes(now))
            if was.seen or was.traits:
                conditions.append("own_etag = :was_own")
                values[":was_own"] = {"S": was.own_etag}
            else:
                conditions.append("attribute_not_exists(own_etag)")
        names = {f"#{n}": name for n, name in enumerate(sets)}
        values |= {f":{n}": value for n, value in enumerate(sets.values())}
        expression = "SET " + ", ".join(f"#{n} = :{n}" for n in range(len(sets))) if sets else ""
        if removes:
            expression += f" REMOVE {', '.join(removes)}"
        return {
            "Update": {
                "TableName": self._identity,
                "Key": {"pk": {"S": write.key}},
                **({"UpdateExpression": expression.strip()} if expression else {}),
                "ConditionExpression": " AND ".join(conditions),
                "ExpressionAttributeValues": values,
                **({"ExpressionAttributeNames": names} if names else {}),
            }
        }


def _raise_cause(error: ClientError, writes: Sequence[Write]) -> None:
    """Tell a redelivery from a race, and both from a throttle."""
    response: dict[str, Any] = {**error.response}
    code = response.get("Error", {}).get("Code")
    if code == "TransactionCanceledException":
        reasons = response.get("CancellationReasons", [])
    elif code == "ConditionalCheckFailedException":
        reasons = [{"Code": "ConditionalCheckFailed", "Item": response.get("Item", {})}]
    elif code in ("TransactionConflictException", "TransactionInProgressException"):
        raise Conflict("another transaction is under way") from error
    else:
        return
    for write, reason in zip(writes, reasons, strict=False):
        if isinstance(write, PutInteraction) and reason.get("Code") == "ConditionalCheckFailed":
            effects = reason.get("Item", {}).get("effects", {}).get("S", "[]")
            raise AlreadyRecorded(json.loads(effects)) from error
    codes = {reason.get("Code") for reason in reasons}
    if codes & {"ConditionalCheckFailed", "TransactionConflict"}:
        raise Conflict("not as it was read") from error
    raise TemporaryFailure(f"DynamoDB cancelled: {', '.join(sorted(map(str, codes)))}") from error


def _put(
    table: str, item: Item, condition: str, values: Item | None = None
) -> dict[str, dict[str, Any]]:
    arguments: dict[str, Any] = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": condition,
    }
    if values:
        arguments["ExpressionAttributeValues"] = values
    return {"Put": arguments}


def _guard(etag: str | None) -> tuple[str, Item]:
    if etag is None:
        return _NEW, {}
    return "etag = :etag", {":etag": {"S": etag}}


def _dump(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
