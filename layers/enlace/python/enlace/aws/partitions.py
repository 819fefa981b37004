"""Whole partitions of a table with sort keys: every page, and what batches leave undone."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from enlace.aws.dynamodb import Item, batch_get, translated
from enlace.errors import TemporaryFailure

_BATCH = 25
_ATTEMPTS = 8


class Partitions:
    """Reads consistently, and writes in batches.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
        With the keys ``pk`` and ``sk``.
    sleep : callable
        Waits some seconds for what the service left undone.
    """

    def __init__(self, client: Any, table: str, *, sleep: Callable[[float], None] = time.sleep):
        self._client = client
        self._table = table
        self._sleep = sleep

    def pages(self, pk: str, *, first: str = " ", last: str = "~") -> Iterator[list[Item]]:
        """Items of a partition by sort key, both ends included, page by page (1 MB each).

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": {"S": pk},
                ":first": {"S": first},
                ":last": {"S": last},
            },
            "ConsistentRead": True,
        }
        while True:
            with translated():
                answer = self._client.query(**arguments)
            yield answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def items(self, pk: str, *, first: str = " ", last: str = "~") -> Iterator[Item]:
        """The same, item by item."""
        for page in self.pages(pk, first=first, last=last):
            yield from page

    def get(self, keys: Iterable[Item]) -> Iterator[Item]:
        """Items by key, those that are there.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        return batch_get(self._client, self._table, keys, consistent=True)

    def put(self, items: Iterable[Item]) -> None:
        """Write items, whatever was there; raises ``TemporaryFailure``."""
        self._write([{"PutRequest": {"Item": item}} for item in items])

    def delete(self, keys: Iterable[Item]) -> None:
        """Delete items by key, or by themselves; raises ``TemporaryFailure``."""
        self._write([{"DeleteRequest": {"Key": key_of(item)}} for item in keys])

    def call(self, operation: str, **arguments: Any) -> None:
        """Any single write.

        Raises
        ------
        Conflict
            If its condition does not hold.
        TemporaryFailure
            If the service does not do it.
        """
        with translated():
            getattr(self._client, operation)(TableName=self._table, **arguments)

    def _write(self, requests: Sequence[dict[str, Any]]) -> None:
        waiting, attempt = list(requests), 0
        while waiting:
            batch, waiting = waiting[:_BATCH], waiting[_BATCH:]
            with translated():
                answer = self._client.batch_write_item(RequestItems={self._table: batch})
            left = answer.get("UnprocessedItems", {}).get(self._table, [])
            if left:
                attempt += 1
                if attempt == _ATTEMPTS:
                    raise TemporaryFailure("DynamoDB: items stay unprocessed")
                self._sleep(random.uniform(0, 0.05 * 2**attempt))
                waiting = left + waiting


def key_of(item: Item) -> Item:
    """An item's key."""
    return {"pk": item["pk"], "sk": item["sk"]}
