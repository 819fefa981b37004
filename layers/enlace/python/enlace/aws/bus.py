"""The EventBridge bus: every result checked, what was refused sent again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from enlace.domain.envelope import Entry
from enlace.errors import TemporaryFailure

#: PutEvents takes 10 entries, and 256 KiB over all of them (1 MiB on newer accounts).
_MAX_ENTRIES = 10
_MAX_BYTES = 240 * 1024
_ATTEMPTS = 4


class Bus:
    """Publishes events.

    Parameters
    ----------
    client
        A botocore EventBridge client.
    bus_name : str
    sleep : callable
        Takes seconds.
    """

    def __init__(self, client: Any, bus_name: str, *, sleep: Callable[[float], None] = time.sleep):
        self._client = client
        self._bus_name = bus_name
        self._sleep = sleep

    def publish(self, entries: Sequence[Entry]) -> set[int]:
        """Publish events; a publication that fails in part is repeated for that part.

        Returns
        -------
        set of int
            Positions of the entries that the bus did not take. PutEvents answers
            200 with failures inside: unchecked, they would be lost.
        """
        waiting = list(enumerate(entries))
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, 0.1 * 2**attempt))
            waiting = [entry for chunk in _chunks(waiting) for entry in self._put(chunk)]
            if not waiting:
                break
        return {position for position, _ in waiting}

    def publish_all(self, entries: Sequence[Entry]) -> None:
        """Publish events, all of them.

        Raises
        ------
        TemporaryFailure
            If the bus did not take one.
        """
        if self.publish(entries):
            raise TemporaryFailure("EventBridge did not take every event")

    def _put(self, chunk: list[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
        try:
            answer = self._client.put_events(
                Entries=[entry.to_put_events(self._bus_name) for _, entry in chunk]
            )
        except (ClientError, BotoCoreError):
            return chunk
        if not answer.get("FailedEntryCount"):
            return []
        results = answer["Entries"]
        return [
            entry for entry, result in zip(chunk, results, strict=True) if "EventId" not in result
        ]


def _chunks(entries: list[tuple[int, Entry]]) -> list[list[tuple[int, Entry]]]:
    chunks: list[list[tuple[int, Entry]]] = []
    size = 0
    for position, entry in entries:
        cost = len(entry.detail) + len(entry.detail_type) + len(entry.source)
        if not chunks or len(chunks[-1]) == _MAX_ENTRIES or size + cost > _MAX_BYTES:
            chunks.append([])
            size = 0
        chunks[-1].append((position, entry))
        size += cost
    return chunks
