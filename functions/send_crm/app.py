"""Keep the CRM in step: interactions, merges and splits in, calls of the chosen CRM out."""

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


def _address(base_url: str) -> str:
    if not base_url.startswith(("https://", "http://")):
        raise Misconfigured("CRM_BASE_URL must be the address of the CRM or the webhook")
    return base_url.rstrip("/")


def _hubspot(base_url: str) -> Crm:
    from enlace.senders.hubspot import BASE_URL, HubSpot

    headers = bearer(lambda: secret.text("token"))
    return HubSpot(JsonHttp("hubspot", _address(base_url or BASE_URL), headers))


def _salesforce(base_url: str) -> Crm:
    from enlace.senders.oauth import ClientCredentials
    from enlace.senders.salesforce import TOKEN_PATH, Salesforce

    address = _address(base_url)
    token = ClientCredentials(
        JsonHttp("salesforce token", address, lambda body: {}),
        TOKEN_PATH,
        lambda: secret.text("client_id"),
        lambda: secret.text("client_secret"),
    )
    http = JsonHttp("salesforce", address, bearer(token), renew=token.drop)
    return Salesforce(http, token, lambda: str(secret.get().get("account_id") or ""))


def _rd_station(base_url: str) -> Crm:
    from enlace.aws.token_secret import TokenSecret
    from enlace.senders.rd_station import BASE_URL, RdStation
    from enlace.senders.rd_tokens import RollingTokens

    address = _address(base_url or BASE_URL)
    store = TokenSecret(
        lambda: client("secretsmanager"),
        os.environ["CRM_SECRET_ID"],
        dynamodb=dynamodb,
        table=os.environ["DELIVERY_TABLE"],
        provider="rd_station",
        clock=time.time,
    )
    token = RollingTokens(JsonHttp("rd_station token", address, lambda body: {}), store, time.time)
    http = JsonHttp("rd_station", address, bearer(token), renew=token.drop)
    return RdStation(http, secret.text)


def _webhook(base_url: str) -> Crm:
    from enlace.senders.crm_webhook import CrmWebhook, signed_headers

    # The receiver's whole address, to the last slash.
    _address(base_url)
    headers = signed_headers(lambda: secret.text("secret"))
    return CrmWebhook(JsonHttp("webhook", base_url, headers))


#: Each imports its own modules, so that a cold start pays for the chosen one only.
PROVIDERS = {
    "hubspot": _hubspot,
    "salesforce": _salesforce,
    "rd_station": _rd_station,
    "webhook": _webhook,
}


def _provider(name: str, base_url: str) -> Crm:
    if name not in PROVIDERS:
        raise Misconfigured(f"CRM_PROVIDER must be one of {', '.join(PROVIDERS)}")
    return PROVIDERS[name](base_url)


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
