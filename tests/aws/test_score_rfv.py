"""The scheduled function on DynamoDB as moto has it, and what its index costs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from bench.capacity import Meter
from bench.dynamo import ClientStore
from enlace.aws.buyers import SHARDS, BuyerIndex, shard_of
from enlace.aws.history import DynamoHistory
from enlace.aws.store import DynamoStore
from enlace.domain.rfv import Quintiles
from enlace.usecases.score_rfv import CUT_POINTS, JOB
from tests.stores.builders import interaction, order, resolver

ROOT = Path(__file__).parents[2]
BUYERS = 12


def make_client() -> Any:
    return botocore.session.get_session().create_client("dynamodb", region_name="us-east-1")


def make_table(name: str, keys: list[str], *, index: bool = False) -> None:
    attributes = [*keys, "buyer"] if index else keys
    buyers = {
        "IndexName": "buyers",
        "KeySchema": [
            {"AttributeName": "buyer", "KeyType": "HASH"},
            {"AttributeName": "pk", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    make_client().create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in attributes],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        **({"GlobalSecondaryIndexes": [buyers]} if index else {}),
    )


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoStore]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "IDENTITY_TABLE": "identity",
        "TIMELINE_TABLE": "timeline",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        make_table("identity", ["pk"])
        make_table("timeline", ["pk", "sk"], index=True)
        yield DynamoStore(make_client(), "identity", "timeline")


def phone(number: int) -> tuple[str, str]:
    return "phone", f"+55119{87650000 + number:08d}"


def buy(store: DynamoStore, number: int, times: int = 1) -> str:
    """Records purchases; gives the contact point's address key."""
    recorded = [
        resolver(store).resolve(order(f"{number}-{n}", phone(number), 100 * number))
        for n in range(times)
    ]
    return recorded[0].contact_point


def run(milliseconds_left: int = 300_000) -> dict[str, Any]:
    path = ROOT / "functions" / "score_rfv" / "app.py"
    spec = importlib.util.spec_from_file_location("app_score_rfv", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    context = SimpleNamespace(
        aws_request_id="request-1", get_remaining_time_in_millis=lambda: milliseconds_left
    )
    answer: dict[str, Any] = module.handler({}, context)
    return answer


def test_the_cut_points_of_the_day_and_nothing_else_is_kept(store: DynamoStore) -> None:
    for number in range(1, BUYERS + 1):
        buy(store, number, times=number % 3 + 1)
    resolver(store).resolve(interaction("1", phone(99)))
    done = run()
    assert (done["contact_points"], done["customers"], done["complete"]) == (BUYERS, BUYERS, True)
    body = store.get_entry(CUT_POINTS)
    assert body is not None
    made = Quintiles.from_json(body)
    assert made.value["BRL"].score(100) == 1
    assert made.value["BRL"].score(100 * BUYERS * 3) == 5
    assert store.get_entry(JOB) is None
    assert run()["contact_points"] == 0


def test_a_run_without_time_does_one_page_and_the_next_ones_finish(store: DynamoStore) -> None:
    for number in range(1, BUYERS + 1):
        buy(store, number)
    runs = [run(milliseconds_left=0)]
    while not runs[-1]["complete"]:
        assert store.get_entry(JOB) is not None
        runs.append(run(milliseconds_left=0))
    assert 1 < len(runs) <= SHARDS
    assert runs[-1]["customers"] == sum(r["contact_points"] for r in runs) == BUYERS


def test_the_index_gives_each_buyer_once_whatever_the_page(store: DynamoStore) -> None:
    bought = sorted(buy(store, number, times=2) for number in range(1, BUYERS + 1))
    assert len({shard_of(key) for key in bought}) > 1
    index = BuyerIndex(make_client(), "timeline")
    for limit in (1, 3, 100):
        found: list[str] = []
        after: str | None = None
        while True:
            keys, after = index.buyers(after, limit)
            found += keys
            if after is None:
                break
        assert sorted(found) == bought


def test_only_the_first_purchase_of_a_contact_point_writes_to_the_index(
    store: DynamoStore,
) -> None:
    make_table("plain", ["pk", "sk"])
    client = make_client()
    meter = Meter(ClientStore(make_client()))
    meter.attach(client)
    units = {}
    for table in ("timeline", "plain"):
        metered = DynamoStore(client, "identity", table)
        for n in range(3):
            made = order(f"{table}-{n}", phone(5), 100, order_id=f"o{n}")
            with meter.measure() as usage:
                resolver(metered).resolve(made)
            units[table, n] = usage.write_units
    assert units["timeline", 1] == units["plain", 1]
    assert units["timeline", 2] == units["plain", 2]


def test_totals_and_carts_of_many_contact_points_are_one_request(store: DynamoStore) -> None:
    client = make_client()
    history = DynamoHistory(client, "timeline", "case")
    keys = [buy(store, number) for number in range(1, 4)]
    cart = {"cart_id": "c-1", "resume_url": "https://shop.example.com/c-1"}
    made = interaction("c", phone(1), type_="cart.updated", data=cart)
    resolver(store).resolve(made)
    calls: list[str] = []
    client.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
    found = history.aggregates([*keys, "phone#nobody"])
    assert calls == ["BatchGetItem"]
    assert {key: kept.totals["BRL"]["orders"] for key, kept in found.items()} == dict.fromkeys(
        keys, 1
    )
    assert found[keys[0]].carts["told"]["c-1"]["resume_url"] == cart["resume_url"]
    assert found[keys[1]].carts == {}


def test_the_newest_are_one_request_without_the_aggregates_beside(store: DynamoStore) -> None:
    history = DynamoHistory(make_client(), "timeline", "case")
    key = buy(store, 1, times=4)
    assert len(history.newest(key, 10).items) == 4
    assert history.newest(key, 10).complete is True
    assert len(history.newest(key, 3).items) == 3
    assert history.newest(key, 3).complete is False
