"""The HTTP API's requests of data subjects: taken, verified, answered; and legal holds."""

from __future__ import annotations

import os
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
from enlace.aws.exports import ExportFiles
from enlace.aws.privacy_desk import carrying_out, desk_of, erasures_to, now, now_text
from enlace.aws.provider_calls import ProviderCalls, provider_client
from enlace.aws.restore_marks import restore_hold
from enlace.aws.secrets import CachedSecret
from enlace.aws.store import DynamoStore
from enlace.domain.rules import Rules
from enlace.rules import privacy_policy
from enlace.senders.direct import Direct
from enlace.usecases import erasure_rows
from enlace.usecases.collect_subject import CollectSubject
from enlace.usecases.consents import consent_key
from enlace.usecases.erase_places import CENSUS, DONE
from enlace.usecases.legal_holds import LegalHolds
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.privacy_requests import PrivacyRequests
from enlace.usecases.request_ends import RequestEnds
from enlace.usecases.subject_copies import SubjectCopies
from enlace.usecases.tell_subject import Letters

logger = Logger(service="api_privacy")
dynamodb = client("dynamodb")
hold = restore_hold(os.environ, dynamodb)


def _nothing_to_tell(effects: Sequence[Any], at: str) -> None:
    raise TypeError("this function erases nothing")


@cache
def _api() -> Callable[[], Api]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    keys, callers = address_keys(secret), callers_of(os.environ)
    erase = erasures_to(client("sqs"), os.environ["ERASURE_QUEUE_URL"])
    letters = Letters(
        MessageTemplates(),
        Direct(os.environ, lambda service, name: ProviderCalls(provider_client(service), name)),
    )
    recipients = tuple(filter(None, os.environ.get("RECIPIENTS", "").split(",")))

    def build(rules: Rules) -> Api:
        desk = desk_of(os.environ, dynamodb, keys, rules, _nothing_to_tell)

        def reopen(request_id: str) -> None:
            if erasure_rows.reopen(desk.rows, request_id, CENSUS, only_from=DONE, now=now_text()):
                erase(request_id, 0)

        requests = PrivacyRequests(
            desk.rows,
            desk.seal,
            policy=privacy_policy(),
            key_of=partial(consent_key, keys=keys, rules=rules),
            post=letters,
            carry_out=carrying_out(os.environ, dynamodb, desk, erase, "enlace.api_privacy"),
            now=now,
        )
        parts = PrivacyDesk(
            requests=requests,
            ends=RequestEnds(desk.rows, desk.requests, policy=privacy_policy(), now=now),
            on_record=desk.requests,
            copies=SubjectCopies(
                desk.rows,
                desk.requests,
                CollectSubject(desk.find, (desk.identity, *desk.places), hold=hold),
                ExportFiles(lambda: client("s3"), os.environ["EXPORTS_BUCKET"]),
                now=now,
            ),
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
