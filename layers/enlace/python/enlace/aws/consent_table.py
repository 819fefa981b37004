"""The consent table: state and ledger of every address.

``pk = <address key>``; ``sk = state`` is the one item that a sender checks, and
``sk = ledger#<event id>`` one record each, for ever. Keys hold no clear address.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from botocore.exceptions import ClientError

from enlace.aws.dynamodb import batch_get, translated
from enlace.domain.component import etag_of
from enlace.domain.consent import AddressConsent
from enlace.domain.consent_document import from_document, to_document
from enlace.errors import AlreadyRecorded, Conflict, TemporaryFailure
from enlace.usecases.consents import StoredConsent


class ConsentTable:
    """Implements :class:`enlace.usecases.consents.ConsentStore`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    """

    def __init__(self, client: Any, table: str):
        self._client = client
        self._table = table

    def get(self, key: str) -> StoredConsent:
        """The consent of an address, read consistently.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        item = self._item(key, "state")
        # An intent to send may stand where nobody has said anything yet.
        if item is None or "etag" not in item:
            return StoredConsent(AddressConsent())
        body = item["body"]["S"]
        return StoredConsent(
            from_document(json.loads(body)), item["etag"]["S"], item["last_hash"]["S"]
        )

    def states(self, keys: Collection[str]) -> dict[str, AddressConsent]:
        """The consents of several addresses, where anything is on record, in one request.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        wanted = [{"pk": {"S": key}, "sk": {"S": "state"}} for key in sorted(keys)]
        items = batch_get(self._client, self._table, wanted, consistent=False)
        return {
            item["pk"]["S"]: from_document(json.loads(item["body"]["S"]))
            for item in items
            if "body" in item
        }

    def entry(self, key: str, event_id: str) -> dict[str, Any] | None:
        """One entry of the ledger.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        item = self._item(key, f"ledger#{event_id}")
        return json.loads(item["body"]["S"]) if item else None

    def commit(
        self, key: str, before: StoredConsent, after: AddressConsent, entry: Mapping[str, Any]
    ) -> None:
        """See :class:`enlace.usecases.consents.ConsentStore`."""
        body = _dump(to_document(after))
        state: dict[str, Any] = {
            "TableName": self._table,
            "Item": {
                "pk": {"S": key},
                "sk": {"S": "state"},
                "body": {"S": body},
                "last_hash": {"S": entry["hash"]},
                # The ledger moves with it, so equal states differ by their last entry.
                "etag": {"S": etag_of(body + entry["hash"])},
            },
            "ConditionExpression": "attribute_not_exists(etag)",
        }
        if before.etag:
            state["ConditionExpression"] = "etag = :etag"
            state["ExpressionAttributeValues"] = {":etag": {"S": before.etag}}
        ledger = {
            "TableName": self._table,
            "Item": {
                "pk": {"S": key},
                "sk": {"S": f"ledger#{entry['event_id']}"},
                "body": {"S": _dump(dict(entry))},
            },
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        with translated():
            try:
                self._client.transact_write_items(TransactItems=[{"Put": ledger}, {"Put": state}])
            except ClientError as error:
                _raise_cause(error)
                raise

    def intend(self, key: str, before: StoredConsent, message_id: str, at: str) -> None:
        """See :class:`enlace.usecases.send_gate.Intents`; one conditional write."""
        values = {":id": {"S": message_id}, ":at": {"S": at}}
        if before.etag:
            values[":etag"] = {"S": before.etag}
        with translated():
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": key}, "sk": {"S": "state"}},
                UpdateExpression="SET intent = :id, intent_at = :at",
                ConditionExpression="etag = :etag" if before.etag else "attribute_not_exists(etag)",
                ExpressionAttributeValues=values,
            )

    def _item(self, key: str, sk: str) -> dict[str, Any] | None:
        with translated():
            answer = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": key}, "sk": {"S": sk}},
                ConsistentRead=True,
            )
        item: dict[str, Any] | None = answer.get("Item")
        return item


def _raise_cause(error: ClientError) -> None:
    response: dict[str, Any] = {**error.response}
    code = response.get("Error", {}).get("Code")
    if code in ("TransactionConflictException", "TransactionInProgressException"):
        raise Conflict("another transaction is under way") from error
    if code != "TransactionCanceledException":
        return
    codes = [reason.get("Code") for reason in response.get("CancellationReasons", [])]
    if codes[:1] == ["ConditionalCheckFailed"]:
        raise AlreadyRecorded([]) from error
    if {"ConditionalCheckFailed", "TransactionConflict"}.intersection(codes):
        raise Conflict("not as it was read") from error
    raise TemporaryFailure(f"DynamoDB cancelled: {', '.join(sorted(map(str, codes)))}") from error


def _dump(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
