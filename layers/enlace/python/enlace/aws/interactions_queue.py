"""The interactions queue on SQS: one call for however many items a webhook carries.

Limits by the SQS developer guide, "Amazon SQS message quotas": 10 messages and
1 MiB a batch, over all its messages. A single message stays under 256 KiB, which
was the limit before and still is the default of some queues.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.errors import TemporaryFailure

MAX_MESSAGES = 10
MAX_MESSAGE_BYTES = 256 * 1024
MAX_BATCH_BYTES = 1024 * 1024

_ATTEMPTS = 3
#: Message attributes count towards the sizes; ours stay far below this.
_ATTRIBUTE_BYTES = 1024


class InteractionsQueue:
    """Sends interactions to their queue and unusable items to the dead-letter queue.

    Parameters
    ----------
    client
        A botocore SQS client.
    queue_url, dlq_url : str
        The two queues.
    sleep : callable
        Takes seconds; replaced in tests.
    """

    def __init__(
        self,
        client: Any,
        queue_url: str,
        dlq_url: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self._client = client
        self._queue_url = queue_url
        self._dlq_url = dlq_url
        self._sleep = sleep

    def send(self, bodies: Sequence[str]) -> None:
        """Queue interactions, each given as ASCII JSON.

        Up to ten travel as a message each; more are packed as JSON lists, so
        that one call carries them all.

        Raises
        ------
        TemporaryFailure
            If not every message is durable; the vendor's retry is harmless.
        """
        self._send(self._queue_url, [{"MessageBody": body} for body in pack(bodies)])

    def send_rejected(self, rejected: Sequence[tuple[str, str]], channel: str) -> None:
        """Put unusable items, each ``(reason, raw JSON)``, into the dead-letter queue.

        Raises
        ------
        TemporaryFailure
            If not every message is durable.
        """
        self._send(
            self._dlq_url,
            [
                {
                    "MessageBody": raw,
                    "MessageAttributes": {
                        "reason": {"DataType": "String", "StringValue": reason[:256]},
                        "channel": {"DataType": "String", "StringValue": channel},
                    },
                }
                for reason, raw in rejected
            ],
        )

    def _send(self, queue_url: str, messages: list[dict[str, Any]]) -> None:
        for batch in _batches(messages):
            entries = [{"Id": str(n), **message} for n, message in enumerate(batch)]
            for attempt in range(_ATTEMPTS):
                if attempt:
                    self._sleep(random.uniform(0, 0.1 * 2**attempt))
                try:
                    answer = self._client.send_message_batch(QueueUrl=queue_url, Entries=entries)
                except ClientError as error:
                    code = error.response.get("Error", {}).get("Code", "unknown")
                    raise TemporaryFailure(f"SQS refused the batch: {code}") from error
                except BotoCoreError as error:
                    raise TemporaryFailure(f"SQS failed: {type(error).__name__}") from error
                failed = {entry["Id"] for entry in answer.get("Failed") or ()}
                if not failed:
                    break
                entries = [entry for entry in entries if entry["Id"] in failed]
            else:
                raise TemporaryFailure(f"SQS did not take {len(entries)} messages")


def pack(bodies: Sequence[str]) -> list[str]:
    """As few messages as one batch holds, each an interaction or a JSON list of them.

    Parameters
    ----------
    bodies : sequence of str
        ASCII JSON objects, so that characters are bytes.
    """
    if len(bodies) <= MAX_MESSAGES:
        return list(bodies)
    # Evenly by count, so that the resolver gets its work in equal shares.
    share = -(-len(bodies) // MAX_MESSAGES)
    messages: list[str] = []
    group: list[str] = []
    size = 2
    for body in bodies:
        if group and (len(group) == share or size + len(body) + 1 > MAX_MESSAGE_BYTES):
            messages.append(_list(group))
            group, size = [], 2
        group.append(body)
        size += len(body) + 1
    messages.append(_list(group))
    return messages


def _list(group: list[str]) -> str:
    return f"[{','.join(group)}]" if len(group) > 1 else group[0]


def _batches(messages: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for message in messages:
        length = len(message["MessageBody"])
        if "MessageAttributes" in message:
            length += _ATTRIBUTE_BYTES
        if batch and (len(batch) == MAX_MESSAGES or size + length > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch
