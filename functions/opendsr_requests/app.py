"""Requests of data subjects from controllers, by OpenDSR; and on a schedule, their callbacks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from enlace.api.opendsr import OpenDsrApi, signed_headers
from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.clients import client
from enlace.aws.kms_keys import Sealer, Signer
from enlace.aws.metrics import emit
from enlace.aws.privacy_desk import erasures_to, now
from enlace.aws.provider_calls import ProviderCalls, provider_client
from enlace.aws.secrets import CachedSecret
from enlace.aws.store import DynamoStore
from enlace.aws.versioned_rows import VersionedRows
from enlace.aws.webhook import read_request
from enlace.domain.interaction import Identifier
from enlace.domain.privacy_request import RUNNING, VERIFIED
from enlace.domain.rules import Rules
from enlace.errors import EnlaceError, InvalidPayload
from enlace.logs import Logger
from enlace.rules import privacy_policy
from enlace.senders.direct import Direct
from enlace.senders.http_json import JsonHttp
from enlace.usecases.consents import consent_key
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.opendsr import OpenDsr, TellControllers
from enlace.usecases.privacy_requests import PrivacyRequests
from enlace.usecases.request_ends import RequestEnds
from enlace.usecases.request_rows import RequestRows
from enlace.usecases.tell_subject import Letters

RESERVE_MILLISECONDS = 20_000
DOMAIN = os.environ["PROCESSOR_DOMAIN"]

log = Logger("opendsr_requests", os.environ.get("LOG_LEVEL", "info"))
dynamodb = client("dynamodb")
signer = Signer(client("kms"), os.environ["CERTIFICATE_KEY_ID"])
rows = VersionedRows(dynamodb, os.environ["PRIVACY_TABLE"])
seal = Sealer(client("kms"), os.environ["PRIVACY_KEY_ID"])
on_record = RequestRows(rows, seal, now=now)
hand_over = erasures_to(client("sqs"), os.environ["ERASURE_QUEUE_URL"])


def _carry_out(body: Mapping[str, Any], identifier: Identifier) -> str:
    if body["type"] == "erasure":
        hand_over(body["request_id"], 0)
        return VERIFIED
    # The copy is there to be taken, by an officer.
    return RUNNING


@cache
def _use_case() -> Callable[[], OpenDsr]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    keys = address_keys(secret)
    letters = Letters(
        MessageTemplates(),
        Direct(os.environ, lambda service, name: ProviderCalls(provider_client(service), name)),
    )

    def build(rules: Rules) -> OpenDsr:
        requests = PrivacyRequests(
            rows,
            seal,
            policy=privacy_policy(),
            key_of=partial(consent_key, keys=keys, rules=rules),
            post=letters,
            carry_out=_carry_out,
            now=now,
        )
        ends = RequestEnds(rows, on_record, policy=privacy_policy(), now=now)
        return OpenDsr(rows, requests, on_record, ends=ends, domain=DOMAIN, now=now)

    store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], "")
    return ActiveRules(store.get_entry, partial(log, "warning")).renewing(build)


@cache
def _api() -> OpenDsrApi:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["OPENDSR_SECRET_ID"])
    return OpenDsrApi(lambda: _use_case()(), secret.get, signer.sign, domain=DOMAIN)


def _call(url: str, body: Mapping[str, Any]) -> None:
    headers = partial(signed_headers, sign=signer.sign, domain=DOMAIN)
    JsonHttp("OpenDSR callback", url, headers, attempts=1)("POST", "", body)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a controller, or call those who are to be told something."""
    log.request_id = context.aws_request_id
    if "routeKey" in event:
        return _answer(event)
    teller = TellControllers(rows, on_record, call=_call, domain=DOMAIN, now=now)
    try:
        seen = teller.run(lambda: context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)
    except EnlaceError as error:
        log("error", "try again", error=type(error).__name__, reason=str(error))
        return {"result": "failed"}
    finally:
        emit("opendsr_requests", teller.counts)
    return {"result": "done", "looked_at": seen}


def _answer(event: dict[str, Any]) -> dict[str, Any]:
    route = event["routeKey"]
    try:
        status, body, headers = _api().handle(route, read_request(event))
    except InvalidPayload as error:
        status, headers = 400, {"content-type": "application/json"}
        body = json.dumps({"error": {"code": 400, "message": str(error)}})
    except Exception as error:
        # Neither its text nor its traceback: both may quote somebody's data.
        log("error", "a defect", route=route, error=type(error).__name__)
        status, headers = 500, {"content-type": "application/json"}
        body = json.dumps({"error": {"code": 500, "message": "an error of ours"}})
    log("info" if status < 500 else "error", "answered", route=route, status=status)
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}
