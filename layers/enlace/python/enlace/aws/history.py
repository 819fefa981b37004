"""What happened through contact points, for the HTTP API: timelines, totals, open cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from enlace.aws.dynamodb import Item, batch_get, translated
from enlace.aws.timeline_table import TimelineTable, item_of
from enlace.usecases.read_history import Aggregates, Newest, OpenCase

#: Newest first; more than these are no help to anybody on the phone.
_MAX_CASES = 50
#: A client's connection pool holds ten.
_THREADS = 10


class DynamoHistory:
    """Implements :class:`enlace.usecases.read_history.HistoryReader`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    timeline_table, case_table : str
    """

    def __init__(self, client: Any, timeline_table: str, case_table: str):
        self._client = client
        self._timeline = timeline_table
        self._cases = case_table
        timelines = TimelineTable(client, timeline_table)
        self.get = timelines.get
        self.page = timelines.page

    def newest(self, pk: str, limit: int) -> Newest:
        """The newest interactions of one contact point, in one request.

        The service stops at 1 MB, so there may be fewer than there are; what is
        missing is not asked for, since a view has no time for it.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        with translated():
            answer = self._client.query(
                TableName=self._timeline,
                # Times begin with a digit; the aggregates beside them with a letter.
                KeyConditionExpression="pk = :pk AND sk < :letters",
                ExpressionAttributeValues={":pk": {"S": pk}, ":letters": {"S": ":"}},
                ScanIndexForward=False,
                Limit=limit,
            )
        return Newest([item_of(item) for item in answer["Items"]], "LastEvaluatedKey" not in answer)

    def aggregates(self, pks: Sequence[str]) -> dict[str, Aggregates]:
        """Totals and carts by contact point, where there are any, in one request.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        keys: list[Item] = [
            {"pk": {"S": pk}, "sk": {"S": sk}} for pk in pks for sk in ("totals", "carts")
        ]
        found: dict[str, dict[str, Any]] = {}
        for item in batch_get(self._client, self._timeline, keys, consistent=False):
            found.setdefault(item["pk"]["S"], {})[item["sk"]["S"]] = json.loads(item["body"]["S"])
        return {
            pk: Aggregates(bodies.get("totals", {}), bodies.get("carts", {}))
            for pk, bodies in found.items()
        }

    def open_cases(self, pk: str) -> list[OpenCase]:
        """Open cases of one contact point, newest first: protocol numbers begin with the day.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        with translated():
            answer = self._client.query(
                TableName=self._cases,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :case)",
                ExpressionAttributeValues={":pk": {"S": pk}, ":case": {"S": "case#"}},
                ScanIndexForward=False,
                Limit=_MAX_CASES,
            )
        return [
            OpenCase(
                protocol=item["protocol"]["S"],
                contact_key=pk,
                interaction_id=item["interaction_id"]["S"],
                nature=item["nature"]["S"] or None,
                opened_at=item["opened_at"]["S"],
                level=item["level"]["S"] or None if "level" in item else None,
            )
            for item in answer["Items"]
            if item["state"]["S"] == "open"
        ]


class Threads:
    """Runs reads side by side: round trips are what a view costs, and they overlap."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS)

    def __call__(self, reads: Sequence[Callable[[], Any]]) -> list[Any]:
        """Results in order.

        Raises
        ------
        TemporaryFailure
            The first one of a read that failed, once all have ended.
        """
        futures = [self._pool.submit(read) for read in reads]
        return [future.result() for future in futures]
