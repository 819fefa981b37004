"""Capacity units of DynamoDB calls, computed from requests and the stored items.

The emulators do not report capacity as AWS does (moto has constants), so the
units are computed here by the documented rules. What a rule needs beyond the
request (the item before and after a write, the full item behind a projection)
is read through a second client that is not measured.

Rules that go beyond the sizes of :mod:`bench.sizes`. Those on reads were read in the
developer guide; those on conditional failures, cancelled transactions and indexes are
from general knowledge of it, and no test against AWS itself was possible:

* a write costs the larger of the item before and after it; a delete the item deleted;
* a write whose condition fails costs the existing item's size, at least one unit;
* a transaction costs twice; a cancelled one is charged as well (each action by the
  item it found or brought, an upper bound, because AWS documents no formula);
* ``BatchGetItem`` rounds each item up, ``Query`` and ``Scan`` round the sum of a page,
  filters and projections do not make reads cheaper, a missing item costs the minimum;
* an index write costs the projected item, twice where the index key changes, and
  nothing where no projected attribute changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bench.sizes import Item, item_size, read_units, write_units


@dataclass(frozen=True)
class Units:
    """Capacity units of one call."""

    write: float = 0.0
    read: float = 0.0

    def __add__(self, other: Units) -> Units:
        return Units(self.write + other.write, self.read + other.read)


@dataclass(frozen=True)
class Index:
    """A global secondary index: its key attributes and what it projects (None: all)."""

    name: str
    keys: tuple[str, ...]
    projected: frozenset[str] | None


class Store(Protocol):
    """What the rules must know about stored items."""

    def key_names(self, table: str) -> tuple[str, ...]:
        """Attribute names of the table's key."""
        ...

    def indexes(self, table: str) -> tuple[Index, ...]:
        """The table's global secondary indexes."""
        ...

    def item(self, table: str, key: Item) -> Item | None:
        """The stored item, or None."""
        ...

    def items(self, table: str, keys: Sequence[Item]) -> list[Item]:
        """The stored items of up to 100 keys, in any order; absent ones are left out."""
        ...

    def page(self, operation: str, request: Mapping[str, Any]) -> list[Item]:
        """What a Query or Scan read: its page without filter and projection."""
        ...


class ClientStore:
    """A :class:`Store` read through a client of its own, which must not be measured."""

    def __init__(self, client: Any):
        self._client = client
        self._tables: dict[str, tuple[tuple[str, ...], tuple[Index, ...]]] = {}

    def key_names(self, table: str) -> tuple[str, ...]:
        """See :class:`Store`."""
        return self._describe(table)[0]

    def indexes(self, table: str) -> tuple[Index, ...]:
        """See :class:`Store`."""
        return self._describe(table)[1]

    def item(self, table: str, key: Item) -> Item | None:
        """See :class:`Store`."""
        answer = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        found: Item | None = answer.get("Item")
        return found

    def items(self, table: str, keys: Sequence[Item]) -> list[Item]:
        """See :class:`Store`."""
        wanted = {table: {"Keys": list(keys), "ConsistentRead": True}}
        answer = self._client.batch_get_item(RequestItems=wanted)
        found: list[Item] = answer["Responses"].get(table, [])
        return found

    def page(self, operation: str, request: Mapping[str, Any]) -> list[Item]:
        """See :class:`Store`."""
        left_out = ("FilterExpression", "ProjectionExpression", "Select", "ReturnConsumedCapacity")
        kept = {name: value for name, value in request.items() if name not in left_out}
        _drop_unused_names(kept)
        method = self._client.query if operation == "Query" else self._client.scan
        items: list[Item] = method(**kept)["Items"]
        return items

    def _describe(self, table: str) -> tuple[tuple[str, ...], tuple[Index, ...]]:
        if table not in self._tables:
            description = self._client.describe_table(TableName=table)["Table"]
            keys = tuple(k["AttributeName"] for k in description["KeySchema"])
            found = []
            for index in description.get("GlobalSecondaryIndexes", []):
                own = tuple(k["AttributeName"] for k in index["KeySchema"])
                projection = index["Projection"]
                projected: frozenset[str] | None = None
                if projection["ProjectionType"] != "ALL":
                    also = projection.get("NonKeyAttributes", [])
                    projected = frozenset((*keys, *own, *also))
                found.append(Index(index["IndexName"], own, projected))
            self._tables[table] = (keys, tuple(found))
        return self._tables[table]


def _drop_unused_names(request: dict[str, Any]) -> None:
    # Services refuse attribute names that no expression uses any more.
    used = request.get("KeyConditionExpression", "")
    for field, sign in (("ExpressionAttributeNames", "#"), ("ExpressionAttributeValues", ":")):
        kept = {n: v for n, v in request.get(field, {}).items() if n in used and n[0] == sign}
        request.pop(field, None)
        if kept:
            request[field] = kept


