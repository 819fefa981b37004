"""Where values still are: every table, index, bucket, queue, log group, secret and setting.

``scan`` gives counts by place and never a value. What is scanned is what CloudFormation says
that the stack has, so a place that is added later is looked into as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote_plus

from enlace.aws.queue_walk import Letter, QueueWalk
from enlace.domain.queued_data import Judged, texts_of
from local import settings, stack

#: A residue: text of a place.
Texts = Iterator[str]


def scan(values: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Look for values everywhere.

    Parameters
    ----------
    values : sequence of str
        As they were given; escaped for JSON and for forms they are looked for as well.

    Returns
    -------
    dict of str to int
        By place, such as ``IdentityTable`` or ``TimelineTable/buyers``: texts that hold one.
    dict of str to int
        By place: how many texts were read; a place that none was read in shows nothing.
    """
    forms = {form.casefold() for value in values for form in _forms(value)}
    hits, read = {}, {}
    for name, texts in _places():
        hits[name] = read[name] = 0
        for text in texts:
            read[name] += 1
            folded = text.casefold()
            hits[name] += any(form in folded for form in forms)
    return hits, read


def _forms(value: str) -> set[str]:
    return {value, json.dumps(value)[1:-1], quote_plus(value)}


def _places() -> Iterator[tuple[str, Texts]]:
    pages = stack.client("cloudformation").get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=settings.STACK_NAME):
        for resource in page["StackResourceSummaries"]:
            reader = _READERS.get(resource["ResourceType"])
            if reader is not None:
                logical, id_ = resource["LogicalResourceId"], resource["PhysicalResourceId"]
                yield from ((f"{logical}{part}", texts) for part, texts in reader(id_))
    yield "parameters", _parameters()


def _table(name: str) -> Iterator[tuple[str, Texts]]:
    client = stack.client("dynamodb")
    indexes = client.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes", ())
    for index in (None, *(one["IndexName"] for one in indexes)):
        further = {"IndexName": index} if index else {}
        pages = client.get_paginator("scan").paginate(TableName=name, **further)
        texts = (json.dumps(item, default=_plain) for page in pages for item in page["Items"])
        yield f"/{index}" if index else "", texts


def _bucket(name: str) -> Iterator[tuple[str, Texts]]:
    yield "", _versions(name)


def _versions(name: str) -> Texts:
    client = stack.client("s3")
    for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
        yield from (marker["Key"] for marker in page.get("DeleteMarkers", ()))
        for one in page.get("Versions", ()):
            whole = {"Bucket": name, "Key": one["Key"], "VersionId": one["VersionId"]}
            if one["VersionId"] in (None, "null"):
                del whole["VersionId"]
            got = client.get_object(**whole)
            yield one["Key"] + json.dumps(got.get("Metadata", {}))
            yield got["Body"].read().decode("utf-8", "replace")


def _queue(url: str) -> Iterator[tuple[str, Texts]]:
    yield "", iter(letters(url))


def letters(url: str) -> list[str]:
    """What lies in a queue, opened; it is there afterwards as well."""
    found: list[str] = []

    def look(letter: Letter) -> Judged:
        found.append("\n".join((letter.notes, letter.body, *texts_of(letter.body))))
        return Judged(0, letter.body)

    QueueWalk(stack.client("sqs"))(url, look, erase=False)
    return found


def _log_group(name: str) -> Iterator[tuple[str, Texts]]:
    pages = stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=name)
    yield "", (event["message"] for page in pages for event in page["events"])


def _secret(arn: str) -> Iterator[tuple[str, Texts]]:
    yield "", iter([stack.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]])


def _function(name: str) -> Iterator[tuple[str, Texts]]:
    found = stack.client("lambda").get_function_configuration(FunctionName=name)
    yield "", iter([json.dumps(found.get("Environment", {}))])


def _schedules(group: str) -> Iterator[tuple[str, Texts]]:
    yield "", _scheduled(group)


def _scheduled(group: str) -> Texts:
    client = stack.client("scheduler")
    for page in client.get_paginator("list_schedules").paginate(GroupName=group):
        for one in page["Schedules"]:
            whole = client.get_schedule(GroupName=group, Name=one["Name"])
            yield json.dumps(whole, default=_plain)


def _parameters() -> Texts:
    found = stack.client("cloudformation").describe_stacks(StackName=settings.STACK_NAME)
    yield json.dumps(found["Stacks"][0].get("Parameters", []))


def _plain(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_READERS: dict[str, Callable[[str], Iterator[tuple[str, Texts]]]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::Lambda::Function": _function,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _queue,
    "AWS::Scheduler::ScheduleGroup": _schedules,
    "AWS::SecretsManager::Secret": _secret,
}
