"""The routes of consents."""

from __future__ import annotations

from enlace.api import consent_models
from enlace.api.consents import READERS, WRITERS
from enlace.api.operation import Operation

OPERATIONS = {
    "POST /v1/consents": Operation(
        "Record what somebody said about one purpose on one channel of an address; tells what "
        "holds then. Only the subject, with evidence, turns a no into a yes.",
        WRITERS,
        201,
        consent_models.ConsentAnswer,
        consent_models.ConsentRequest,
        (400, 413, 503),
    ),
    "POST /v1/consents/receipts": Operation(
        "The receipt of one record, with the fields of ISO/IEC TS 27560.",
        WRITERS,
        200,
        consent_models.ConsentReceipt,
        consent_models.ReceiptRequest,
        (400, 404, 413, 503),
    ),
    "POST /v1/consents/lookup": Operation(
        "What holds for an address: all that is on record, or one purpose on one channel.",
        READERS,
        200,
        consent_models.ConsentPage,
        consent_models.ConsentLookup,
        (400, 413, 503),
    ),
}
