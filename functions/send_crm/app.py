"""Keep the CRM in step: interactions, merges and splits in, calls of the chosen CRM out."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.clients import client
from enlace.aws.crm_mappings import CrmMappings
from enlace.aws.identity_table import IdentityTable
from enlace.aws.restore_marks import restore_hold
from enlace.aws.secrets import CachedSecret
from enlace.aws.timeline_table import TimelineTable
from enlace.logs import Logger
from enlace.senders.crm import crm_named
from enlace.usecases.follow_crm import FollowCrm
from enlace.usecases.try_again import trying_again

if TYPE_CHECKING:
    from enlace.senders.rd_tokens import TokenStore

secret = CachedSecret(lambda: client("secretsmanager"), os.environ["CRM_SECRET_ID"])


dynamodb = client("dynamodb")


def _token_store() -> TokenStore:
    # What only a CRM with tokens for one use pays for.
    from enlace.aws.token_secret import TokenSecret

    return TokenSecret(
        lambda: client("secretsmanager"),
        os.environ["CRM_SECRET_ID"],
        dynamodb=dynamodb,
        table=os.environ["DELIVERY_TABLE"],
        provider="rd_station",
        clock=time.time,
    )


crm = crm_named(
    os.environ["CRM_PROVIDER"],
    os.environ.get("CRM_BASE_URL", ""),
    secret=secret,
    token_store=_token_store,
)
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
    hold=restore_hold(os.environ, dynamodb),
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Follow a batch; failures go back to the queue one by one."""
    return consume(event, context)
