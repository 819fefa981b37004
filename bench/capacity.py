"""A meter on botocore clients: requests, capacity units and billed chunks.

Attached to a client's event system, it sees each call as it goes over the wire
(after boto3's resource layer and every default) and its outcome:

* ``request-created`` counts each request, retries included;
* ``before-call`` has the serialised request and the stored items before the call;
* ``after-call`` has the outcome, so conditional failures are charged rightly.

Calls outside :meth:`Meter.measure` are not looked at.

SQS bills every API call in chunks of 64 KB of payload, EventBridge every entry of
``PutEvents`` in chunks of 64 KB (as :mod:`bench.prices` cites it).
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import botocore.session

from bench.dynamo import Bill, Store, Units, bill
from bench.sizes import chunks


@dataclass
class Usage:
    """What was used: plain sums, so usages of parts add up."""

    requests: Counter[str] = field(default_factory=Counter)
    write_units: float = 0.0
    read_units: float = 0.0
    sqs_requests: int = 0
    events: int = 0
    event_bytes: int = 0
    #: (detail type, event id) of each entry put on the bus
    published: list[tuple[str, str]] = field(default_factory=list)

    @property
    def request_count(self) -> int:
        """All requests of all services."""
        return self.requests.total()

    def count(self, service: str) -> int:
        """Requests of one service, for example ``dynamodb``."""
        return sum(n for name, n in self.requests.items() if name.startswith(f"{service}:"))

    def add(self, other: Usage) -> None:
        """Add another usage to this one."""
        self.requests += other.requests
        self.write_units += other.write_units
        self.read_units += other.read_units
        self.sqs_requests += other.sqs_requests
        self.events += other.events
        self.event_bytes += other.event_bytes
        self.published += other.published


class Meter:
    """Measures clients; see the module's text.

    Parameters
    ----------
    store : Store
        How the meter looks at DynamoDB's items, unmeasured.
    """

    _CONTEXT = "enlace_bench"

    def __init__(self, store: Store):
        self.store = store
        self._usage: Usage | None = None

    def attach(self, client: Any) -> None:
        """Measure a client from now on."""
        events = client.meta.events
        service = client.meta.service_model.service_name

        def request_created(operation_name: str, **_: Any) -> None:
            if self._usage is not None:
                self._usage.requests[f"{service}:{operation_name}"] += 1

        # unique ids keep the handler alive and single where a client is attached twice
        events.register("request-created.*.*", request_created, unique_id="enlace-bench-count")
        events.register("before-call.*.*", self._before_call)
        events.register("after-call.*.*", self._after_call)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Measure every client that is made while this lasts, boto3's included."""
        create = botocore.session.Session.create_client
        meter = self

        def create_client(self: Any, *args: Any, **kwargs: Any) -> Any:
            client = create(self, *args, **kwargs)
            meter.attach(client)
            return client

        with mock.patch.object(botocore.session.Session, "create_client", create_client):
            yield

    @contextmanager
    def measure(self) -> Iterator[Usage]:
        """The usage of the calls made inside; complete when the block ends."""
        outer, inner = self._usage, Usage()
        self._usage = inner
        try:
            yield inner
        finally:
            if outer is not None:
                outer.add(inner)
            self._usage = outer

    def _before_call(
        self, model: Any, params: Mapping[str, Any], context: dict[str, Any], **_: Any
    ) -> None:
        service, usage = model.service_model.service_name, self._usage
        if usage is None or service not in ("dynamodb", "sqs", "events"):
            return
        body = json.loads(params["body"] or b"{}")
        if service == "dynamodb":
            context[self._CONTEXT] = bill(model.name, body, self.store)
        elif service == "sqs":
            usage.sqs_requests += chunks(sqs_payload_bytes(model.name, body))
        elif model.name == "PutEvents":
            for entry in body["Entries"]:
                size = event_entry_bytes(entry)
                usage.event_bytes += size
                usage.events += chunks(size)
                usage.published.append((entry["DetailType"], _event_id(entry)))

    def _after_call(self, http_response: Any, context: dict[str, Any], **_: Any) -> None:
        finish: Bill | None = context.pop(self._CONTEXT, None)
        if finish is not None and self._usage is not None:
            units: Units = finish(http_response.status_code < 300)
            self._usage.write_units += units.write
            self._usage.read_units += units.read


def _event_id(entry: Mapping[str, Any]) -> str:
    metadata = json.loads(entry["Detail"]).get("metadata", {})
    return str(metadata.get("id", ""))


def sqs_payload_bytes(operation: str, body: Mapping[str, Any]) -> int:
    """Bytes of message bodies and attributes that an SQS request carries."""
    messages = body["Entries"] if operation == "SendMessageBatch" else [body]
    return sum(_message_bytes(message) for message in messages)


def _message_bytes(message: Mapping[str, Any]) -> int:
    total = len(message.get("MessageBody", "").encode())
    for name, attribute in message.get("MessageAttributes", {}).items():
        total += len(name.encode()) + len(attribute["DataType"].encode())
        total += len(attribute.get("StringValue", "").encode())
        total += len(base64.b64decode(attribute.get("BinaryValue", "")))
    return total


def event_entry_bytes(entry: Mapping[str, Any]) -> int:
    """Bytes of one ``PutEvents`` entry.

    Source: EventBridge user guide, "Calculating Amazon EventBridge PutEvents event
    entry size", from memory: 14 for the time, UTF-8 lengths of source, detail type, detail,
    resources.
    """
    total = 14 if "Time" in entry else 0
    for name in ("Source", "DetailType", "Detail"):
        total += len((entry.get(name) or "").encode())
    return total + sum(len(resource.encode()) for resource in entry.get("Resources") or [])
