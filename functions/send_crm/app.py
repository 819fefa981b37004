"""Keep the CRM in step: interactions, merges and splits in, HubSpot or a webhook out."""

from __future__ import annotations

import os
import time
from typing import Any

from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.clients import client
from enlace.aws.crm_mappings import CrmMappings
from enlace.aws.identity_table import IdentityTable
from enlace.aws.secrets import CachedSecret
from enlace.aws.timeline_table import TimelineTable
from enlace.errors import Misconfigured
from enlace.logs import Logger
from enlace.senders.http_json import JsonHttp, bearer
from enlace.usecases.crm_ports import Crm
from enlace.usecases.follow_crm import FollowCrm
from enlace.usecases.try_again import trying_again

secret = CachedSecret(lambda: client("secretsmanager"), os.environ["CRM_SECRET_ID"])


def _provider(name: str, base_url: str) -> Crm:
    if name == "hubspot":
        from enlace.senders.hubspot import BASE_URL, HubSpot

        headers = bearer(lambda: secret.text("token"))
        return HubSpot(JsonHttp(name, (base_url or BASE_URL).rstrip("/"), headers))
    if name == "webhook":
        from enlace.senders.crm_webhook import CrmWebhook, signed_headers

        return CrmWebhook(JsonHttp(name, base_url, signed_headers(lambda: secret.text("secret"))))
    raise Misconfigured("CRM_PROVIDER must be hubspot or webhook")


dynamodb = client("dynamodb")
crm = _provider(os.environ["CRM_PROVIDER"], os.environ.get("CRM_BASE_URL", ""))
follow = FollowCrm(
    crm,
    identities=IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"]),
    timeline=TimelineTable(dynamodb, os.environ["TIMELINE_TABLE"]),
    mappings=CrmMappings(dynamodb, os.environ["DELIVERY_TABLE"], crm.name),
    time_left=lambda: consume.time_left(),
)
consume: BusConsumer = BusConsumer(
    trying_again(follow, time_left=lambda: consume.time_left(), sleep=time.sleep),
    Logger("send_crm", os.environ.get("LOG_LEVEL", "info")),
    reserve_ms=25_000,
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Follow a batch; failures go back to the queue one by one."""
    return consume(event, context)
