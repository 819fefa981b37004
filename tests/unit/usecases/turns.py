"""Several callers at the same code, one step of one of them at a time.

What senders do at the same moment differs from run to run; here a seed says who goes on at each
call to the outside, so that a run which fails fails again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

DEADLOCK_SECONDS = 60.0


class Baton(Protocol):
    """A lock that one thread waits for and another one releases."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...

    def release(self) -> None: ...

    def __hash__(self) -> int: ...


def baton() -> Baton:
    """Nobody has been let go on yet."""
    made = threading.Lock()
    made.acquire()
    return made


class Turns:
    """Runs tasks by turns; the code under test calls :meth:`pass_on` where others may come in."""

    def __init__(self, chance: random.Random):
        self._chance = chance
        # Locks are batons here; semaphores, which are written in Python, took most of the time.
        self._back = baton()
        self._mine = threading.local()

    def pass_on(self) -> None:
        """Let somebody else go on, perhaps; nothing outside of :meth:`run`."""
        go: Baton | None = getattr(self._mine, "go", None)
        if go is not None:
            self._back.release()
            assert go.acquire(timeout=DEADLOCK_SECONDS)

    def run(self, tasks: Sequence[Callable[[], object]]) -> None:
        """Run the tasks to their ends; what one of them raises is raised here.

        Raises
        ------
        BaseException
            The first that a task raised, after all have ended.
        """
        failures: list[BaseException] = []
        waiting = {baton(): task for task in tasks}
        ended: set[Baton] = set()

        def work(go: Baton, task: Callable[[], object]) -> None:
            self._mine.go = go
            assert go.acquire(timeout=DEADLOCK_SECONDS)
            try:
                task()
            except BaseException as error:  # raised again in the test's own thread
                failures.append(error)
            ended.add(go)
            self._back.release()

        threads = [
            threading.Thread(target=work, args=pair, daemon=True) for pair in waiting.items()
        ]
        for thread in threads:
            thread.start()
        order = list(waiting)
        while left := [go for go in order if go not in ended]:
            self._chance.choice(left).release()
            assert self._back.acquire(timeout=DEADLOCK_SECONDS)
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
