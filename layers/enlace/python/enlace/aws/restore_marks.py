"""The mark that every table carries: how many erasures it has gone through."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from enlace.aws.dynamodb import Item, translated
from enlace.errors import Conflict
from enlace.usecases.restore_hold import LOOK_SECONDS, RestoredTables, RestoreHold

MARK = "erasures#done"
#: The stack's tables by the variables that name them, and whether their items have a sort key.
TABLES = {
    "CANDIDATE_TABLE": True,
    "CASE_TABLE": True,
    "CONSENT_TABLE": True,
    "DELIVERY_TABLE": False,
    "IDENTITY_TABLE": False,
    "TIMELINE_TABLE": True,
}
_HEAD: Item = {"pk": {"S": "journal"}, "sk": {"S": "head"}}


def restore_hold(environ: Mapping[str, str], client: Any) -> RestoreHold | None:
    """The hold over the tables that a function is told of; None where it knows no journal.

    Parameters
    ----------
    environ : mapping
        ``PRIVACY_TABLE``, and :data:`TABLES`; how often it looks, ``RESTORE_LOOK_SECONDS``.
    client
        A botocore DynamoDB client.
    """
    if not environ.get("PRIVACY_TABLE"):
        return None
    look_seconds = float(environ.get("RESTORE_LOOK_SECONDS") or LOOK_SECONDS)
    return RestoreHold(marks_of(environ, client), time.monotonic, look_seconds)


def marks_of(environ: Mapping[str, str], client: Any) -> RestoreMarks:
    """The marks of the tables that a function is told of."""
    tables = {environ[name]: sorted_ for name, sorted_ in TABLES.items() if environ.get(name)}
    return RestoreMarks(client, environ["PRIVACY_TABLE"], tables)


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
        RestoredTables
            If a table lacks some before that one: it would be taken for one that lacks none.
        TemporaryFailure
            If the service did not answer.
        """
        first = "attribute_not_exists(erasures) OR " if number == 1 else ""
        for table in sorted(self._tables):
            try:
                with translated():
                    self._client.update_item(
                        TableName=table,
                        Key=self._key(table),
                        UpdateExpression="SET erasures = :number",
                        ConditionExpression=f"{first}erasures = :before",
                        ExpressionAttributeValues={
                            ":number": {"N": str(number)},
                            ":before": {"N": str(number - 1)},
                        },
                    )
            except Conflict:
                if (done := self._done(table)) < number:
                    missing = number - 1 - done
                    raise RestoredTables(
                        f"a table was restored: {missing} erasures are to be done again first"
                    ) from None

    def behind(self) -> tuple[int, int]:
        """See :class:`enlace.usecases.restore_hold.Marks`; one request for each table.

        Raises
        ------
        TemporaryFailure
            If the service did not answer.
        """
        done = [self._done(table) for table in sorted(self._tables)]
        head = self._get(self._privacy, _HEAD)
        return min(done, default=0), json.loads(head["body"]["S"])["number"] if head else 0

    def _done(self, table: str) -> int:
        item = self._get(table, self._key(table))
        return int(item["erasures"]["N"]) if item else 0

    def _get(self, table: str, key: Item) -> Item | None:
        with translated():
            answer = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def _key(self, table: str) -> Item:
        key: Item = {"pk": {"S": MARK}}
        return {**key, "sk": {"S": MARK}} if self._tables[table] else key
