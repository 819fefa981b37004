"""What a search for candidates costs, through the real function that follows the bus.

A new row that nobody is like; one with a double; and a crowd: a search at its limits,
whose blocks are all but full, of people so alike that it keeps as many as it may. The
bound of the last follows from the limits alone, whatever the data.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

from bench import people
from bench.capacity import Usage
from bench.measure import Measure
from bench.prices import BATCH
from bench.world import SECRETS, Function, World, environment, world
from enlace.domain.address_key import AddressKeys
from enlace.matching.blocking import MAX_KEYS, blocking_keys
from enlace.matching.features import features_of
from enlace.rules import default_rules
from enlace.usecases.find_candidates import MAX_COMPARED, MAX_FOUND

#: How many look alike in the crowd: more than are compared.
CROWD = MAX_COMPARED + 6
_TRAITS = {
    "name": "Joaquim Xavier Quintanilha",
    "birth_date": "1980-05-12",
    "city": "Ouro Preto",
    "cep": "35400-000",
    "address": "Rua São José, 12",
    "phone": "+5531987654321",
    "email": "joaquim.quintanilha@example.com",
    "username": "joaquimxq",
}
#: KB of a full block, of a point and of a candidate, rounded up: address keys are of 30
#: bytes at most, a block has 40, a point 16 block ids and 64 partners.
_BLOCK_KB, _POINT_KB, _CANDIDATE_KB = 2, 4, 1


class Unfound(Exception):
    """A search did not find what it is meant to."""


def count_searches() -> dict[str, Usage]:
    """The usage of a search: ``nobody``, ``double`` and ``crowd``.

    Raises
    ------
    Unfound
        If the list does not hold what it should afterwards.
    """
    return {name: _search(others) for name, others in (("nobody", 0), ("double", 1))} | {
        "crowd": _search(CROWD)
    }


def most_requests() -> int:
    """Requests of a new contact point's search, by the limits."""
    # Read: the rules, the identifier, the point, the blocks, who is in them, what is known
    # of the pairs, and all of it once more. Written: the point, each block (twice if it
    # overflows), a point for each end of the pairs, and the pairs.
    return 7 + 1 + 2 * MAX_KEYS + (1 + MAX_FOUND) + 1


def most_write_units() -> float:
    """Write units, likewise; a pair is written to the table and to the list's index."""
    entered = _POINT_KB + 2 * MAX_KEYS * _BLOCK_KB
    return float(entered + (1 + MAX_FOUND) * _POINT_KB + 2 * MAX_FOUND * _CANDIDATE_KB)


def most_read_units() -> float:
    """Read units, likewise; an identifier's record is taken as of 4 KB at most."""
    blocks = MAX_KEYS * math.ceil(_BLOCK_KB / 4)
    # The rules, the identifier, the point; whom it compares; the pairs; both ends again.
    return float(3 + blocks + MAX_COMPARED + MAX_FOUND + 1 + MAX_FOUND)


def rows(searches: Mapping[str, Usage]) -> list[Measure]:
    """The table's rows; the baseline looks for nobody.

    A new row enters all its blocks, which is what it costs; of a double it writes the
    pair, on both ends and into the list. The crowd's budgets follow from the limits.
    """
    budgets = {
        "nobody": (MAX_KEYS + 5, MAX_KEYS + 1, MAX_KEYS + 3),
        "double": (MAX_KEYS + 10, MAX_KEYS + 5, MAX_KEYS + 6),
        "crowd": (most_requests(), most_write_units(), most_read_units()),
    }
    titles = {"nobody": "nobody alike", "double": "one alike", "crowd": f"{CROWD} alike"}
    found = []
    for name, usage in searches.items():
        counted = usage.count("dynamodb"), usage.write_units, usage.read_units
        for what, number, budget in zip(
            ("DynamoDB requests", "write units", "read units"), counted, budgets[name], strict=True
        ):
            title = f"candidates of a new contact point, {titles[name]}: {what}"
            found.append(Measure(title, number, None, budget))
    return found


