"""Between API Gateway and the flow: HTTP API events (payload format 2.0) and answers.

Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for
HTTP APIs": headers come with lower-case names, and bodies of other types than
text and JSON in base64.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from typing import Any

from enlace.aws.clients import client
from enlace.aws.interactions_queue import InteractionsQueue
from enlace.aws.secrets import CachedSecret
from enlace.domain.http import Request, Response
from enlace.domain.interaction import epoch_text
from enlace.errors import InvalidPayload
from enlace.logs import Logger
from enlace.usecases.ingest import Channel, Queue, Secrets, ingest, problem

Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]


def webhook_handler(channel: Channel, environment: Mapping[str, str]) -> Handler:
    """The Lambda handler of a channel, wired from the function's environment.

    Parameters
    ----------
    environment : mapping
        ``INTERACTIONS_QUEUE_URL``, ``INTERACTIONS_DLQ_URL``, ``CHANNEL_SECRET_ID``
        and optionally ``LOG_LEVEL``.
    """
    return handler_of(
        channel,
        CachedSecret(lambda: client("secretsmanager"), environment["CHANNEL_SECRET_ID"]),
        InteractionsQueue(
            client("sqs"),
            environment["INTERACTIONS_QUEUE_URL"],
            environment["INTERACTIONS_DLQ_URL"],
        ),
        Logger(
            environment.get("AWS_LAMBDA_FUNCTION_NAME", channel.NAME),
            environment.get("LOG_LEVEL", "info"),
        ),
    )


def handler_of(channel: Channel, secrets: Secrets, queue: Queue, logger: Logger) -> Handler:
    """The same with ready parts."""

    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        logger.request_id = getattr(context, "aws_request_id", None)
        try:
            request = read_request(event)
        except InvalidPayload as error:
            response = problem(400, str(error))
        else:
            response = ingest(channel, request, secrets, queue, logger)
        return write_response(response)

    return handler


def read_request(event: Mapping[str, Any]) -> Request:
    """The request inside an HTTP API event.

    Raises
    ------
    InvalidPayload
        If the body is not the base64 that the event says it is.
    """
    context = event["requestContext"]
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            raw = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidPayload("the body is not base64") from None
    else:
        # Lone surrogates become the invalid bytes that they stand for.
        raw = body.encode("utf-8", "surrogatepass")
    # API Gateway tells milliseconds; `sam local` the seconds at which it was started itself.
    epoch_ms = context.get("timeEpoch") or 0
    epoch_seconds = epoch_ms / 1000 if epoch_ms > 100_000_000_000 else time.time()
    return Request(
        method=context["http"]["method"],
        path=event.get("rawPath", ""),
        query=event.get("rawQueryString") or "",
        # API Gateway writes them in lower case; `sam local` hands on what the client wrote.
        headers={name.lower(): text for name, text in (event.get("headers") or {}).items()},
        body=raw,
        received_at=epoch_text(epoch_seconds),
        path_parameters=event.get("pathParameters") or {},
    )


def write_response(response: Response) -> dict[str, Any]:
    """A response in the words of the integration."""
    return {
        "statusCode": response.status,
        "headers": {"content-type": response.content_type},
        "body": response.body,
        "isBase64Encoded": False,
    }
