"""A secret whose tokens its users renew, on moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from enlace.aws.token_secret import CLAIM_SECONDS, TokenSecret
from enlace.errors import Misconfigured, TemporaryFailure
from tests.aws.test_delivery_table import make_client


@pytest.fixture
def now() -> list[float]:
    return [1_000.0]


@pytest.fixture
def secrets() -> Iterator[Any]:
    with mock_aws():
        make_client().create_table(
            TableName="delivery",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        client = make_client("secretsmanager")
        client.create_secret(
            Name="crm", SecretString=json.dumps({"client_id": "id", "refresh_token": "r-0"})
        )
        yield client


def store(secrets: Any, now: list[float]) -> TokenSecret:
    return TokenSecret(
        lambda: secrets,
        "crm",
        dynamodb=make_client(),
        table="delivery",
        provider="rd_station",
        clock=lambda: now[0],
    )


def test_new_tokens_are_kept_beside_what_else_is_there(secrets: Any, now: list[float]) -> None:
    one, two = store(secrets, now), store(secrets, now)
    one.save({"refresh_token": "r-1", "access_token": "a-1"})
    assert two.read() == {"client_id": "id", "refresh_token": "r-1", "access_token": "a-1"}


def test_one_at_a_time_and_nobody_for_ever(secrets: Any, now: list[float]) -> None:
    one, two = store(secrets, now), store(secrets, now)
    assert one.claim() and not two.claim()
    one.save({"refresh_token": "r-1"})
    assert two.claim() and not one.claim()
    now[0] += CLAIM_SECONDS + 1
    assert one.claim()


def test_no_token_stands_in_the_table(secrets: Any, now: list[float]) -> None:
    one = store(secrets, now)
    one.claim()
    one.save({"refresh_token": "r-1"})
    (item,) = make_client().scan(TableName="delivery")["Items"]
    assert item.keys() == {"pk", "lease_until"}


def test_a_secret_that_cannot_be_read_is_said(secrets: Any, now: list[float]) -> None:
    secrets.put_secret_value(SecretId="crm", SecretString="text")
    with pytest.raises(Misconfigured):
        store(secrets, now).read()
    secrets.delete_secret(SecretId="crm", ForceDeleteWithoutRecovery=True)
    with pytest.raises(TemporaryFailure, match="ResourceNotFoundException"):
        store(secrets, now).read()
