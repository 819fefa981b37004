"""What it costs to seal timelines under data keys of their contact points.

By default they are not sealed. What is counted is the resolver's, as in the rows without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.session

from bench import people
from bench.capacity import Usage
from bench.measure import Measure
from bench.sizes import item_size
from bench.world import REGION, Function, World, environment, world

_TABLE = "subject_key"
#: Most requests to DynamoDB, write units, read units and calls to KMS. Each instance asks for
#: the master key, and for a contact point's, once a minute; consistently, for a key that was
#: retired must not be used any more.
_BUDGETS = {
    "known contact, its key remembered": (2, 1, 0.5, 0),
    "known contact, the instance's first in a minute": (4, 1, 2.5, 1),
    "new contact": (5, 3, 1.5, 0),
}


class Unsealed(Exception):
    """What was recorded stands there in clear, or was not recorded."""


def count_sealing() -> dict[str, Usage]:
    """The usage of one interaction, by what is remembered.

    Raises
    ------
    Unsealed
        If an interaction is not sealed.
    """
    with world() as services:
        resolver, forgetful = sealing(services), sealing(services, seconds="0")
        for warm in (resolver, forgetful):
            _resolve(warm, people.interaction(99, 1))
        usages = {}
        for name, function, number in (
            ("new contact", resolver, 1),
            ("known contact, its key remembered", resolver, 2),
            ("known contact, the instance's first in a minute", forgetful, 3),
        ):
            with services.meter.measure() as usages[name]:
                _resolve(function, people.interaction(1, number))
        items = services.items(environment()["TIMELINE_TABLE"])
        said = [item for item in items if item["sk"]["S"][0].isdigit()]
        if len(said) != 4 or any("B" not in item["body"] for item in said):
            raise Unsealed(f"{len(said)} interactions, or one in clear")
    return usages


def sealing(services: World, *, seconds: str = "60") -> Function:
    """The resolver, where the deployment seals timelines."""
    if _TABLE not in services.dynamodb.list_tables()["TableNames"]:
        services.dynamodb.create_table(
            TableName=_TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        kms: Any = botocore.session.get_session().create_client("kms", region_name=REGION)
        kms.create_alias(
            AliasName="alias/bench", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"]
        )
    return services.load_function(
        "resolve_identity",
        SUBJECT_KEY_TABLE=_TABLE,
        SUBJECT_KEY_ID="alias/bench",
        SUBJECT_KEY_SECONDS=seconds,
    )


def rows(usages: Mapping[str, Usage]) -> list[Measure]:
    """The table's rows; the baseline seals nothing."""
    found = []
    for name, budgets in _BUDGETS.items():
        usage = usages[name]
        counted = (
            ("DynamoDB requests", usage.count("dynamodb")),
            ("write units", usage.write_units),
            ("read units", usage.read_units),
            ("calls to KMS", usage.count("kms")),
        )
        for (what, number), budget in zip(counted, budgets, strict=True):
            found.append(Measure(f"sealed, {name}: {what}", number, None, budget))
    return found


def item_growth() -> int:
    """By how many bytes a sealed interaction is larger."""
    sizes = []
    for load in (lambda s: s.load_function("resolve_identity"), sealing):
        with world() as services:
            _resolve(load(services), people.interaction(1, 1))
            items = services.items(environment()["TIMELINE_TABLE"])
            sizes.append(max(item_size(item) for item in items))
    return sizes[1] - sizes[0]


def _resolve(resolver: Function, body: dict[str, Any]) -> None:
    answer = resolver(people.queue_event([body]))
    if answer and answer.get("batchItemFailures"):
        raise Unsealed("the resolver gave its message back")
