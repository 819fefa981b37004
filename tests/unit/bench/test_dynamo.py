"""Capacity units per operation, with a fake store, by AWS's documented examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bench.dynamo import Index, Units, bill, gigabyte_seconds, index_units
from bench.sizes import Item, item_size


def sized(key: str, size: int) -> dict[str, Any]:
    """An item of exactly ``size`` bytes."""
    item = {"pk": {"S": key}, "b": {"S": ""}}
    item["b"] = {"S": "x" * (size - item_size(item))}
    return item


class FakeStore:
    """One table ``T`` in a dict; a page is the whole table."""

    def __init__(self, *items: Item, indexes: tuple[Index, ...] = ()):
        self.stored = {item["pk"]["S"]: item for item in items}
        self._indexes = indexes

    def key_names(self, table: str) -> tuple[str, ...]:
        return ("pk",)

    def indexes(self, table: str) -> tuple[Index, ...]:
        return self._indexes

    def item(self, table: str, key: Item) -> Item | None:
        return self.stored.get(key["pk"]["S"])

    def items(self, table: str, keys: Sequence[Item]) -> list[Item]:
        return [found for key in keys if (found := self.item(table, key))]

    def page(self, operation: str, request: Mapping[str, Any]) -> list[Item]:
        return list(self.stored.values())


KEY = {"pk": {"S": "a"}}


def get(consistent: bool = False) -> dict[str, Any]:
    return {"TableName": "T", "Key": KEY, "ConsistentRead": consistent}


def test_a_get_of_3500_bytes_costs_one_unit_or_half() -> None:
    store = FakeStore(sized("a", 3500))
    assert bill("GetItem", get(True), store)(True) == Units(read=1)
    assert bill("GetItem", get(), store)(True) == Units(read=0.5)
    assert bill("GetItem", get(), FakeStore())(True) == Units(read=0.5)


def test_a_batch_get_of_1_5_and_6_5_kilobytes_counts_12_kilobytes() -> None:
    store = FakeStore(sized("a", 1536), sized("b", 6656))
    request = {"RequestItems": {"T": {"Keys": [KEY, {"pk": {"S": "b"}}], "ConsistentRead": True}}}
    assert bill("BatchGetItem", request, store)(True) == Units(read=3)


def test_a_query_rounds_the_sum_of_its_page() -> None:
    store = FakeStore(*(sized(f"{n:04}", 64) for n in range(1500)))  # 96,000 bytes: 24 steps
    assert bill("Query", {"TableName": "T"}, store)(True) == Units(read=12)
    assert bill("Query", {"TableName": "T", "ConsistentRead": True}, store)(True) == Units(read=24)


def test_a_transactional_read_of_8_kilobytes_costs_four() -> None:
    request = {"TransactItems": [{"Get": {"TableName": "T", "Key": KEY}}]}
    assert bill("TransactGetItems", request, FakeStore(sized("a", 8192)))(True) == Units(read=4)


@pytest.mark.parametrize(
    ("before", "after", "units"), [(0, 512, 1), (3000, 500, 3), (500, 3000, 3)]
)
def test_a_put_costs_the_larger_of_old_and_new(before: int, after: int, units: float) -> None:
    store = FakeStore(*([sized("a", before)] if before else []))
    finish = bill("PutItem", {"TableName": "T", "Item": sized("a", after)}, store)
    store.stored["a"] = sized("a", after)
    assert finish(True) == Units(write=units)


def test_a_delete_costs_the_item_deleted_and_one_where_there_is_none() -> None:
    store = FakeStore(sized("a", 2500))
    finish = bill("DeleteItem", {"TableName": "T", "Key": KEY}, store)
    del store.stored["a"]
    assert finish(True) == Units(write=3)
    assert bill("DeleteItem", {"TableName": "T", "Key": KEY}, store)(True) == Units(write=1)


@pytest.mark.parametrize(("existing", "units"), [(0, 1), (300 * 1024, 300)])
def test_a_failed_condition_costs_the_existing_item(existing: int, units: float) -> None:
    store = FakeStore(*([sized("a", existing)] if existing else []))
    finish = bill("PutItem", {"TableName": "T", "Item": sized("a", 310 * 1024)}, store)
    assert finish(False) == Units(write=units)


def test_a_transaction_of_3_kilobytes_costs_six_and_is_charged_when_cancelled() -> None:
    store = FakeStore()
    put = {"Put": {"TableName": "T", "Item": sized("a", 3072)}}
    check = {"ConditionCheck": {"TableName": "T", "Key": {"pk": {"S": "z"}}}}
    request = {"TransactItems": [put, check]}
    finish = bill("TransactWriteItems", request, store)
    assert finish(False) == Units(write=6 + 2)
    store.stored["a"] = sized("a", 3072)
    assert finish(True) == Units(write=6 + 2)


def test_a_batch_write_is_the_sum_of_its_writes() -> None:
    store = FakeStore(sized("b", 2048))
    request = {
        "RequestItems": {
            "T": [
                {"PutRequest": {"Item": sized("a", 100)}},
                {"DeleteRequest": {"Key": {"pk": {"S": "b"}}}},
            ]
        }
    }
    finish = bill("BatchWriteItem", request, store)
    store.stored = {"a": sized("a", 100)}
    assert finish(True) == Units(write=1 + 2)


def test_an_operation_without_a_rule_is_refused() -> None:
    with pytest.raises(NotImplementedError):
        bill("ExecuteStatement", {"Statement": "SELECT"}, FakeStore())


EMAIL = Index("by_email", ("email",), None)
KEYS_ONLY = Index("by_email", ("email",), frozenset({"pk", "email"}))


def profile(email: str | None, seen: str = "1") -> dict[str, Any]:
    item: dict[str, Any] = {"pk": {"S": "a"}, "seen": {"S": seen}}
    return item if email is None else {**item, "email": {"S": email}}


@pytest.mark.parametrize(
    ("index", "before", "after", "units"),
    [
        (EMAIL, None, profile("x"), 1),
        (EMAIL, None, profile(None), 0),
        (EMAIL, profile("x"), profile(None), 1),
        (EMAIL, profile("x"), profile("y"), 2),
        (EMAIL, profile("x"), profile("x", "2"), 1),
        (KEYS_ONLY, profile("x"), profile("x", "2"), 0),
        (EMAIL, profile("x"), profile("x"), 0),
    ],
)
def test_index_writes(index: Index, before: Item | None, after: Item | None, units: float) -> None:
    assert index_units(index, before, after) == units


def test_index_writes_are_added_to_the_tables() -> None:
    store = FakeStore(profile("x"), indexes=(EMAIL,))
    finish = bill("UpdateItem", {"TableName": "T", "Key": KEY}, store)
    store.stored["a"] = profile("y")
    assert finish(True) == Units(write=1 + 2)


def test_lambda_bills_whole_milliseconds() -> None:
    assert gigabyte_seconds(512, 0.3) == pytest.approx(0.15)
    assert gigabyte_seconds(1024, 0.0101) == pytest.approx(0.011)
