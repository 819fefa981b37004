"""Reads a queue through, and takes out of it what has to go; the rest is put back.

SQS has no way to look without receiving. What is received is out of sight of others until
it is given back, so a walk holds everything it has read, gives it all back at its end, and
is short. A receipt counts towards the dead-letter queue: a message that another receipt
would send there is put in anew, with its count at the beginning.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from enlace.domain.interaction import epoch_text
from enlace.domain.queued_data import Judged
from enlace.errors import TemporaryFailure

_AT_ONCE = 10
#: How long a walk may hold what it has read: nobody waits for dead letters.
DEAD_SECONDS, WORKING_SECONDS = 300, 60
_MARGIN_SECONDS = 10
#: How often dead letters are looked for that another walk holds.
_ATTEMPTS = 6
#: So many batches of messages that came after the walk began: all that was there is read.
_NEWER_BATCHES = 3
#: What a message that is put in anew loses otherwise.
_COPIED = "MessageAttributes"
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class Letter(NamedTuple):
    """A message.

    Parameters
    ----------
    body : str
    notes : str
        Its attributes' texts.
    sent_at : str
        Contract time; of a dead letter, when it first came into a queue.
    """

    body: str
    notes: str
    sent_at: str


Judge = Callable[[Letter], Judged]


class Walked(NamedTuple):
    """What a walk saw.

    Parameters
    ----------
    found, shared : int
        See :class:`Judged`.
    whole : bool
        Whether it came to the end.
    letters : tuple of str
        Bodies of what was found.
    """

    found: int = 0
    shared: int = 0
    whole: bool = True
    letters: tuple[str, ...] = ()


class QueueWalk:
    """Walks queues.

    Parameters
    ----------
    client
        A botocore SQS client.
    clock : callable
        Seconds since the epoch.
    sleep : callable
        Waits some seconds for another walk to end.
    wait_seconds : int
        How long a receipt waits for messages; without waiting, SQS asks some of its servers
        only (developer guide, "Short and long polling"; checked 2026-11-23).
    """

    def __init__(
        self,
        client: Any,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        wait_seconds: int = 1,
    ):
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._wait_seconds = wait_seconds

    def __call__(
        self, url: str, judge: Judge, *, erase: bool, time_left: Callable[[], bool] = lambda: True
    ) -> Walked:
        """Read a queue; with ``erase``, delete what has to go.

        Raises
        ------
        TemporaryFailure
            If the service did not answer, or somebody else holds dead letters, of which
            then nobody knows what is in them.
        """
        with _translated():
            for attempt in range(_ATTEMPTS):
                if attempt:
                    self._sleep(random.uniform(0.5, 2.5))
                visible, held, delayed, limit = self._counts(url)
                # A minute after the last message was sent the counts are exact, and an erasure
                # has waited longer (SQS API reference, GetQueueAttributes; checked 2026-11-23).
                if not visible + held + delayed:
                    return Walked()
                # Consumers hold what they work on; dead letters are held by walks alone.
                if limit or not held:
                    return self._walk(url, judge, limit, time_left if erase else None)
            raise TemporaryFailure("somebody else is reading a dead-letter queue")

    def _counts(self, url: str) -> tuple[int, int, int, int]:
        names = [*_COUNTS, "RedrivePolicy"]
        answer = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        told = answer.get("Attributes", {})
        visible, held, delayed = (int(told.get(name, 0)) for name in _COUNTS)
        return visible, held, delayed, _receives(told.get("RedrivePolicy", ""))

    def _walk(
        self, url: str, judge: Judge, limit: int, time_left: Callable[[], bool] | None
    ) -> Walked:
        began = self._clock()
        hold = WORKING_SECONDS if limit else DEAD_SECONDS
        held: dict[str, dict[str, Any]] = {}
        found, shared, newer, whole, letters = 0, 0, 0, False, []
        try:
            while self._clock() < began + hold - _MARGIN_SECONDS:
                if time_left is not None and not time_left():
                    break
                messages = self._receive(url, hold)
                known = [message for message in messages if message["MessageId"] in held]
                held |= {message["MessageId"]: message for message in messages}
                fresh = all(_sent(message) > began for message in messages)
                newer = newer + 1 if messages and fresh else 0
                if not messages or known or newer == _NEWER_BATCHES:
                    whole = True
                    break
                for message in messages:
                    judged = judge(_letter(message))
                    shared += judged.shared
                    if judged.found:
                        found += judged.found
                        letters.append(message["Body"])
                        if time_left is not None:
                            self._replace(url, held.pop(message["MessageId"]), judged.left)
        finally:
            self._give_back(url, held.values(), limit)
        return Walked(found, shared, whole, tuple(letters))

    def _receive(self, url: str, hold: int) -> list[dict[str, Any]]:
        answer = self._client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_AT_ONCE,
            VisibilityTimeout=hold,
            WaitTimeSeconds=self._wait_seconds,
            AttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            MessageAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _replace(self, url: str, message: dict[str, Any], left: str | None) -> None:
        # First put in, then deleted: interactions may come twice, and must not be lost.
        if left is not None:
            copied = {_COPIED: message[_COPIED]} if message.get(_COPIED) else {}
            self._client.send_message(QueueUrl=url, MessageBody=left, **copied)
        self._client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _give_back(self, url: str, held: Iterable[dict[str, Any]], limit: int) -> None:
        back = []
        for message in held:
            if limit and int(message["Attributes"].get("ApproximateReceiveCount", 0)) >= limit:
                self._replace(url, message, message["Body"])
            else:
                back.append(message["ReceiptHandle"])
        for batch in _batches(back):
            # What is not taken back now, comes back by itself when the time is over.
            self._client.change_message_visibility_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for n, handle in enumerate(batch)
                ],
            )


def _receives(redrive: str) -> int:
    # Only a queue whose messages are moved elsewhere has a limit.
    return int(json.loads(redrive)["maxReceiveCount"]) if redrive else 0


def _sent(message: dict[str, Any]) -> float:
    return int(message["Attributes"]["SentTimestamp"]) / 1000


def _letter(message: dict[str, Any]) -> Letter:
    attributes = message.get(_COPIED) or {}
    notes = " ".join(value.get("StringValue", "") for value in attributes.values())
    return Letter(message["Body"], notes, epoch_text(_sent(message)))


def _batches(handles: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(handles), _AT_ONCE):
        yield handles[at : at + _AT_ONCE]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise TemporaryFailure(f"SQS: {code}") from error
    except BotoCoreError as error:
        raise TemporaryFailure(f"SQS: {type(error).__name__}") from error
