"""The candidate table: pairs that may be one person, and the blocks that find them.

Three sorts of items, none with a clear value:

* ``block#<HMAC>``, ``block``: the address keys that share a blocking key, or that it
  is too common to find anybody;
* an address key, ``point``: its blocks and its partners (``listed`` and ``settled``
  ones), so that a change of traits and an erasure find all that there is;
* the lesser address key of a pair, ``pair#<the other>``: the candidate. Those that
  are listed stand in the index ``best``, in one of 16 parts, best first.

A point names every block and partner *before* their items are written, and until
after they are gone: what is in the table can be found from its ends.
"""

from __future__ import annotations

import heapq
import json
import random
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from enlace.aws.dynamodb import Item, batch_get, translated
from enlace.domain.candidate import Candidate
from enlace.errors import Conflict, TemporaryFailure
from enlace.usecases.candidate_ports import Members, Point

INDEX = "best"
#: One partition of an index takes 1,000 writes a second.
PARTS = 16
_BATCH_WRITES = 25
_ATTEMPTS = 6


class CandidateTable:
    """Implements :class:`enlace.usecases.candidate_ports.CandidateStore`.

    Parameters
    ----------
    client
        A botocore DynamoDB client.
    table : str
    sleep : callable
        Waits some seconds before what the service left undone is asked for again.

    Raises
    ------
    TemporaryFailure
        By every method, if the service does not do its part.
    """

    def __init__(self, client: Any, table: str, *, sleep: Callable[[float], None] = time.sleep):
        self._client = client
        self._table = table
        self._sleep = sleep

    def points(self, keys: Collection[str]) -> dict[str, Point]:
        """The entries of contact points, read consistently; empty where there is none."""
        return {key: Point() for key in keys} | self._points(keys, consistent=True)

    def blocks(self, ids: Collection[str]) -> dict[str, Members]:
        """Members by block id, read consistently."""
        keys = (_key(id_, "block") for id_ in sorted(ids))
        items = batch_get(self._client, self._table, keys, consistent=True, sleep=self._sleep)
        found = {item["pk"]["S"]: _members_of(item) for item in items}
        return {id_: found.get(id_, frozenset()) for id_ in ids}

    def enter(self, key: str, known: Mapping[str, Members], block_size: int) -> dict[str, Members]:
        """Make a contact point a member of blocks; gives all members after that."""
        full = {
            id_
            for id_, members in known.items()
            if members and key not in members and len(members) >= block_size
        }
        free = [id_ for id_ in known if id_ not in full]
        if free:
            self._update(_key(key, "point"), "ADD blocks :values", _set(free))
        after: dict[str, Members] = {id_: self._enter(key, id_, block_size) for id_ in free}
        for id_ in full:
            after[id_] = self._make_common(id_)
        return after

    def leave(self, key: str, ids: Collection[str]) -> None:
        """The inverse of :meth:`enter`."""
        for id_ in sorted(ids):
            self._take(_key(id_, "block"), "DELETE members :values", [key])
        self._take(_key(key, "point"), "DELETE blocks :values", ids)

    def candidates(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Candidate]:
        """Candidates by sorted pair, read consistently; unknown pairs are absent."""
        keys = [_key(a, f"pair#{b}") for a, b in sorted(pairs)]
        items = batch_get(self._client, self._table, keys, consistent=True, sleep=self._sleep)
        return {made.pair: made for made in map(_candidate_of, items)}

    def keep(self, kept: Collection[Candidate]) -> None:
        """Write candidates, under both of their ends."""
        for listed, expression in _KEEP.items():
            for end, others in _ends(c.pair for c in kept if c.listed is listed).items():
                self._update(_key(end, "point"), expression, _set(others))
        self._write([{"PutRequest": {"Item": _item_of(made)}} for made in kept])

    def drop(self, pairs: Collection[tuple[str, str]], *, last: str = "") -> None:
        """Remove candidates, from both of their ends, that of ``last`` after the others."""
        self._write([{"DeleteRequest": {"Key": _key(a, f"pair#{b}")}} for a, b in pairs])
        for end, others in sorted(_ends(pairs).items(), key=lambda item: item[0] == last):
            expression = "DELETE listed :values, settled :values"
            self._take(_key(end, "point"), expression, others)

    def tidy(self, key: str) -> None:
        """Remove a contact point's entry that holds nothing."""
        with suppress(Conflict):
            self._delete_empty(_key(key, "point"))

    def best(self, after: str, size: int) -> Iterator[Candidate]:
        """Listed candidates behind a position, best first: the merge of the index's parts."""
        chunk = max(4, size // 4)
        # A blank is before every position, and a key cannot be compared with nothing.
        parts = (self._part(f"{n:x}", after or " ", chunk) for n in range(PARTS))
        return heapq.merge(*parts, key=lambda made: made.position)

    def open_for(self, keys: Sequence[str]) -> bool:
        """Whether a listed candidate has one end among some contact points."""
        points = self._points(keys, consistent=False)
        return any(point.open.difference(keys) for point in points.values())

    def _points(self, keys: Iterable[str], *, consistent: bool) -> dict[str, Point]:
        wanted = [_key(key, "point") for key in sorted(set(keys))]
        items = batch_get(
            self._client, self._table, wanted, consistent=consistent, sleep=self._sleep
        )
        return {item["pk"]["S"]: _point_of(item) for item in items}

    def _part(self, part: str, after: str, chunk: int) -> Iterator[Candidate]:
        start: Item | None = None
        while True:
            with translated():
                answer = self._client.query(
                    TableName=self._table,
                    IndexName=INDEX,
                    KeyConditionExpression="part = :part AND place > :after",
                    ExpressionAttributeValues={":part": {"S": part}, ":after": {"S": after}},
                    Limit=chunk,
                    **({"ExclusiveStartKey": start} if start else {}),
                )
            yield from map(_candidate_of, answer["Items"])
            start = answer.get("LastEvaluatedKey")
            if not start:
                return

    def _enter(self, key: str, id_: str, block_size: int) -> Members:
        try:
            item = self._update(
                _key(id_, "block"),
                "ADD members :key",
                {":key": {"SS": [key]}, ":size": {"N": str(block_size)}, ":one": {"S": key}},
                "attribute_not_exists(common) AND (attribute_not_exists(members)"
                " OR size(members) < :size OR contains(members, :one))",
            )
        except Conflict:
            return self._make_common(id_)
        return _members_of(item)

    def _make_common(self, id_: str) -> Members:
        self._update(_key(id_, "block"), "SET common = :true REMOVE members", _TRUE)
        return None

    def _take(self, key: Item, expression: str, values: Collection[str]) -> None:
        """Take values out of sets; of an item that holds nothing else nothing stays."""
        try:
            item = self._update(key, expression, _set(values), "attribute_exists(pk)")
            if not _HOLDS.intersection(item):
                self._delete_empty(key)
        except Conflict:
            # It was never there, or somebody has just come in: nothing to take away.
            return

    def _delete_empty(self, key: Item) -> None:
        with translated():
            self._client.delete_item(TableName=self._table, Key=key, ConditionExpression=_EMPTY)

    def _update(
        self, key: Item, expression: str, values: Item, condition: str | None = None
    ) -> Item:
        with translated():
            answer = self._client.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=expression,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                **({"ConditionExpression": condition} if condition else {}),
            )
        item: Item = answer.get("Attributes", {})
        return item

    def _write(self, requests: list[dict[str, Any]]) -> None:
        left, attempt = requests, 0
        while left:
            batch, left = left[:_BATCH_WRITES], left[_BATCH_WRITES:]
            with translated():
                answer = self._client.batch_write_item(RequestItems={self._table: batch})
            undone = answer.get("UnprocessedItems", {}).get(self._table, [])
            if undone:
                attempt += 1
                if attempt == _ATTEMPTS:
                    raise TemporaryFailure("DynamoDB: writes stay unprocessed")
                self._sleep(random.uniform(0, 0.05 * 2**attempt))
                left = undone + left


