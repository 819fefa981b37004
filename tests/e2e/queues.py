"""The stack's queues: whether everything under way has arrived."""

from __future__ import annotations

import time

from local import stack as local_stack
from local.demo.hub import Hub, wait_for

#: Of a queue whose function may run longer than the 30 s of the others.
_SLOW_SECONDS = {"crm": 65}
#: Fed by a schedule, which goes on for as long as it takes.
_APART = frozenset(("rules",))
DRAIN_SECONDS = 420.0


def visibility_seconds(hub: Hub) -> dict[str, int]:
    """By queue: longer than its function runs, so that what was given back comes again soon."""
    names = (n for n in hub.document["queue_urls"] if not n.endswith("_dlq") and n not in _APART)
    return {name: _SLOW_SECONDS.get(name, 35) for name in names}


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
    for queue in visibility_seconds(hub):
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
