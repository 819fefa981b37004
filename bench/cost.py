"""Dollars per million inbound events, line by line, from what was counted and measured.

One event is one webhook call with one message of a known contact, handled up to the
bus. What consumers of the bus do (a CRM, messages) is their own cost. Durations are
computed, not measured, because no emulator has AWS's latencies: CPU at Lambda's share
of a processor plus an assumed wait for each call, one after the other
(:mod:`bench.prices`).
"""

from __future__ import annotations

from dataclasses import dataclass

from bench import prices
from bench.capacity import Usage
from bench.dynamo import gigabyte_seconds

MILLION = 1_000_000


@dataclass(frozen=True)
class Footprint:
    """What the model needs to know of one pipeline.

    Parameters
    ----------
    webhook : Usage
        Of one warm webhook call with one message.
    resolver : Usage
        Of one resolver invocation with ``batch`` known contacts.
    batch : int
        Messages per resolver invocation.
    webhook_cpu_seconds, resolver_cpu_seconds : float
        Own CPU per event, at the planning machine's speed.
    webhook_import, resolver_import : float
        Import CPU over that of a bare ``import boto3``.
    webhook_log_bytes, resolver_log_bytes : int
        Written per invocation, and per event.
    """

    webhook: Usage
    resolver: Usage
    batch: int
    webhook_cpu_seconds: float
    resolver_cpu_seconds: float
    webhook_import: float
    resolver_import: float
    webhook_log_bytes: int
    resolver_log_bytes: int


def lines(footprint: Footprint) -> dict[str, float]:
    """US dollars per million events, by line of the bill."""
    batch = footprint.batch
    webhook = _duration(footprint.webhook, footprint.webhook_cpu_seconds)
    resolver = _duration(footprint.resolver, footprint.resolver_cpu_seconds * batch)
    cold = prices.COLD_SHARE * prices.BOTO3_IMPORT_SECONDS
    gb_seconds = (
        gigabyte_seconds(prices.MEMORY_MEGABYTES, webhook)
        + gigabyte_seconds(prices.MEMORY_MEGABYTES, resolver) / batch
        + cold * footprint.webhook_import * prices.MEMORY_MEGABYTES / 1024
        + cold * footprint.resolver_import * prices.MEMORY_MEGABYTES / 1024 / batch
    )
    # One receive and one delete per batch, by Lambda's pollers.
    sqs_requests = (
        footprint.webhook.sqs_requests + 2 / batch + footprint.resolver.sqs_requests / batch
    )
    log_bytes = (
        footprint.webhook_log_bytes
        + prices.PLATFORM_LOG_BYTES
        + footprint.resolver_log_bytes
        + prices.PLATFORM_LOG_BYTES / batch
    )
    use = footprint.resolver
    per_event = {
        "API Gateway HTTP API": prices.HTTP_API_REQUEST.usd,
        "Data transfer out": prices.ANSWER_BYTES / 1e9 * prices.OUTBOUND_GB.usd,
        "Lambda requests": (1 + 1 / batch) * prices.LAMBDA_REQUEST.usd,
        "Lambda GB-seconds (arm64)": gb_seconds * prices.LAMBDA_ARM_GB_SECOND.usd,
        "SQS": sqs_requests * prices.SQS_REQUEST.usd,
        "DynamoDB": (
            use.write_units * prices.DYNAMODB_WRITE_UNIT.usd
            + use.read_units * prices.DYNAMODB_READ_UNIT.usd
        )
        / batch,
        "EventBridge": use.events / batch * prices.EVENT.usd,
        "EventBridge archive": use.event_bytes / batch / 1e9 * prices.ARCHIVE_GB.usd,
        "CloudWatch Logs": log_bytes / 1e9 * prices.LOG_GB.usd,
    }
    return {name: usd * MILLION for name, usd in per_event.items()}


def _duration(usage: Usage, own_seconds: float) -> float:
    waits = sum(prices.WAIT_SECONDS[name.split(":")[0]] * n for name, n in usage.requests.items())
    share = prices.MEMORY_MEGABYTES / prices.FULL_PROCESSOR_MEGABYTES
    cpu = own_seconds + usage.request_count * prices.BOTOCORE_SECONDS
    return waits + cpu / share
