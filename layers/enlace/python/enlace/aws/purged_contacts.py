"""Contact points by the time of their newest interaction.

No index orders them by it: one would cost a write for every interaction, and this is asked
once a day. So identities are walked, in segments, and those that are old enough to have run
out cost one short query each. See ``docs/adr/0007-retention.md``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from enlace.aws.dynamodb import translated
from enlace.aws.partitions import Partitions

if TYPE_CHECKING:
    from enlace.aws.subject_keys import SubjectKeys

_PAGE = 200
_LETTERS = ":"
_TIME = len("2026-11-22T10:00:00.000Z")


class PurgedContacts:
    """Implements :class:`enlace.usecases.expire_contacts.ContactPoints`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    identity_table, timeline_table : str
    keys : SubjectKeys, optional
        Where timelines are sealed.
    """

    def __init__(
        self,
        client: Any,
        identity_table: str,
        timeline_table: str,
        keys: SubjectKeys | None = None,
    ):
        self._client = client
        self._identities = identity_table
        self._timelines = timeline_table
        self._partitions = Partitions(client, timeline_table)
        self._keys = keys

    def page(
        self, shard: int, shards: int, cursor: str, cutoff: str
    ) -> tuple[int, tuple[str, ...], str]:
        """See :class:`enlace.usecases.expire_contacts.ContactPoints`."""
        start = {"ExclusiveStartKey": {"pk": {"S": cursor}}} if cursor else {}
        with translated():
            answer = self._client.scan(
                TableName=self._identities,
                Segment=shard,
                TotalSegments=shards,
                Limit=_PAGE,
                # Of identifiers alone: components and tombstones have none.
                FilterExpression="attribute_exists(birth)",
                ProjectionExpression="pk, first_seen",
                **start,
            )
        items, last = answer["Items"], answer.get("LastEvaluatedKey")
        old = tuple(item["pk"]["S"] for item in items if item["first_seen"]["S"] <= cutoff)
        return len(items), old, last["pk"]["S"] if last else ""

    def newest(self, key: str, *, consistent: bool) -> str:
        """See :class:`enlace.usecases.expire_contacts.ContactPoints`.

        What was recorded long after it happened, as imports are, counts from its receipt:
        only the newest is looked at, so a list of old ones in the right order is alive too.
        """
        with translated():
            answer = self._client.query(
                TableName=self._timelines,
                KeyConditionExpression="pk = :pk AND sk < :letters",
                ExpressionAttributeValues={":pk": {"S": key}, ":letters": {"S": _LETTERS}},
                ScanIndexForward=False,
                Limit=1,
                ConsistentRead=consistent,
            )
        for item in answer["Items"]:
            # A preview opens nothing that is sealed: it counts what came long after its time early.
            received = json.loads(item["body"].get("S", "{}")).get("received_at")
            return max(str(item["sk"]["S"][:_TIME]), str(received or ""))
        return ""

    def has_rest(self, key: str) -> bool:
        """See :class:`enlace.usecases.expire_contacts.ContactPoints`."""
        beside = self._partitions.items(key, first=_LETTERS)
        return any(not item["sk"]["S"].startswith("pin#") for item in beside)

    def tidy(self, key: str) -> None:
        """See :class:`enlace.usecases.expire_contacts.ContactPoints`.

        Pins that an erasure left stay: they keep out what its fence lets pass.
        """
        beside = self._partitions.items(key, first="pin#", last="pin#~")
        self._partitions.delete([item for item in beside if "left" not in item])

    def settled(self, key: str) -> bool:
        """See :class:`enlace.usecases.expire_contacts.ContactPoints`."""
        if self._keys is None or self._keys.settled(key):
            return True
        self._keys.retire([key])
        return False

    def shred(self, key: str) -> None:
        """See :class:`enlace.usecases.expire_contacts.ContactPoints`."""
        if self._keys is not None:
            self._keys.shred(key)
