"""Places of erasure on moto: tables, crashes at any call, and what others must keep."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.interaction import Identifier
from enlace.rules import default_rules
from enlace.usecases.erasure_ports import Place
from enlace.usecases.observe import sight
from tests.aws.test_message_crashes import Cut
from tests.stores.builders import KEYS
from tests.stores.kept import Kept
from tests.unit.usecases.fakes import Crash

ERASED = "2026-11-22T10:00:00.000Z"
TABLES = {"identity": ["pk"], "timeline": ["pk", "sk"], "case": ["pk", "sk"], "delivery": ["pk"]}


#: Where all calls are too many for every day; ``ENLACE_CALL_STRIDE=1`` tries them all.
CALL_STRIDE = int(os.environ.get("ENLACE_CALL_STRIDE", "29"))


def always() -> bool:
    """There is time."""
    return True


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    """A client whose tables are there."""
    with mock_aws():
        session = botocore.session.get_session()
        session.set_credentials("test", "test")
        client = session.create_client("dynamodb", region_name="us-east-1")
        make_tables(client)
        yield client


def make_tables(client: Any) -> None:
    """The tables, empty again."""
    for name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)
    for name, keys in TABLES.items():
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
        )


def identifier(kind: str, value: str) -> SubjectIdentifier:
    """With its real address key."""
    seen, _ = sight(Identifier(kind, value), KEYS, default_rules())
    return SubjectIdentifier(seen.key, seen.kind, seen.value, seen.raw)


def subject_of(*identifiers: tuple[str, str], **fields: Any) -> Subject:
    """An erasure of these identifiers."""
    known = tuple(identifier(*one) for one in identifiers)
    return Subject("request-1", fields.pop("erased_before", ERASED), known, **fields)


def items(client: Any, table: str) -> list[dict[str, Any]]:
    """Everything that a table holds."""
    found: list[dict[str, Any]] = []
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        found += page["Items"]
    return sorted(found, key=lambda item: (item["pk"]["S"], item.get("sk", {}).get("S", "")))


def cut_anywhere(
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[], Any],
    run: Callable[[Any], Any],
    *,
    sides: Sequence[bool] = (False, True),
    stride: int = 1,
    again: bool = True,
) -> Iterator[Any]:
    """Runs, each on something newly prepared, cut off at one call further, before or after it.

    Gives what was prepared, for the test to go on with; ends when a run came through. What
    takes long to prepare is cut off on one of the ``sides`` alone, after every call: the next
    one has not begun then; or at every ``stride``-th call. What has its state in tables alone
    need not be prepared ``again``: they are put back as they were.
    """
    cut = Cut(monkeypatch)
    prepared = prepare()
    kept = None if again else Kept()
    for after in sides:
        for at in range(1, 1000, stride):
            if kept is not None:
                kept.put_back()
            elif cut.calls:
                prepared = prepare()
            cut.at, cut.after, cut.calls, cut.armed = at, after, 0, True
            try:
                run(prepared)
            except Crash:
                pass
            else:
                break
            finally:
                cut.armed = False
            yield prepared
        # Of tables that were not put back there would be nothing left to erase.
        assert at > (1 if kept is None else 10)


def erased(place: Place, subject: Subject) -> None:
    """Erase; what is left is what is kept."""
    assert place.erase(subject, always)
    census = place.census(subject)
    assert census.found == census.retained
