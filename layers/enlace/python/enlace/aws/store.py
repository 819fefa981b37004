"""The DynamoDB store: both tables behind the use cases' port, with conditional writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from enlace.aws.buyers import ATTRIBUTE, shard_of
from enlace.aws.dynamodb import Item, translated
from enlace.aws.identity_table import IdentityTable, item_of
from enlace.aws.identity_writes import NEW, delete, forget_record, put, update_record, vacant
from enlace.aws.timeline_table import TimelineTable
from enlace.domain.records import CustomerHint
from enlace.errors import AlreadyRecorded, Conflict, TemporaryFailure
from enlace.usecases.ports import (
    CreateRecord,
    ForgetRecord,
    PutComponent,
    PutDocument,
    PutEntry,
    PutInteraction,
    UpdateRecord,
    Write,
)


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
        self.get_states = identities.get_states
        self.get_components = identities.get_components
        self.get_entry = identities.get_entry
        self.scan = identities.scan
        self.get_documents = timelines.get_documents
        self.pin_time = timelines.pin_time
        self.is_pinned = timelines.is_pinned
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
            return put(self._identity, item_of(write.record), *vacant(write.record))
        if isinstance(write, UpdateRecord):
            return update_record(self._identity, write)
        if isinstance(write, ForgetRecord):
            return forget_record(self._identity, write)
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
            return put(self._timeline, item, *_guard(write.before.etag if write.before else None))
        return self._put_entry(write)

    def _put_entry(self, write: PutEntry) -> dict[str, dict[str, Any]]:
        was = {":body": {"S": _dump(write.before)}} if write.before else {}
        condition = "body = :body" if was else NEW
        if write.after is None:
            return delete(self._identity, write.key, condition, was)
        item = {"pk": {"S": write.key}, "body": {"S": _dump(write.after)}}
        return put(self._identity, item, condition, was)

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
                "ConditionExpression": "attribute_exists(birth) AND NOT hint = :hint",
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
        request = put(self._timeline, item, NEW)
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
            return put(self._identity, item, condition, values)
        if write.before is None:
            raise ValueError("a component write with neither side")
        return delete(self._identity, f"component#{write.before.id}", condition, values)


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


def _guard(etag: str | None) -> tuple[str, Item]:
    if etag is None:
        return NEW, {}
    return "etag = :etag", {":etag": {"S": etag}}


def _dump(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
