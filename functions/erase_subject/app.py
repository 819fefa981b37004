"""Erase data subjects: requests from a queue, what nobody is at from a schedule."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from enlace.aws.active_rules import ActiveRules
from enlace.aws.address_keys import address_keys
from enlace.aws.bus import Bus
from enlace.aws.clients import client
from enlace.aws.crm_mappings import CrmMappings
from enlace.aws.erasure_fence import ErasureFence
from enlace.aws.kms_keys import Signer
from enlace.aws.metrics import emit
from enlace.aws.privacy_desk import Desk, desk_of, erasures_to, now_text
from enlace.aws.provider_calls import ProviderCalls, provider_client
from enlace.aws.restore_marks import marks_of, restore_hold
from enlace.aws.secrets import CachedSecret
from enlace.aws.store import DynamoStore
from enlace.domain.change import Effect
from enlace.domain.envelope import Cause
from enlace.domain.erasure_events import ERASER, customer_erased
from enlace.domain.rules import Rules
from enlace.errors import EnlaceError, NotFound
from enlace.logs import Logger
from enlace.rules import privacy_policy
from enlace.senders.crm import erasing_crm_named, is_set_up
from enlace.senders.direct import Direct
from enlace.usecases.certify_erasure import Certifier
from enlace.usecases.erase_again import EraseAgain
from enlace.usecases.erase_crm import SETTLE_SECONDS, CrmPlace
from enlace.usecases.erase_subject import EraseSubject
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.publish import effect_entries
from enlace.usecases.restore_hold import RestoredTables
from enlace.usecases.restored_mappings import RestoredMappings
from enlace.usecases.tell_subject import Letters, TellSubject

if TYPE_CHECKING:
    from enlace.senders.rd_tokens import TokenStore

#: A place's last page and what is written about it must be done before the end.
RESERVE_MILLISECONDS = 30_000

log = Logger("erase_subject", os.environ.get("LOG_LEVEL", "info"))
dynamodb = client("dynamodb")
again_later = erasures_to(client("sqs"), os.environ["ERASURE_QUEUE_URL"])
bus = Bus(client("events"), os.environ["BUS_NAME"])
hold = restore_hold(os.environ, dynamodb)
#: Until the erasures that come first may be done again.
RESTORED_SECONDS = 60


class _Told:
    """What the erasure under way made of other customers."""

    request_id = ""

    def __call__(self, effects: Sequence[Effect], at: str) -> None:
        cause = Cause("request_id", self.request_id)
        bus.publish_all(effect_entries(effects, cause, at, now_text(), ERASER, at))


tell = _Told()


def _announce(request_id: str, customers: Sequence[str], at: str) -> None:
    cause, recorded_at = Cause("request_id", request_id), now_text()
    bus.publish_all(
        [
            customer_erased(customer_id=id_, cause=cause, occurred_at=at, recorded_at=recorded_at)
            for id_ in customers
        ]
    )


def _retire(keys: Sequence[str]) -> None:
    """Where timelines are sealed: nothing more under the data keys that will be shredded."""
    if os.environ.get("SUBJECT_KEY_TABLE"):
        from enlace.aws.sealed_timelines import keys_of

        keys_of(dynamodb, os.environ, lambda: client("kms")).retire(keys)


def _crm(store: DynamoStore) -> Iterator[CrmPlace]:
    """The company's CRM, if it has one."""
    name, base_url = os.environ["CRM_PROVIDER"], os.environ.get("CRM_BASE_URL", "")
    if not is_set_up(name, base_url):
        return
    secret_id, deliveries = os.environ["CRM_SECRET_ID"], os.environ["DELIVERY_TABLE"]

    def token_store() -> TokenStore:
        from enlace.aws.token_secret import TokenSecret

        return TokenSecret(
            lambda: client("secretsmanager"),
            secret_id,
            dynamodb=dynamodb,
            table=deliveries,
            provider="rd_station",
            clock=time.time,
        )

    secret = CachedSecret(lambda: client("secretsmanager"), secret_id)
    crm = erasing_crm_named(name, base_url, secret=secret, token_store=token_store)
    yield CrmPlace(
        crm,
        identities=store,
        timeline=store,
        mappings=CrmMappings(dynamodb, deliveries, crm.name),
        clock=time.time,
        # On the laptop, nothing waits as long as it does elsewhere.
        settle_seconds=min(SETTLE_SECONDS, float(os.environ["WAIT_SECONDS"])),
    )


