"""What happened through contact points, for the HTTP API: timelines, totals, open cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from enlace.aws.dynamodb import Item, batch_get, translated
from enlace.aws.timeline_table import TimelineTable
from enlace.usecases.read_history import OpenCase

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

    def totals(self, pks: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Purchase totals by contact point, in one request.

        Raises
        ------
        TemporaryFailure
            If the service does not answer.
        """
        keys: list[Item] = [{"pk": {"S": pk}, "sk": {"S": "totals"}} for pk in pks]
        items = batch_get(self._client, self._timeline, keys, consistent=False)
        return {item["pk"]["S"]: json.loads(item["body"]["S"]) for item in items}

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
