"""Prices and the assumptions of the cost model, in one place.

Region: US East (N. Virginia), us-east-1, first pricing tier, no free tier, on demand.
AWS's own pricing pages render their numbers by script and could not be read, so each
price is as the page named beside it quotes it, looked up on 22 November 2026. What says
"not looked up" is from general knowledge. Prices of other regions are not modelled:
no source for São Paulo (sa-east-1) was found.
"""

from __future__ import annotations

from typing import NamedTuple

REGION = "us-east-1"
READ_ON = "2026-11-22"


class Price(NamedTuple):
    """US dollars for one unit, and where that was read."""

    usd: float
    unit: str
    source: str


HTTP_API_REQUEST = Price(1.00e-6, "request, per 512 KB", "apigatewaycost.com/aws")
LAMBDA_REQUEST = Price(0.20e-6, "invocation", "amnic.com/blogs/aws-lambda-pricing")
LAMBDA_ARM_GB_SECOND = Price(
    0.0000133334, "GB-second, arm64", "git.mcrn.ar/mariano/lambda_local_runner, lambda-13-cost.md"
)
SQS_REQUEST = Price(0.40e-6, "request, per 64 KB", "cloudburn.io, March 2026")
DYNAMODB_WRITE_UNIT = Price(0.625e-6, "write request unit", "airbyte.com")
DYNAMODB_READ_UNIT = Price(0.125e-6, "read request unit", "airbyte.com")
DYNAMODB_GB_MONTH = Price(0.25, "GB-month stored", "not looked up")
EVENT = Price(
    1.00e-6,
    "custom event, per 64 KB",
    "cloudburn.io, March 2026",
)
ARCHIVE_GB = Price(0.10, "GB archived", "cloudburn.io")
LOG_GB = Price(
    0.50,
    "GB ingested",
    "go-cloud.io/aws-api-gateway-pricing",
)
OUTBOUND_GB = Price(0.09, "GB to the internet", "apigatewaycost.com/aws")

# ---- assumptions, the same for both pipelines

#: Lambda gives a full processor at 1,769 MB and a share of it below
#: (Lambda developer guide, "Configure Lambda function memory").
FULL_PROCESSOR_MEGABYTES = 1769
MEMORY_MEGABYTES = 512
#: Median waiting for a service's answer, seconds. Assumed; replace by your own traces.
WAIT_SECONDS = {"dynamodb": 0.005, "sqs": 0.008, "events": 0.015, "secretsmanager": 0.02}
#: CPU of one botocore call on the machine that the budgets were planned with, seconds.
BOTOCORE_SECONDS = 380e-6
#: Lambda's own START, END and REPORT lines per invocation, bytes (text format).
PLATFORM_LOG_BYTES = 340
#: Status line and headers of an HTTP API's answer, bytes.
ANSWER_BYTES = 300
#: Queue messages that one resolver invocation gets under load.
BATCH = 10
#: Share of invocations that start cold; their initialisation is billed as duration.
COLD_SHARE = 0.005
#: CPU of a bare ``import boto3`` with a full processor, seconds.
BOTO3_IMPORT_SECONDS = 0.25
#: Idle polling of one SQS event source: 5 pollers, one empty receive each 20 s, 30 days.
IDLE_RECEIVES_PER_MONTH = 5 * 3 * 60 * 24 * 30
