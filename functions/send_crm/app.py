"""Keep the CRM in step: interactions, merges, splits, consent in, calls of the chosen CRM out."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from enlace.aws.bus_consumer import BusConsumer
from enlace.aws.clients import client
from enlace.aws.crm_mappings import CrmMappings
from enlace.aws.identity_table import IdentityTable
from enlace.aws.restore_marks import restore_hold
from enlace.aws.secrets import CachedSecret
from enlace.aws.timeline_table import TimelineTable
from enlace.domain.envelope import Event
from enlace.domain.interaction import epoch_text
from enlace.logs import Logger
from enlace.senders.crm import crm_named
from enlace.usecases.crm_events import following
from enlace.usecases.follow_crm import FollowCrm
from enlace.usecases.try_again import trying_again

if TYPE_CHECKING:
    from enlace.senders.rd_tokens import TokenStore
    from enlace.usecases.push_suppressions import PushSuppressions

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


@cache
def _pushing() -> PushSuppressions:
    # What few events need, the others do not pay for.
    from enlace.aws.consent_table import ConsentTable
    from enlace.rules import message_policy
    from enlace.usecases.push_suppressions import PushSuppressions

    return PushSuppressions(
        crm,
        identities=IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"]),
        mappings=CrmMappings(dynamodb, os.environ["DELIVERY_TABLE"], crm.name),
        consents=ConsentTable(dynamodb, os.environ["CONSENT_TABLE"]),
        policy=message_policy().consent,
        now=lambda: epoch_text(time.time()),
    )


def push(event: Event) -> str:
    """Tell the CRM who said no."""
    return _pushing()(event)


consume: BusConsumer = BusConsumer(
    trying_again(following(follow, push), time_left=lambda: consume.time_left(), sleep=time.sleep),
    Logger("send_crm", os.environ.get("LOG_LEVEL", "info")),
    reserve_ms=25_000,
    hold=restore_hold(os.environ, dynamodb),
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Follow a batch; failures go back to the queue one by one."""
    return consume(event, context)
