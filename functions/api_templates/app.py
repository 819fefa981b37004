"""The HTTP API's message templates."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.api.app import Api
from enlace.api.gateway import api_handler, callers_of
from enlace.api.templates import template_routes
from enlace.aws.clients import client
from enlace.aws.template_store import S3Templates
from enlace.domain.interaction import epoch_text
from enlace.usecases.edit_templates import EditTemplates

logger = Logger(service="api_templates")
s3 = client("s3")


@cache
def _api() -> Api:
    templates = EditTemplates(
        S3Templates(lambda: s3, os.environ["TEMPLATES_BUCKET"]),
        now=lambda: epoch_text(time.time()),
    )
    return Api(template_routes(templates), callers_of(os.environ), logger)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Show templates, render them, save them, put them in force."""
    return api_handler(_api())(event)
