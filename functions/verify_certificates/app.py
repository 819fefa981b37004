"""Scheduled: checks the signatures and the chain of all certificates of erasures."""

from __future__ import annotations

import os
import time
from typing import Any

from enlace.aws.clients import client
from enlace.aws.kms_keys import Verifier
from enlace.aws.metrics import emit
from enlace.aws.restore_marks import marks_of
from enlace.aws.versioned_rows import VersionedRows
from enlace.errors import EnlaceError
from enlace.logs import Logger
from enlace.usecases.verify_certificates import VerifyCertificates

RESERVE_MILLISECONDS = 20_000

log = Logger("verify_certificates", os.environ.get("LOG_LEVEL", "info"))
dynamodb = client("dynamodb")
rows = VersionedRows(dynamodb, os.environ["PRIVACY_TABLE"])
verifier = Verifier(client("kms"), os.environ["CERTIFICATE_KEY_ID"])


def _tell(number: int, reason: str) -> None:
    # Before it is entered: an alarm may ring twice, and must not be lost.
    emit("verify_certificates", {"certificates_broken": 1})
    log("error", "a certificate is broken", number=number, reason=reason)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Go on with the day's round, while there is time."""
    log.request_id = context.aws_request_id
    verify = VerifyCertificates(
        rows, verifier, marks_of(os.environ, dynamodb), tell=_tell, clock=time.time
    )
    try:
        done = verify.run(lambda: context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS)
    except EnlaceError as error:
        log("error", "try again", error=type(error).__name__, reason=str(error))
        return {"result": "failed"}
    finally:
        emit("verify_certificates", {"checked": verify.counts["checked"]})
    return {"result": "done" if done else "goes on"}
