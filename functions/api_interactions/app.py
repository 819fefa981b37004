"""The HTTP API's way in for the company's own systems."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.api.app import Api
from enlace.api.gateway import api_handler, callers_of
from enlace.api.interactions import interaction_routes
from enlace.aws.clients import client
from enlace.aws.interactions_queue import InteractionsQueue

logger = Logger(service="api_interactions")
# The dead-letter queue stays out of it: who calls is told which items are unusable.
queue = InteractionsQueue(client("sqs"), os.environ["INTERACTIONS_QUEUE_URL"], "")
handle = api_handler(Api(interaction_routes(queue), callers_of(os.environ), logger))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Queue interactions."""
    return handle(event)