@dataclass
class Write:
    """One write of a call: which item, and the item before it."""

    table: str
    key: Item
    before: Item | None
    brings: Item | None
    kind: str

    def after(self, store: Store) -> Item | None:
        """The item after the write has succeeded; only an update must look."""
        if self.kind == "Delete":
            return None
        return self.brings or store.item(self.table, self.key)


#: Finishes a call's bill once its outcome is known (True: it succeeded).
Bill = Callable[[bool], Units]


def bill(operation: str, request: Mapping[str, Any], store: Store) -> Bill:
    """Look at the store before a call and return what computes its units after it.

    Raises
    ------
    NotImplementedError
        For an operation that has no rule here: counting it as free would be a lie.
    """
    if operation in ("GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"):
        units = _reads(operation, request, store)
        return lambda succeeded: units
    if operation in ("DescribeTable", "DescribeTimeToLive", "ListTables"):
        return lambda succeeded: Units()
    writes = list(_writes(operation, request, store))
    factor = 2 if operation == "TransactWriteItems" else 1

    def finish(succeeded: bool) -> Units:
        total = 0.0
        for write in writes:
            after = write.after(store) if succeeded else write.before
            images = [write.before, after]
            if not succeeded and factor == 2:
                images.append(write.brings)
            size = max((item_size(image) for image in images if image), default=0)
            total += factor * write_units(size)
            if succeeded and write.kind != "ConditionCheck":
                total += sum(
                    index_units(index, write.before, after) for index in store.indexes(write.table)
                )
        return Units(write=total)

    return finish


def index_units(index: Index, before: Item | None, after: Item | None) -> float:
    """Write units that one item change costs in one index."""
    old, new = _project(index, before), _project(index, after)
    if old == new:
        return 0.0
    if old is not None and new is not None:
        if all(old[name] == new[name] for name in index.keys):
            return write_units(max(item_size(old), item_size(new)))
        return write_units(item_size(old)) + write_units(item_size(new))
    return write_units(item_size(old or new or {}))


def _project(index: Index, item: Item | None) -> Item | None:
    if item is None or any(name not in item for name in index.keys):
        return None
    if index.projected is None:
        return item
    return {name: value for name, value in item.items() if name in index.projected}


def _reads(operation: str, request: Mapping[str, Any], store: Store) -> Units:
    if operation in ("Query", "Scan"):
        size = sum(item_size(item) for item in store.page(operation, request))
        return Units(read=read_units(size, consistent=bool(request.get("ConsistentRead"))))
    keys: list[tuple[str, Item, bool]] = []
    if operation == "GetItem":
        keys.append((request["TableName"], request["Key"], bool(request.get("ConsistentRead"))))
    elif operation == "BatchGetItem":
        for table, wanted in request["RequestItems"].items():
            consistent = bool(wanted.get("ConsistentRead"))
            keys.extend((table, key, consistent) for key in wanted["Keys"])
    else:
        gets = [action["Get"] for action in request["TransactItems"]]
        keys.extend((get["TableName"], get["Key"], True) for get in gets)
    factor = 2 if operation == "TransactGetItems" else 1
    return Units(
        read=sum(
            factor * read_units(item_size(store.item(table, key) or {}), consistent=consistent)
            for table, key, consistent in keys
        )
    )


def _writes(operation: str, request: Mapping[str, Any], store: Store) -> Iterator[Write]:
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield _write(request, operation.removesuffix("Item"), store)
    elif operation == "BatchWriteItem":
        for table, requests in request["RequestItems"].items():
            yield from _batch(table, requests, store)
    elif operation == "TransactWriteItems":
        for action in request["TransactItems"]:
            ((kind, body),) = action.items()
            yield _write(body, kind, store)
    else:
        raise NotImplementedError(f"no capacity rule for DynamoDB {operation}")


def _write(body: Mapping[str, Any], kind: str, store: Store) -> Write:
    table, brings = body["TableName"], body.get("Item")
    key = body["Key"] if brings is None else _key_of(brings, store.key_names(table))
    return Write(table, key, store.item(table, key), brings, kind)


def _batch(table: str, requests: Sequence[Mapping[str, Any]], store: Store) -> Iterator[Write]:
    names = store.key_names(table)
    found: list[tuple[Item, Item | None, str]] = []
    for request in requests:
        ((kind, body),) = request.items()
        brings = body.get("Item")
        key = body["Key"] if brings is None else _key_of(brings, names)
        found.append((key, brings, kind.removesuffix("Request")))
    before = store.items(table, [key for key, _, _ in found])
    for key, brings, kind in found:
        old = next((item for item in before if _key_of(item, names) == key), None)
        yield Write(table, key, old, brings, kind)


def _key_of(item: Item, names: Sequence[str]) -> Item:
    return {name: item[name] for name in names}


def gigabyte_seconds(memory_megabytes: int, duration_seconds: float) -> float:
    """Lambda's billed GB-seconds: memory in GB times the duration in whole milliseconds."""
    return memory_megabytes / 1024 * math.ceil(round(duration_seconds * 1000, 6)) / 1000