_TRUE: Item = {":true": {"BOOL": True}}
_KEEP = {
    True: "ADD listed :values DELETE settled :values",
    False: "ADD settled :values DELETE listed :values",
}
_HOLDS = frozenset(("blocks", "listed", "settled", "members", "common"))
_EMPTY = " AND ".join(f"attribute_not_exists({name})" for name in sorted(_HOLDS))


def _set(values: Collection[str]) -> Item:
    return {":values": {"SS": sorted(values)}}


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _ends(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    others: dict[str, list[str]] = defaultdict(list)
    for a, b in sorted(pairs):
        others[a].append(b)
        others[b].append(a)
    return others


def _point_of(item: Item) -> Point:
    blocks, listed, settled = (
        frozenset(item[name]["SS"] if name in item else ())
        for name in ("blocks", "listed", "settled")
    )
    return Point(blocks, listed | settled, listed)


def _members_of(item: Item) -> Members:
    if "common" in item:
        return None
    return frozenset(item["members"]["SS"] if "members" in item else ())


def _item_of(made: Candidate) -> Item:
    item: Item = {
        **_key(made.a, f"pair#{made.b}"),
        "found_at": {"S": made.found_at},
    }
    if made.reasons:
        item["reasons"] = {"S": json.dumps(made.reasons, separators=(",", ":"))}
    if made.rule:
        item["rule"] = {"S": made.rule}
    for name, number in (("probability", made.probability), ("bits", made.bits)):
        if number is not None:
            item[name] = {"N": f"{number:.9f}".rstrip("0").rstrip(".")}
    if made.listed:
        item["part"] = {"S": f"{zlib.crc32(' '.join(made.pair).encode()) % PARTS:x}"}
        item["place"] = {"S": made.position}
    return item


def _candidate_of(item: Item) -> Candidate:
    reasons = json.loads(item["reasons"]["S"]) if "reasons" in item else ()
    return Candidate(
        a=item["pk"]["S"],
        b=item["sk"]["S"].removeprefix("pair#"),
        probability=float(item["probability"]["N"]) if "probability" in item else None,
        bits=float(item["bits"]["N"]) if "bits" in item else None,
        reasons=tuple((field, level, weight) for field, level, weight in reasons),
        rule=item["rule"]["S"] if "rule" in item else None,
        found_at=item["found_at"]["S"],
        listed="place" in item,
    )
