"""Scheduled: enters the numbers of do-not-disturb registries that were dropped as files."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from enlace.aws.address_keys import address_keys
from enlace.aws.clients import client
from enlace.aws.consent_table import ConsentTable
from enlace.aws.dropped_files import DroppedFiles
from enlace.aws.metrics import emit
from enlace.aws.secrets import CachedSecret
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.interaction import epoch_text
from enlace.errors import EnlaceError
from enlace.logs import Logger
from enlace.rules import default_rules, message_policy
from enlace.usecases.consents import Consents
from enlace.usecases.import_files import ImportFiles
from enlace.usecases.import_registry import ImportRegistry

#: A thousand lines or so take some seconds.
RESERVE_MILLISECONDS = 90_000
AT_ONCE = 8

log = Logger("import_registry", os.environ.get("LOG_LEVEL", "info"))
dynamodb = client("dynamodb")
rows = VersionedRows(dynamodb, os.environ["PRIVACY_TABLE"])
files = DroppedFiles(client("s3"), os.environ["REGISTRY_BUCKET"])


def _now() -> str:
    return epoch_text(time.time())


@cache
def _parts() -> tuple[Consents, Any, ThreadPoolExecutor]:
    secret = CachedSecret(lambda: client("secretsmanager"), os.environ["ADDRESS_KEY_SECRET_ID"])
    table = ConsentTable(dynamodb, os.environ["CONSENT_TABLE"])
    consents = Consents(table, policy=message_policy().consent, now=_now, sleep=time.sleep)
    return consents, address_keys(secret), ThreadPoolExecutor(AT_ONCE)


def _importer(registry: str) -> ImportRegistry:
    consents, keys, pool = _parts()
    return ImportRegistry(
        consents, keys, default_rules(), registry=registry, now=_now, each=pool.map
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Go on with every file, while there is time."""
    log.request_id = context.aws_request_id
    import_ = ImportFiles(rows, files, _importer, clock=time.time)
    try:
        done = import_.run(lambda: context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)
    except EnlaceError as error:
        log("error", "try again", error=type(error).__name__, reason=str(error))
        return {"result": "failed"}
    finally:
        emit("import_registry", import_.counts)
    if import_.counts["refused"]:
        log("error", "a file was refused; its row job#import_registry says why")
    return {"result": "done" if done else "goes on"}