def _search(others: int) -> Usage:
    with world() as services:
        resolver = services.load_function("resolve_identity")
        finder = services.load_function("find_candidates", AUTO_MERGE="false")
        stranger = {**people.interaction(9, 9), "traits": {"name": "Ana Lima"}}
        _resolve(resolver, [stranger])
        (warm,) = _keys(services)
        finder(_described(warm))  # cold: fetches the secret and the rules
        if others:
            _resolve(resolver, [_row(number) for number in range(others)])
            doubles = [key for key in _keys(services) if key.startswith("record")]
            _fill_blocks(services, doubles)
        known = set(_keys(services))
        _resolve(resolver, [_row(CROWD + 1)])
        (key,) = set(_keys(services)) - known
        with services.meter.measure() as usage:
            answer = finder(_described(key))
        if answer.get("batchItemFailures"):
            raise Unfound("the search gave its message back")
        items = services.items(environment()["CANDIDATE_TABLE"])
    listed = sum("place" in item for item in items)
    if listed != min(others, MAX_FOUND):
        raise Unfound(f"{listed} candidates are listed of {others}")
    return usage


def _row(number: int) -> dict[str, Any]:
    return {
        "source_id": f"row-{number}",
        "channel": "import",
        "type": "customer.identified",
        "occurred_at": people.moment(number),
        "contact_point": {"kind": "record:erp", "value": f"row-{number}", "level": "imported"},
        "traits": _TRAITS,
    }


def _resolve(resolver: Function, bodies: list[dict[str, Any]]) -> None:
    whole = [{"received_at": people.moment(1), **body} for body in bodies]
    for start in range(0, len(whole), BATCH):
        answer = resolver(people.queue_event(whole[start : start + BATCH]))
        if answer and answer.get("batchItemFailures"):
            raise Unfound("the resolver gave a message back")


def _keys(services: World) -> list[str]:
    names = (item["pk"]["S"] for item in services.items(environment()["IDENTITY_TABLE"]))
    return sorted(name for name in names if name.split("#")[0] in ("record", "phone"))


def _fill_blocks(services: World, doubles: list[str]) -> None:
    """Put the doubles where earlier searches would have put them, block by block.

    One place is left in each for the newcomer; together the blocks hold all of them.
    """
    secret = SECRETS["address-key"]
    keys = AddressKeys(base64.b64decode(secret["keys"][secret["version"]]))
    traits = {name: {json.dumps(value): ["2026-11-20", 1]} for name, value in _TRAITS.items()}
    found = blocking_keys(features_of("record:erp", "row-0", traits))
    room = default_rules().candidates.block_size - 1
    for number, text in enumerate(found):
        start = number * room % len(doubles)
        members = [*doubles[start:], *doubles[:start]][:room]
        item = {
            "pk": {"S": keys.key("block", text)},
            "sk": {"S": "block"},
            "members": {"SS": members},
        }
        services.dynamodb.put_item(TableName=environment()["CANDIDATE_TABLE"], Item=item)


def _described(key: str) -> dict[str, Any]:
    """The event as Lambda gets it from the function's queue."""
    detail = {
        "metadata": {
            "id": "d571cf17-9025-5cf6-9826-3ec698d6bdfd",
            "schema_version": "1.0",
            "occurred_at": people.moment(1),
            "recorded_at": people.moment(1),
            "correlation_id": "3e1d6d12-7d9c-5db6-8e12-2d5b8a9f6f01",
            "causation_id": "3e1d6d12-7d9c-5db6-8e12-2d5b8a9f6f01",
        },
        "data": {
            "customer_id": "c6fyo4ybzqlzrkqk2m7kq7n3eq2u5xq4d",
            "contact_point": {"kind": key.split("#")[0], "key": key},
            "cause": {"interaction_id": "3e1d6d12-7d9c-5db6-8e12-2d5b8a9f6f01"},
        },
    }
    body = {
        "version": "0",
        "id": "11111111-2222-4333-8444-555555555555",
        "detail-type": "contact_point.described.v1",
        "source": "enlace.resolve_identity",
        "account": "123456789012",
        "time": "2026-11-20T12:34:58Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }
    return people.queue_event([body])
