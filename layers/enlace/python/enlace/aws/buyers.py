"""Contact points that something was bought through, without a look at anybody's history.

Only the purchase totals on the timeline table carry the attribute ``buyer``, so the
index on it holds one small entry for each contact point that ever bought. It has the
keys alone, which never change: the index is written once in a contact point's life,
and the orders after the first cost what they would cost without it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from enlace.aws.dynamodb import Item, batch_get, translated

INDEX = "buyers"
ATTRIBUTE = "buyer"
#: One partition of an index takes 1,000 writes a second; so many share the first purchases.
SHARDS = 16


def shard_of(pk: str) -> str:
    """The part of the index that a contact point is in."""
    return f"{zlib.crc32(pk.encode()) % SHARDS:x}"


class BuyerIndex:
    """Implements :class:`enlace.usecases.score_rfv.BuyerReader`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
        The timeline table.
    """

    def __init__(self, client: Any, table: str):
        self._client = client
        self._table = table

    def buyers(self, after: str | None, limit: int) -> tuple[list[str], str | None]:
        """A page of address keys, and the position after it; None at the end.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        shard, _, last = (after or "0~").partition("~")
        for number in range(int(shard, 16), SHARDS):
            keys = self._page(f"{number:x}", last, limit)
            if len(keys) == limit:
                return keys, f"{number:x}~{keys[-1]}"
            if keys:
                return keys, f"{number + 1:x}~" if number + 1 < SHARDS else None
            last = ""
        return [], None

    def _page(self, shard: str, after: str, limit: int) -> list[str]:
        condition = f"{ATTRIBUTE} = :shard"
        values: Item = {":shard": {"S": shard}}
        if after:
            condition += " AND pk > :after"
            values[":after"] = {"S": after}
        with translated():
            answer = self._client.query(
                TableName=self._table,
                IndexName=INDEX,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                Limit=limit,
            )
        return [item["pk"]["S"] for item in answer["Items"]]

    def totals(self, pks: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Purchase totals by contact point, where there are any.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        keys: list[Item] = [{"pk": {"S": pk}, "sk": {"S": "totals"}} for pk in pks]
        items = batch_get(self._client, self._table, keys, consistent=False) if keys else ()
        return {item["pk"]["S"]: json.loads(item["body"]["S"]) for item in items}
