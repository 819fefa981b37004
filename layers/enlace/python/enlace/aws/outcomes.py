"""What became of a message, as an interaction on the interactions queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from enlace.aws.interactions_queue import InteractionsQueue
from enlace.domain.interaction import Interaction


def outcomes_to(make_client: Callable[[], Any], queue_url: str) -> Callable[[Interaction], None]:
    """A function that queues one interaction.

    Parameters
    ----------
    make_client : callable
        Makes the botocore SQS client at the first outcome, which keeps that
        client's cost out of the import.
    queue_url : str
        The interactions queue; senders have no need of its dead-letter queue.
    """

    @cache
    def queue() -> InteractionsQueue:
        return InteractionsQueue(make_client(), queue_url, "")

    def report(interaction: Interaction) -> None:
        queue().send([json.dumps(interaction.to_dict(), separators=(",", ":"))])

    return report
