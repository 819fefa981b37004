"""What happened through contact points, for the HTTP API: timelines, totals, open cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from enlace.aws.dynamodb import Item, batch_get, translated
from enlace.aws.timeline_table import TimelineTable, item_of
from enlace.domain.records import TimelineItem
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
    ended : callable
        Gives the time up to which a contact point has run out whose newest interaction is no
        newer: its interactions are hidden, whether a purge has come to them or not. "" hides none.
    """

    def __init__(
        self,
        client: Any,
        timeline_table: str,
        case_table: str,
        *,
        ended: Callable[[], str] = lambda: "",
    ):
        self._client = client
        self._timeline = timeline_table
        self._cases = case_table
        self._ended = ended
        self._timelines = TimelineTable(client, timeline_table)
        self.get = self._timelines.get

    def page(
        self, pk: str, *, before: str | None, since: str | None, limit: int
    ) -> list[TimelineItem]:
        """See :meth:`enlace.aws.timeline_table.TimelineTable.page`."""
        items = self._timelines.page(pk, before=before, since=since, limit=limit)
        # One request more, only where a page begins with what is old enough to have run out.
        if items and _is_old(items[0], self._ended()) and not self.newest(pk, 1).items:
            return []
        return items

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
        items = [item_of(item) for item in answer["Items"]]
        if items and _is_old(items[0], self._ended()):
            return Newest([], True)
        return Newest(items, "LastEvaluatedKey" not in answer)

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


def _is_old(item: TimelineItem, ended: str) -> bool:
    at = item.sk.partition("#")[0]
    return max(at, str(item.body.get("received_at") or "")) <= ended


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
