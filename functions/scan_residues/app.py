"""Scheduled: looks for values that should be nowhere, in every place of the stack."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from enlace.aws.clients import client
from enlace.aws.identity_table import IdentityTable
from enlace.aws.metrics import emit
from enlace.aws.residue_places import places
from enlace.aws.secrets import CachedSecret
from enlace.aws.versioned_rows import VersionedRows
from enlace.domain.residues import Sought, Values
from enlace.errors import EnlaceError, Misconfigured
from enlace.logs import Logger
from enlace.usecases.scan_residues import ScanResidues, erased_addresses

#: A page of objects, or a queue, takes some seconds.
RESERVE_MILLISECONDS = 90_000

log = Logger("scan_residues", os.environ.get("LOG_LEVEL", "info"))
dynamodb = client("dynamodb")
rows = VersionedRows(dynamodb, os.environ["PRIVACY_TABLE"])
identities = IdentityTable(dynamodb, os.environ["IDENTITY_TABLE"])


def _sought() -> Sought:
    secret: Mapping[str, Any] = {}
    if id_ := os.environ.get("CANARY_SECRET_ARN"):
        secret = CachedSecret(lambda: client("secretsmanager"), id_).get()
    erased, living = (secret.get(name, []) for name in ("erased", "living"))
    if not all(isinstance(value, str) for values in (erased, living) for value in values):
        raise Misconfigured('the secret of canaries must be {"erased": [texts], "living": [texts]}')
    return Sought(Values(erased), Values(living), erased_addresses(rows))


def _tell(place: str, hits: Mapping[str, int]) -> None:
    # Before it is entered: an alarm may ring twice, and must not be lost.
    counts = {"residues": sum(hits.values()), f"residues_{place}": sum(hits.values())}
    emit("scan_residues", counts)
    log("error", "residues", place=place, **hits)


def _warn(place: str, error: EnlaceError) -> None:
    log("warning", "try again", place=place, error=type(error).__name__, reason=str(error))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Go on with every place whose round is due, while there is time."""
    log.request_id = context.aws_request_id
    scan = ScanResidues(
        rows, states=identities, sought=_sought, tell=_tell, warn=_warn, clock=time.time
    )
    try:
        stack = list(places(client, os.environ["STACK_ID"]))
        done = scan.run(
            stack, lambda: context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS
        )
    except EnlaceError as error:
        log("error", "try again", error=type(error).__name__, reason=str(error))
        emit("scan_residues", Counter(failed=1))
        return {"result": "failed"}
    emit("scan_residues", scan.counts)
    return {"result": "done" if done else "goes on"}
