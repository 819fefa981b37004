"""A case's thread and history, newest first."""

from __future__ import annotations

from typing import Any

from enlace.aws.case_items import Item, record_of
from enlace.aws.delivery_items import dynamo_call
from enlace.domain.case import Change, Contact


class CaseThreads:
    """Implements :class:`enlace.usecases.case_ports.CaseThreads`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    """

    def __init__(self, client: Any, table: str):
        self._client = client
        self._table = table

    def contacts(
        self, protocol: str, *, before: str | None, limit: int
    ) -> tuple[list[Contact], bool]:
        """Contacts below ``before`` (a timeline key), and whether there are more.

        Raises
        ------
        TemporaryFailure
            If the table did not do its part.
        """
        items, more = self._page(protocol, "contact#", before, limit)
        return [record_of(Contact, item) for item in items], more

    def changes(self, protocol: str, limit: int) -> list[Change]:
        """The latest changes.

        Raises
        ------
        TemporaryFailure
            If the table did not do its part.
        """
        items, _ = self._page(protocol, "change#", None, limit)
        return [record_of(Change, item) for item in items]

    def _page(
        self, protocol: str, prefix: str, before: str | None, limit: int
    ) -> tuple[list[Item], bool]:
        end = f"{prefix}{before}" if before else f"{prefix}~"
        answer = dynamo_call(
            self._client,
            "query",
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :start AND :end",
            ExpressionAttributeValues={
                ":pk": {"S": f"protocol#{protocol}"},
                ":start": {"S": prefix},
                ":end": {"S": end},
            },
            ScanIndexForward=False,
            # BETWEEN includes its end, and one more tells whether there is another page.
            Limit=limit + 2,
        )
        items = [item for item in answer["Items"] if item["sk"]["S"] != end]
        return items[:limit], len(items) > limit
