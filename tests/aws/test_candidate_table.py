"""Candidates on DynamoDB as moto has it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from moto import mock_aws

from bench.capacity import Meter
from bench.dynamo import ClientStore
from enlace.aws.candidate_table import INDEX, PARTS, CandidateTable
from enlace.domain.address_key import AddressKeys
from enlace.domain.envelope import Cause
from enlace.domain.rules import CandidateRules
from enlace.matching.blocking import MAX_KEYS
from enlace.rules import default_rules
from enlace.usecases.find_candidates import MAX_COMPARED, MAX_FOUND, MAX_KNOWN
from enlace.usecases.publish import effect_entries
from tests.aws.test_delivery_table import make_client
from tests.aws.test_sender_functions import load
from tests.stores.builders import CPFS
from tests.stores.candidate_suite import AT, CandidateSuite, pair
from tests.stores.tables import Tables
from tests.unit.test_bus_consumer import Context
from tests.unit.usecases.candidate_scene import HELENA, JONAS, Scene


def make_table(client: Any, name: str = "candidates") -> str:
    """The table as the template declares it."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", "part", "place")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": INDEX,
                "KeySchema": [
                    {"AttributeName": "part", "KeyType": "HASH"},
                    {"AttributeName": "place", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return name


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        yield make_client()


class TestCandidateTable(CandidateSuite):
    @pytest.fixture
    def table(self, dynamodb: Any) -> CandidateTable:
        return CandidateTable(dynamodb, make_table(dynamodb), sleep=lambda seconds: None)


class TestSearch:
    """Searches on tables do what they do in memory, and cost what the documentation says."""

    #: Small, so that the test is quick.
    BLOCK_SIZE = 11

    @pytest.fixture
    def tables(self, dynamodb: Any) -> tuple[Scene, Meter]:
        rules = replace(default_rules(), candidates=CandidateRules(block_size=self.BLOCK_SIZE))
        store = Tables(dynamodb).store()
        unmeasured = make_client()
        meter = Meter(ClientStore(unmeasured))
        meter.attach(dynamodb)
        table = CandidateTable(dynamodb, make_table(dynamodb), sleep=lambda seconds: None)
        return Scene(rules, store=store, candidates=table), meter

    def test_the_same_happens_on_tables_and_in_memory(self, tables: tuple[Scene, Meter]) -> None:
        scene, memory = tables[0], Scene()
        cpf, phone, email = ("cpf", CPFS[0]), ("phone", "+5511987654321"), ("email", "hq@x.com.br")
        told = [
            (email, [], HELENA),
            (phone, [(*cpf, "stated")], HELENA),
            (("record:a", "1"), [(*cpf, "stated")], JONAS),
            (email, [(*phone, "proven")], {**HELENA, "postal_code": "53020-140"}),
            (("record:a", "1"), [], {**JONAS, "city": "Recife"}),
        ]
        for point, others, traits in told:
            for one in (scene, memory):
                one.says(point, *others, traits=traits)

        expected = {pair: made.found("") for pair, made in memory.candidates.kept.items()}
        found = scene.candidates.candidates(expected)
        assert {pair: made.found("") for pair, made in found.items()} == expected
        assert len(expected) == 2
        listed = [made.pair for made in memory.candidates.best("", 10)]
        assert [made.pair for made in scene.candidates.best("", 10)] == listed
        keys = {end for pair in expected for end in pair}
        assert scene.candidates.points(keys) == memory.candidates.points(keys)

    def test_what_a_search_costs(self, tables: tuple[Scene, Meter]) -> None:
        scene, meter = tables
        first, *others = (scene.hears(("record:a", str(n)), traits=HELENA) for n in range(3))

        with meter.measure() as new:
            scene.follow(first)
        point = scene.candidates.points([scene.key("record:a", "0")])
        keys = len(point[scene.key("record:a", "0")].blocks)
        # Record, point, blocks; the point, its blocks; the record again.
        assert 0 < keys <= MAX_KEYS
        assert sum(new.requests.values()) == 3 + 1 + keys + 1
        assert new.write_units == 1 + keys
        assert new.read_units == 1 + 1 + keys + 1

        with meter.measure() as alike:
            scene.follow(others[0])
        # And whom it is compared with, the pair before and after, both ends.
        assert sum(alike.requests.values()) == 3 + 1 + keys + 1 + 1 + 1 + 2 + 1
        assert alike.write_units == 1 + keys + 2 + 2
        assert alike.read_units == 1 + 1 + keys + 1 + 1 + 2

        with meter.measure() as again:
            scene.follow(others[0])
        assert sum(again.requests.values()) == 5
        assert (again.write_units, again.read_units) == (0, 1 + 1 + keys + 1 + 1)

    def test_what_a_search_costs_at_most_however_many_are_alike(
        self, tables: tuple[Scene, Meter]
    ) -> None:
        scene, meter = tables
        costs = []
        for n in range(self.BLOCK_SIZE + 2):
            effects = scene.hears(("record:a", str(n)), traits=HELENA)
            with meter.measure() as cost:
                scene.follow(effects)
            costs.append((sum(cost.requests.values()), cost.write_units, cost.read_units))

        requests, written, read = (max(column) for column in zip(*costs, strict=True))
        assert requests <= 3 + 1 + MAX_KEYS + 1 + 1 + (MAX_FOUND + 1) + 1 + 1
        # The points' own entries are over one kilobyte by then, and under two.
        assert written <= 2 + MAX_KEYS + 2 * (MAX_FOUND + 1) + 2 * MAX_FOUND
        assert read <= 2 + MAX_KEYS + MAX_COMPARED + MAX_KNOWN + MAX_FOUND + (MAX_FOUND + 1)
        # The keys are common by now: nothing is entered, and nobody is found by them.
        effects = scene.hears(("record:a", "late"), traits=HELENA)
        with meter.measure() as late:
            scene.follow(effects)
        assert (sum(late.requests.values()), late.write_units) == (3, 0)

    def test_a_page_costs_no_more_for_a_longer_list(self, tables: tuple[Scene, Meter]) -> None:
        scene, meter = tables
        made = [pair(f"{n:03}", "x", 0.9 + n / 10_000) for n in range(150)]
        costs = []
        for part in (made[:50], made[50:]):
            scene.candidates.keep(part)
            with meter.measure() as cost:
                assert len(list(islice(scene.candidates.best("", 10), 10))) == 10
            costs.append((sum(cost.requests.values()), cost.read_units))
        assert all(requests <= 2 * PARTS and units <= 2 * PARTS for requests, units in costs)

    def test_the_function_searches_and_gives_back_what_it_cannot_read(
        self, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store = Tables(dynamodb)
        known = store.store()
        secrets = make_client("secretsmanager")
        document = {"version": "1", "keys": {"1": base64.b64encode(b"s" * 32).decode()}}
        secrets.create_secret(Name="address-key", SecretString=json.dumps(document))
        for name, value in {
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "IDENTITY_TABLE": known._identity,
            "CANDIDATE_TABLE": make_table(dynamodb),
            "ADDRESS_KEY_SECRET_ID": "address-key",
            "BUS_NAME": "enlace",
            "AUTO_MERGE": "false",
        }.items():
            monkeypatch.setenv(name, value)
        scene = Scene(store=known, keys=AddressKeys(b"s" * 32))
        effects = [e for n in "12" for e in scene.hears(("record:a", n), traits=HELENA)]
        entries = effect_entries(effects, Cause("interaction_id", "i"), AT, AT)
        bodies = [
            {"source": e.source, "detail-type": e.detail_type, "detail": json.loads(e.detail)}
            for e in entries
            if e.detail_type == "contact_point.described.v1"
        ]
        bodies.append({**bodies[0], "detail-type": "contact_point.described.v2"})
        records = [{"messageId": str(n), "body": json.dumps(b)} for n, b in enumerate(bodies)]

        answer = load("find_candidates").handler({"Records": records}, Context(60_000))

        assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
        (made,) = CandidateTable(dynamodb, "candidates").best("", 10)
        assert made.probability and made.probability >= 0.9
        out = capsys.readouterr().out
        assert "1 kept" in out and "helena" not in out.casefold()
