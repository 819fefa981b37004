"""The HTTP API's requests of data subjects: taken, verified, answered; and legal holds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.logging import Logger

from enlace.api.app import Api
from enlace.api.gateway import api_handler, callers_of
from enlace.api.privacy import PrivacyDesk, privacy_routes
from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.interactions_queue import InteractionsQueue
from enlace.aws.privacy_desk import desk_of, erasures_to, now, now_text
from enlace.aws.provider_calls import ProviderCalls, provider_client
from enlace.aws.secrets import CachedSecret
from enlace.aws.store import DynamoStore
from enlace.domain.interaction import Interaction
from enlace.domain.rules import Rules
from enlace.rules import message_policy, privacy_policy
from enlace.senders.direct import Direct
from enlace.usecases import erasure_rows
from enlace.usecases.carry_out import CarryOut
from enlace.usecases.collect_subject import CollectSubject
from enlace.usecases.consents import Consents, consent_key
from enlace.usecases.erase_subject import CENSUS, DONE
from enlace.usecases.ingest import dump
from enlace.usecases.legal_holds import LegalHolds
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.privacy_requests import PrivacyRequests
from enlace.usecases.tell_subject import Letters

logger = Logger(service="api_privacy")
dynamodb = client("dynamodb")


def _nothing_to_tell(effects: Sequence[Any], at: str) -> None:
    raise TypeError("this function erases nothing")


@cache
def _api() -> Callable[[], Api]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    keys, callers = address_keys(secret), callers_of(os.environ)
    sqs = client("sqs")
    erase = erasures_to(sqs, os.environ["ERASURE_QUEUE_URL"])
    queue = InteractionsQueue(sqs, os.environ["INTERACTIONS_QUEUE_URL"], "")
    consents = Consents(
        ConsentTable(dynamodb, os.environ["CONSENT_TABLE"]),
        policy=message_policy().consent,
        now=now_text,
        sleep=time.sleep,
    )
    letters = Letters(
        MessageTemplates(),
        Direct(os.environ, lambda service, name: ProviderCalls(provider_client(service), name)),
    )
    recipients = tuple(filter(None, os.environ.get("RECIPIENTS", "").split(",")))

    def record(interaction: Interaction) -> None:
        queue.send([dump(interaction.to_dict())])

    def build(rules: Rules) -> Api:
        desk = desk_of(os.environ, dynamodb, keys, rules, _nothing_to_tell)

        def reopen(request_id: str) -> None:
            if erasure_rows.reopen(desk.rows, request_id, CENSUS, only_from=DONE, now=now_text()):
                erase(request_id, 0)

        carry_out = CarryOut(
            erase=lambda request_id: erase(request_id, 0),
            find=desk.find,
            consents=consents,
            record=record,
            changes=desk.requests.changes,
            now=now,
        )
        requests = PrivacyRequests(
            desk.rows,
            desk.seal,
            policy=privacy_policy(),
            key_of=partial(consent_key, keys=keys, rules=rules),
            post=letters,
            carry_out=carry_out,
            now=now,
        )
        parts = PrivacyDesk(
            requests=requests,
            on_record=desk.requests,
            collect=CollectSubject(desk.find, (desk.identity, *desk.places)),
            holds=LegalHolds(desk.rows, reopen=reopen, now=now_text),
            rows=desk.rows,
            recipients=recipients,
            now=now,
        )
        return Api(privacy_routes(parts), callers, logger)

    store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["TIMELINE_TABLE"])
    return ActiveRules(store.get_entry, logger.warning).renewing(build)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take a request, verify it, or tell what became of it."""
    return api_handler(_api()())(event)
