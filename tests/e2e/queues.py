"""The stack's queues: whether everything under way has arrived."""

from __future__ import annotations

import time

from local import stack as local_stack
from local.demo.hub import Hub, wait_for

#: Functions run 30 s at most (the CRM's 60): what was given back comes again as soon as it may.
VISIBILITY_SECONDS = {
    **dict.fromkeys(("interactions", "dispatch", "customers", "candidates", "consents"), 35),
    **{"crm": 65, "email": 35, "sms": 35},
}
DRAIN_SECONDS = 420.0


def set_visibility(hub: Hub, seconds: dict[str, int]) -> dict[str, int]:
    """Set the queues' visibility timeouts; gives those that they had."""
    sqs, name, before = local_stack.client("sqs"), "VisibilityTimeout", {}
    for queue, value in seconds.items():
        url = hub.document["queue_urls"][queue]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        before[queue] = int(found["Attributes"][name])
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(value)})
    return before


def waiting(hub: Hub, suffix: str = "") -> dict[str, int]:
    """Messages in each queue, in flight or not; ``suffix`` ``_dlq`` for the dead ones."""
    sqs = local_stack.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = {}
    for queue in VISIBILITY_SECONDS:
        url = hub.document["queue_urls"][f"{queue}{suffix}"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        counts[queue] = sum(int(found[name]) for name in names)
    return counts


def _are_empty(hub: Hub) -> bool:
    # Between two queues an event is in neither for a moment.
    for _ in range(6):
        if any(waiting(hub).values()):
            return False
        time.sleep(0.5)
    return True


def drain(hub: Hub) -> None:
    """Wait until every queue is empty, and stays so.

    Raises
    ------
    NotArrived
        If it does not come to that.
    """
    wait_for("empty queues", lambda: _are_empty(hub), seconds=DRAIN_SECONDS, every=1.0)
