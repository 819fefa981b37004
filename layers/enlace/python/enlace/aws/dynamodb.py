"""The few words of DynamoDB's wire form that the tables need, and its errors as ours."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.errors import Conflict, TemporaryFailure

Item = dict[str, dict[str, Any]]

_BATCH_GET_KEYS = 100
_BATCH_ATTEMPTS = 6


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the service as errors of ours, at the adapter's edge.

    Raises
    ------
    Conflict
        If a single condition failed.
    TemporaryFailure
        If the service throttled, timed out, or failed in another way.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        if code == "ConditionalCheckFailedException":
            raise Conflict("not as it was read") from error
        raise TemporaryFailure(f"DynamoDB: {code}") from error
    except BotoCoreError as error:
        raise TemporaryFailure(f"DynamoDB: {type(error).__name__}") from error


def batch_get(
    client: Any,
    table: str,
    keys: Iterable[Item],
    *,
    consistent: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Item]:
    """Items by key, however many; what the service left out is asked for again.

    Raises
    ------
    TemporaryFailure
        If the service keeps leaving keys out.
    """
    wanted = list(keys)
    if len(wanted) == 1:
        with translated():
            answer = client.get_item(TableName=table, Key=wanted[0], ConsistentRead=consistent)
        if "Item" in answer:
            yield answer["Item"]
        return
    attempt = 0
    while wanted:
        batch, wanted = wanted[:_BATCH_GET_KEYS], wanted[_BATCH_GET_KEYS:]
        with translated():
            answer = client.batch_get_item(
                RequestItems={table: {"Keys": batch, "ConsistentRead": consistent}}
            )
        yield from answer["Responses"].get(table, ())
        left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if left:
            attempt += 1
            if attempt == _BATCH_ATTEMPTS:
                raise TemporaryFailure("DynamoDB: keys stay unprocessed")
            sleep(random.uniform(0, 0.05 * 2**attempt))
            wanted = left + wanted
