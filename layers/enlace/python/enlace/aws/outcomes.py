"""What became of a message, as an interaction on the interactions queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from enlace.aws.interactions_queue import InteractionsQueue
from enlace.domain.interaction import Interaction


def outcomes_to(client: Any, queue_url: str) -> Callable[[Interaction], None]:
    """A function that queues one interaction.

    Parameters
    ----------
    client
        A botocore SQS client.
    queue_url : str
        The interactions queue; senders have no need of its dead-letter queue.
    """
    queue = InteractionsQueue(client, queue_url, "")

    def report(interaction: Interaction) -> None:
        queue.send([json.dumps(interaction.to_dict(), separators=(",", ":"))])

    return report
