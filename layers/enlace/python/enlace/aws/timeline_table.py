"""The timeline table: interactions by contact point, with the aggregates beside them.

Hash key ``pk``: the contact point's address key. Range key ``sk``:
``<time>#<interaction id>`` for an interaction; ``pin#…``, ``order#…`` and
``totals`` for the small items beside (letters sort after the digits of a time).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from enlace.aws.dynamodb import Item, batch_get, translated
from enlace.domain.records import Document, TimelineItem


class TimelineTable:
    """Reads timelines, and pins times.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    """

    def __init__(self, client: Any, table: str):
        self._client = client
        self._table = table

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The stored body of one interaction.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        with translated():
            answer = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
            )
        return json.loads(answer["Item"]["body"]["S"]) if "Item" in answer else None

    def page(
        self, pk: str, *, before: str | None, since: str | None, limit: int
    ) -> list[TimelineItem]:
        """Interactions of one contact point, newest first.

        Parameters
        ----------
        before : str, optional
            A sort key; only what lies below it is given.
        since : str, optional
            A contract time, inclusive.
        limit : int

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        # BETWEEN includes both ends, so one more is read where an end is excluded.
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :since AND :before",
            "ExpressionAttributeValues": {
                ":pk": {"S": pk},
                ":since": {"S": since or "0"},
                ":before": {"S": before or "9999"},
            },
            "ScanIndexForward": False,
            "Limit": limit + (before is not None),
        }
        items: list[TimelineItem] = []
        while len(items) < limit:
            with translated():
                answer = self._client.query(**arguments)
            items += [item_of(item) for item in answer["Items"] if item["sk"]["S"] != before]
            if "LastEvaluatedKey" not in answer:
                break
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return items[:limit]

    def get_documents(self, pk: str, sks: Sequence[str]) -> dict[str, Document]:
        """Aggregates of a contact point by sort key, read consistently.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        keys: list[Item] = [{"pk": {"S": pk}, "sk": {"S": sk}} for sk in sks]
        items = batch_get(self._client, self._table, keys, consistent=True)
        return {
            item["sk"]["S"]: Document(pk, item["sk"]["S"], json.loads(item["body"]["S"]))
            for item in items
        }

    def pin_time(self, pk: str, interaction_id: str, moment: str) -> str:
        """The time of the first receipt of an interaction whose vendor sends none.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        item = {"pk": {"S": pk}, "sk": {"S": f"pin#{interaction_id}"}, "at": {"S": moment}}
        with translated():
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                response: dict[str, Any] = {**error.response}
                if "Item" not in response:
                    raise
                return str(response["Item"]["at"]["S"])
        return moment

    def is_pinned(self, pk: str, interaction_id: str) -> bool:
        """Whether an interaction has left a pin.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        with translated():
            answer = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": pk}, "sk": {"S": f"pin#{interaction_id}"}},
                ConsistentRead=True,
            )
        return "Item" in answer


def item_of(item: Item) -> TimelineItem:
    """An interaction from its stored item."""
    return TimelineItem(
        pk=item["pk"]["S"],
        sk=item["sk"]["S"],
        body=json.loads(item["body"]["S"]),
        effects=json.loads(item["effects"]["S"]) if "effects" in item else [],
    )
