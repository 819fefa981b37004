"""The pages that messages link to: unsubscribe, preferences, confirmation."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import Any

from enlace.api.page_gateway import page_answer
from enlace.api.preferences import PreferencePages
from enlace.aws.bus import Bus
from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.link_keys import link_tokens
from enlace.aws.secrets import CachedSecret
from enlace.domain.interaction import epoch_text
from enlace.logs import Logger
from enlace.rules import message_policy
from enlace.usecases.consents import Consents
from enlace.usecases.preferences import Preferences

logger = Logger("web_preferences", os.environ.get("LOG_LEVEL", "info"))
dynamodb, events = client("dynamodb"), client("events")
secret = CachedSecret(lambda: client("secretsmanager"), os.environ.get("LINK_SECRET_ID", ""))


def _now() -> str:
    return epoch_text(time.time())


@cache
def _preferences() -> Preferences:
    store, policy = ConsentTable(dynamodb, os.environ["CONSENT_TABLE"]), message_policy().consent
    consents = Consents(store, policy=policy, now=_now, sleep=time.sleep)
    bus = Bus(events, os.environ["BUS_NAME"])
    return Preferences(store, consents, bus, policy=policy, now=_now)


def _pages() -> PreferencePages:
    # With every request: a secret that was rotated meanwhile is read again in time.
    company = os.environ.get("CONTROLLER_NAME", "")
    return PreferencePages(_preferences(), link_tokens(secret), logger, company)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Show a page, or record what somebody said on it."""
    logger.request_id = getattr(context, "aws_request_id", None)
    return page_answer(event, _pages, logger)
