"""Records that run out one by one: messages by the day they were asked for, reduced consents.

Neither table has an index by time, since every record would pay for it; they are walked once
a day, in segments. A delete is conditional on what made the record due.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from enlace.aws.dynamodb import Item, translated
from enlace.domain.reduced_consent import reduced_at
from enlace.errors import Conflict
from enlace.usecases.purge import Page, Purged

_PAGE = 500


class PurgedMessages:
    """Implements :class:`enlace.usecases.purge.Purgeable`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
        The delivery table.
    erase_files : callable
        Deletes the files that went along with a message, by its id.
    """

    name = "messages"

    def __init__(
        self, client: Any, table: str, *, erase_files: Callable[[str], None], shards: int = 4
    ):
        self.shards = shards
        self._client = client
        self._table = table
        self._erase_files = erase_files

    def page(self, shard: int, cursor: str, cutoff: str) -> Page:
        """See :class:`enlace.usecases.purge.Purgeable`."""
        items, last = _segment(
            self._client,
            self._table,
            shard,
            self.shards,
            cursor,
            FilterExpression="begins_with(pk, :sort)",
            ExpressionAttributeValues={":sort": {"S": "message#"}},
            ProjectionExpression="pk, accepted_at",
        )
        due = (
            i["pk"]["S"] for i in items if "accepted_at" in i and i["accepted_at"]["S"] <= cutoff
        )
        return Page(len(items), tuple(due), last)

    def purge(self, due: Sequence[str], cutoff: str) -> Purged:
        """See :class:`enlace.usecases.purge.Purgeable`; a message's files go before it."""
        deleted = 0
        for pk in due:
            self._erase_files(pk.partition("#")[2])
            try:
                with translated():
                    self._client.delete_item(
                        TableName=self._table,
                        Key={"pk": {"S": pk}},
                        ConditionExpression="accepted_at <= :cutoff",
                        ExpressionAttributeValues={":cutoff": {"S": cutoff}},
                    )
            except Conflict:
                continue
            deleted += 1
        return Purged(deleted)


class PurgedConsents:
    """Implements :class:`enlace.usecases.purge.Purgeable`: what was kept of erased addresses.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
        The consent table. States stay: they are why nobody is written to.
    """

    name = "consents"

    def __init__(self, client: Any, table: str, *, shards: int = 4):
        self.shards = shards
        self._client = client
        self._table = table

    def page(self, shard: int, cursor: str, cutoff: str) -> Page:
        """See :class:`enlace.usecases.purge.Purgeable`."""
        items, last = _segment(
            self._client,
            self._table,
            shard,
            self.shards,
            cursor,
            FilterExpression="begins_with(sk, :sort)",
            ExpressionAttributeValues={":sort": {"S": "ledger#"}},
            ProjectionExpression="pk, sk, body",
        )
        due = (
            json.dumps([item["pk"]["S"], item["sk"]["S"]])
            for item in items
            if _ended(item["body"]["S"], cutoff)
        )
        return Page(len(items), tuple(due), last)

    def purge(self, due: Sequence[str], cutoff: str) -> Purged:
        """See :class:`enlace.usecases.purge.Purgeable`."""
        keys = (json.loads(id_) for id_ in due)
        return Purged(sum(self._delete(pk, sk, cutoff) for pk, sk in keys))

    def _delete(self, pk: str, sk: str, cutoff: str) -> bool:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        with translated():
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get(
                "Item"
            )
        if item is None or not _ended(item["body"]["S"], cutoff):
            return False
        try:
            with translated():
                self._client.delete_item(
                    TableName=self._table,
                    Key=key,
                    ConditionExpression="body = :was",
                    ExpressionAttributeValues={":was": item["body"]},
                )
        except Conflict:
            return False
        return True


def _ended(body: str, cutoff: str) -> bool:
    at = reduced_at(json.loads(body))
    return bool(at) and at <= cutoff


def _segment(
    client: Any, table: str, shard: int, shards: int, cursor: str, **arguments: Any
) -> tuple[list[Item], str]:
    if cursor:
        arguments["ExclusiveStartKey"] = json.loads(cursor)
    with translated():
        answer = client.scan(
            TableName=table, Segment=shard, TotalSegments=shards, Limit=_PAGE, **arguments
        )
    last = answer.get("LastEvaluatedKey")
    return answer["Items"], json.dumps(last, sort_keys=True) if last else ""
