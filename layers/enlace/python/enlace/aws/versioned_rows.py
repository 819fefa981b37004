"""Rows of the privacy table: ``pk``, ``sk``, the body as JSON, a version.

``open`` and ``next_at`` put a row into the index ``due``; ``ttl`` is the table's own
backstop, which nothing relies on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from enlace.aws.dynamodb import Item, translated
from enlace.errors import Conflict
from enlace.usecases.rows import Row

INDEX = "due"


class VersionedRows:
    """Implements :class:`enlace.usecases.rows.Rows`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    """

    def __init__(self, client: Any, table: str):
        self._client = client
        self._table = table

    def get(self, pk: str, sk: str) -> Row | None:
        """See :class:`enlace.usecases.rows.Rows`."""
        with translated():
            answer = self._client.get_item(
                TableName=self._table, Key=_key(pk, sk), ConsistentRead=True
            )
        return _row(answer["Item"]) if "Item" in answer else None

    def under(self, pk: str, prefix: str) -> list[Row]:
        """See :class:`enlace.usecases.rows.Rows`."""
        condition, values = "pk = :pk", {":pk": {"S": pk}}
        if prefix:
            condition += " AND begins_with(sk, :prefix)"
            values[":prefix"] = {"S": prefix}
        return self._query(
            None,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )

    def due(self, queue: str, until: str, limit: int) -> list[Row]:
        """See :class:`enlace.usecases.rows.Rows`."""
        return self._query(
            limit,
            IndexName=INDEX,
            KeyConditionExpression="#open = :queue AND next_at <= :until",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues={":queue": {"S": queue}, ":until": {"S": until}},
        )

    def put(self, rows: Sequence[Row]) -> list[Row]:
        """See :class:`enlace.usecases.rows.Rows`."""
        written = [replace(row, version=row.version + 1) for row in rows]
        puts = []
        for before, after in zip(rows, written, strict=True):
            put: dict[str, Any] = {
                "TableName": self._table,
                "Item": _item(after),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
            if before.version:
                put["ConditionExpression"] = "version = :before"
                put["ExpressionAttributeValues"] = {":before": {"N": str(before.version)}}
            puts.append(put)
        with translated():
            try:
                if len(puts) == 1:
                    self._client.put_item(**puts[0])
                else:
                    self._client.transact_write_items(TransactItems=[{"Put": put} for put in puts])
            except ClientError as error:
                _raise_conflict(error)
                raise
        return written

    def delete(self, pk: str, sk: str) -> None:
        """See :class:`enlace.usecases.rows.Rows`."""
        with translated():
            self._client.delete_item(TableName=self._table, Key=_key(pk, sk))

    def _query(self, limit: int | None, **arguments: Any) -> list[Row]:
        rows: list[Row] = []
        start: dict[str, Any] = {}
        while True:
            if limit is not None:
                start["Limit"] = limit - len(rows)
            with translated():
                answer = self._client.query(TableName=self._table, **arguments, **start)
            rows += map(_row, answer["Items"])
            if "LastEvaluatedKey" not in answer or (limit is not None and len(rows) >= limit):
                return rows
            start["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _item(row: Row) -> Item:
    body = json.dumps(row.body, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    item: Item = {**_key(row.pk, row.sk), "body": {"S": body}, "version": {"N": str(row.version)}}
    if row.queue and row.next_at:
        item |= {"open": {"S": row.queue}, "next_at": {"S": row.next_at}}
    if row.expires_at:
        item["ttl"] = {"N": str(row.expires_at)}
    return item


def _row(item: Item) -> Row:
    return Row(
        item["pk"]["S"],
        item["sk"]["S"],
        json.loads(item["body"]["S"]),
        int(item["version"]["N"]),
        item["open"]["S"] if "open" in item else "",
        item["next_at"]["S"] if "next_at" in item else "",
        int(item["ttl"]["N"]) if "ttl" in item else 0,
    )


def _raise_conflict(error: ClientError) -> None:
    response: dict[str, Any] = {**error.response}
    code = response.get("Error", {}).get("Code")
    if code in ("TransactionConflictException", "TransactionInProgressException"):
        raise Conflict("another transaction is under way") from error
    reasons = {reason.get("Code") for reason in response.get("CancellationReasons", [])}
    if reasons & {"ConditionalCheckFailed", "TransactionConflict"}:
        raise Conflict("not as it was read") from error
