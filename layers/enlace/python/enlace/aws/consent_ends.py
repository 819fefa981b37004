"""The index of the consent table that tells which consents end, and when.

It is sparse: only states of which something ends by itself are in it, so a word without an
end costs no write to it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from enlace.aws.dynamodb import Item, translated
from enlace.aws.partitions import Partitions, key_of
from enlace.domain.reduced_consent import is_reduced, reduced_entry
from enlace.errors import Conflict
from enlace.usecases.consent_ports import StoredConsent

INDEX = "ends"
#: Hash key of the index. One partition takes 1,000 ends a second; they are spread by their times.
ENDS = {"S": "ends"}
_PAGE = 200


class ConsentEnds:
    """Implements :class:`enlace.usecases.expire_consents.ConsentEnds`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
        The consent table.
    """

    def __init__(self, client: Any, table: str):
        self._client = client
        self._table = table

    def page(self, cursor: str, until: str) -> tuple[tuple[str, ...], str]:
        """See :class:`enlace.usecases.expire_consents.ConsentEnds`."""
        start = {"ExclusiveStartKey": json.loads(cursor)} if cursor else {}
        with translated():
            answer = self._client.query(
                TableName=self._table,
                IndexName=INDEX,
                KeyConditionExpression="ends = :ends AND ends_at <= :until",
                ExpressionAttributeValues={":ends": ENDS, ":until": {"S": until}},
                Limit=_PAGE,
                **start,
            )
        last = answer.get("LastEvaluatedKey")
        keys = tuple(item["pk"]["S"] for item in answer["Items"])
        return keys, json.dumps(last, sort_keys=True) if last else ""

    def correct(self, key: str, before: StoredConsent, ends_at: str) -> None:
        """See :class:`enlace.usecases.expire_consents.ConsentEnds`."""
        change, values = _change(ends_at)
        if before.etag:
            values[":etag"] = {"S": before.etag}
        known = "etag = :etag" if before.etag else "attribute_not_exists(etag)"
        with translated():
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": key}, "sk": {"S": "state"}},
                UpdateExpression=change.strip(),
                # Of a state that is gone nothing is made.
                ConditionExpression=f"attribute_exists(pk) AND {known}",
                **({"ExpressionAttributeValues": values} if values else {}),
            )

    def reduce_requests(self, key: str, purpose: str, channel: str, until: str, at: str) -> None:
        """See :class:`enlace.usecases.expire_consents.ConsentEnds`.

        All of them: whoever asked again meanwhile left another entry, which no state names.
        """
        ledger = Partitions(self._client, self._table).items(key, first="ledger#", last="ledger#~")
        entries = [(item, json.loads(item["body"]["S"])) for item in ledger]
        confirmed = {entry.get("confirms") for _, entry in entries}
        for item, entry in entries:
            about = (entry["state"], entry["purpose"], entry["channel"])
            if about != ("requested", purpose, channel) or is_reduced(entry):
                continue
            if entry["event_id"] not in confirmed and entry.get("valid_until", "") <= until:
                self._reduce(item, reduced_entry(entry, at))

    def _reduce(self, item: Item, entry: dict[str, Any]) -> None:
        body = json.dumps(entry, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        # An erasure may have reduced it at the same time, or a purge have deleted it.
        with suppress(Conflict), translated():
            self._client.update_item(
                TableName=self._table,
                Key=key_of(item),
                UpdateExpression="SET body = :body",
                ConditionExpression="body = :was",
                ExpressionAttributeValues={":body": {"S": body}, ":was": item["body"]},
            )


def _change(ends_at: str) -> tuple[str, dict[str, Any]]:
    if not ends_at:
        return " REMOVE ends, ends_at", {}
    return " SET ends = :ends, ends_at = :ends_at", {":ends": ENDS, ":ends_at": {"S": ends_at}}


def index_change(ends_at: str) -> tuple[str, dict[str, Any]]:
    """What follows the assignments of an update of the state, and its values."""
    change, values = _change(ends_at)
    return change.replace(" SET", ",") if ends_at else change, values
