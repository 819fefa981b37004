"""The mark that every table carries: how many erasures it has gone through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from enlace.aws.dynamodb import Item, translated
from enlace.errors import Conflict, TemporaryFailure

MARK = "erasures#done"
_HEAD: Item = {"pk": {"S": "journal"}, "sk": {"S": "head"}}


class RestoreMarks:
    """Implements :class:`enlace.usecases.restore_hold.Marks`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    privacy_table : str
        Keeps the journal.
    tables : mapping of str to bool
        Tables by name; whether their items have a sort key ``sk``.
    """

    def __init__(self, client: Any, privacy_table: str, tables: Mapping[str, bool]):
        self._client = client
        self._privacy = privacy_table
        self._tables = dict(tables)

    def mark(self, number: int) -> None:
        """Tell every table that it has gone through so many erasures; never fewer than before.

        Raises
        ------
        TemporaryFailure
            If the service did not answer.
        """
        for table in sorted(self._tables):
            try:
                with translated():
                    self._client.update_item(
                        TableName=table,
                        Key=self._key(table),
                        UpdateExpression="SET erasures = :number",
                        ConditionExpression="attribute_not_exists(erasures) OR erasures < :number",
                        ExpressionAttributeValues={":number": {"N": str(number)}},
                    )
            except Conflict:
                continue

    def behind(self) -> tuple[int, int]:
        """See :class:`enlace.usecases.restore_hold.Marks`; one request.

        Raises
        ------
        TemporaryFailure
            If the service did not answer.
        """
        wanted = {
            table: {"Keys": [self._key(table)], "ConsistentRead": True} for table in self._tables
        }
        wanted[self._privacy] = {"Keys": [_HEAD], "ConsistentRead": True}
        with translated():
            answer = self._client.batch_get_item(RequestItems=wanted)
        if answer.get("UnprocessedKeys"):
            raise TemporaryFailure("DynamoDB: keys stay unprocessed")
        found = answer["Responses"]
        done = [
            int(items[0]["erasures"]["N"]) if (items := found.get(table)) else 0
            for table in self._tables
        ]
        head = found.get(self._privacy)
        return min(done, default=0), json.loads(head[0]["body"]["S"])["number"] if head else 0

    def _key(self, table: str) -> Item:
        key: Item = {"pk": {"S": MARK}}
        return {**key, "sk": {"S": MARK}} if self._tables[table] else key
