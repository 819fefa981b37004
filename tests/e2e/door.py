"""The stack's door to the outside, samples that it would let in, and what lies behind it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from local import stack as local_stack
from local.sign import Signed, sample, sign

REFUSALS = {400, 401, 403, 404, 405, 413, 415}
#: Signed channel and a sample of it that would be accepted.
SAMPLES = {
    "whatsapp": ("whatsapp", "message_text"),
    "messenger": ("messenger", "message_text"),
    "instagram": ("instagram", "message_text"),
    "x": ("x", "xaa_dm_received"),
    "twilio/sms": ("twilio_sms", "message"),
    "twilio/voice": ("twilio_voice", "completed"),
    "segment": ("segment", "identify"),
    "generic/pos": ("generic", "order_pos"),
}


Answer = tuple[int, bytes]


class Door:
    """The stack's API; one connection, kept open."""

    def __init__(self, document: Mapping[str, Any]):
        self.document = document
        parts = urlsplit(document["api_url"])
        self._host, self._base = parts.netloc, parts.path
        self._connection = http.client.HTTPConnection(self._host, timeout=60)

    def signed(self, channel: str, payload: Any, **options: Any) -> Signed:
        """A request with its vendor's signature."""
        return sign(channel, payload, self.document["webhook_secrets"], **options)

    def sample(self, channel: str) -> Signed:
        """A request that would be accepted."""
        return self.signed(channel, sample(*SAMPLES[channel]))

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Status and body."""
        for attempt in (1, 2):
            try:
                self._connection.request(method, self._base + path, body, dict(headers))
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError):
                # The emulator ends a kept connection after some types of request.
                self._connection.close()
                if attempt == 2:
                    raise
        raise AssertionError

    def refused(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send what must be refused with a reason; gives the status."""
        status, text = self.send(method, path, headers, body)
        assert status in REFUSALS, (method, path, status, text[:200], body[:80])
        if method != "HEAD":
            answer = json.loads(text)
            assert answer.get("detail") or answer.get("message"), (path, text[:200])
        return status


def _recorded(document: Mapping[str, Any]) -> dict[str, int]:
    dynamodb, sqs = local_stack.client("dynamodb"), local_stack.client("sqs")
    counts = {
        table: sum(
            page["Count"]
            for page in dynamodb.get_paginator("scan").paginate(
                TableName=table,
                Select="COUNT",
                # Schedules keep there how far their jobs have come, whatever is sent.
                FilterExpression="NOT begins_with(pk, :job)",
                ExpressionAttributeValues={":job": {"S": "job#"}},
            )
        )
        for table in document["table_names"].values()
    }
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    for name, url in document["queue_urls"].items():
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        counts[name] = sum(map(int, found.values()))
    return counts


def calm(document: Mapping[str, Any]) -> dict[str, int]:
    """What is recorded once nothing is under way any more."""
    deadline = time.monotonic() + 60
    counts = _recorded(document)
    while time.monotonic() < deadline:
        time.sleep(1.0)
        before, counts = counts, _recorded(document)
        working = [name for name in document["queue_urls"] if not name.endswith("_dlq")]
        if counts == before and not any(counts[name] for name in working):
            return counts
    raise AssertionError(f"the stack did not come to rest: {counts}")