@cache
def _built() -> Callable[[], tuple[EraseSubject, EraseAgain]]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    keys, marks = address_keys(secret), marks_of(os.environ, dynamodb)
    fence = ErasureFence(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["CONSENT_TABLE"])
    letters = Letters(
        MessageTemplates(),
        Direct(os.environ, lambda service, name: ProviderCalls(provider_client(service), name)),
    )
    signer = Signer(client("kms"), os.environ["CERTIFICATE_KEY_ID"])
    store = DynamoStore(dynamodb, os.environ["IDENTITY_TABLE"], os.environ["TIMELINE_TABLE"])
    processors = list(_crm(store))
    versions = {"privacy": privacy_policy().version, "code": os.environ.get("CODE_VERSION", "")}

    def build(rules: Rules) -> tuple[EraseSubject, EraseAgain]:
        desk: Desk = desk_of(os.environ, dynamodb, keys, rules, tell)
        certifier = Certifier(
            desk.rows,
            signer,
            request=desk.requests.certificate_facts,
            mark=marks.mark,
            versions={**versions, "rules": rules.version},
            now=now_text,
        )
        saga = EraseSubject(
            desk.rows,
            requests=desk.requests,
            find=desk.find,
            fence=fence,
            identity=desk.identity,
            places=desk.places,
            processors=processors,
            seal=desk.seal,
            certifier=certifier,
            tell=TellSubject(letters),
            announce=_announce,
            clock=time.time,
            wait_seconds=int(os.environ["WAIT_SECONDS"]),
            retire=_retire,
        )
        again = EraseAgain(
            desk.rows,
            marks,
            fence=fence,
            identities=desk.store,
            identity=desk.identity,
            places=(*desk.places, *map(RestoredMappings, processors)),
            now=now_text,
        )
        return saga, again

    warn = partial(log, "warning")
    return ActiveRules(store.get_entry, warn).renewing(build)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Go on with the erasures of a batch, or with those that nobody is at."""
    log.request_id = context.aws_request_id

    def time_left() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)

    saga, again = _built()()
    try:
        if "Records" in event:
            ids = {r["messageId"]: json.loads(r["body"])["request_id"] for r in event["Records"]}
            failed = [m for m, request_id in ids.items() if not _run(saga, request_id, time_left)]
            return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}
        if not again.run(time_left):
            log("warning", "restored tables: erasures are being done again")
            return {"result": "restored"}
        for request_id in saga.overdue():
            if time_left():
                _run(saga, request_id, time_left)
        return {"result": "done"}
    finally:
        emit("erase_subject", {**saga.counts, **again.counts})
        saga.counts.clear()
        again.counts.clear()


def _run(saga: EraseSubject, request_id: str, time_left: Callable[[], bool]) -> bool:
    """Whether this message is done with; what is not finished comes again by another one."""
    tell.request_id = request_id
    try:
        # On restored tables an erasure would find too much, and its mark would open them.
        if hold is not None:
            hold.check()
        outcome = saga.run(request_id, time_left)
        if outcome.again_in:
            again_later(request_id, outcome.again_in)
    except RestoredTables as error:
        log("warning", "later", reason=str(error), request=request_id)
        again_later(request_id, RESTORED_SECONDS)
        return True
    except NotFound as error:
        log("error", "poison", reason=str(error), request=request_id)
        return True
    except EnlaceError as error:
        log(
            "warning",
            "try again",
            error=type(error).__name__,
            reason=str(error),
            request=request_id,
        )
        return False
    log("info", "erasure", request=request_id, phase=outcome.phase, again_in=outcome.again_in)
    return True
