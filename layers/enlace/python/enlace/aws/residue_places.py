"""Every place of a stack that a value may be in, as CloudFormation lists them.

So a table, a bucket, a queue or a log group that is added later is looked into as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from enlace.aws.residue_readers import (
    BucketPlace,
    LogPlace,
    QueuePlace,
    SchedulePlace,
    SmallPlace,
    TablePlace,
    translated,
)
from enlace.usecases.scan_residues import Place

Client = Callable[[str], Any]
#: How the names of queues end that nobody works on.
_DEAD_LETTERS = "DLQ"


def places(client: Client, stack: str, *, everything: bool = False) -> Iterator[Place]:
    """The places of a stack.

    Parameters
    ----------
    client : callable
        Gives a botocore client by the name of its service.
    stack : str
        Name or id.
    everything : bool
        Also secrets, what functions are told, and queues that somebody works on, which are
        held up meanwhile.

    Raises
    ------
    TemporaryFailure
        If CloudFormation, or whoever lists a table's indexes, does not answer.
    """
    functions: list[str] = []
    with translated("CloudFormation"):
        pages = client("cloudformation").get_paginator("list_stack_resources")
        resources = [
            one
            for page in pages.paginate(StackName=stack)
            for one in page["StackResourceSummaries"]
        ]
    for resource in resources:
        kind, name = resource["ResourceType"], resource["LogicalResourceId"]
        id_ = resource.get("PhysicalResourceId", "")
        if kind == "AWS::DynamoDB::Table":
            yield from tables(client("dynamodb"), name, id_)
        elif kind == "AWS::S3::Bucket":
            yield BucketPlace(client("s3"), name, id_)
        elif kind == "AWS::SQS::Queue":
            if everything or name.endswith(_DEAD_LETTERS):
                yield QueuePlace(client("sqs"), name, id_)
        elif kind == "AWS::Logs::LogGroup":
            yield LogPlace(client("logs"), name, id_)
        elif kind == "AWS::Scheduler::ScheduleGroup":
            yield SchedulePlace(client("scheduler"), name, id_)
        elif kind == "AWS::SecretsManager::Secret" and everything:
            yield SmallPlace(name, "Secrets Manager", lambda i=id_: _secret(client, i))  # type: ignore[misc]
        elif kind == "AWS::Lambda::Function":
            functions.append(id_)
    if everything:
        yield SmallPlace("functions", "Lambda", lambda: _settings(client, functions))
    yield SmallPlace("parameters", "CloudFormation", lambda: _parameters(client, stack))


def tables(client: Any, logical: str, table: str) -> Iterator[Place]:
    """A table, and each of its indexes."""
    with translated("DynamoDB"):
        described = client.describe_table(TableName=table)["Table"]
    yield TablePlace(client, logical, table, "", _names(described))
    for index in described.get("GlobalSecondaryIndexes", ()):
        yield TablePlace(client, logical, table, index["IndexName"], _names(index))


def _names(described: dict[str, Any]) -> list[str]:
    # The partition's key first, whatever the order in which they are listed.
    return [one["AttributeName"] for one in sorted(described["KeySchema"], key=_range_last)]


def _range_last(key: dict[str, str]) -> bool:
    return key["KeyType"] != "HASH"


def _secret(client: Client, id_: str) -> Iterator[str]:
    yield client("secretsmanager").get_secret_value(SecretId=id_)["SecretString"]


def _settings(client: Client, functions: Sequence[str]) -> Iterator[str]:
    for name in functions:
        found = client("lambda").get_function_configuration(FunctionName=name)
        yield json.dumps(found.get("Environment", {}))


def _parameters(client: Client, stack: str) -> Iterator[str]:
    found = client("cloudformation").describe_stacks(StackName=stack)
    yield json.dumps(found["Stacks"][0].get("Parameters", []))
