"""The routes of data subjects' requests."""

from __future__ import annotations

from enlace.api import privacy_models as models
from enlace.api.operation import Operation, paging, query
from enlace.api.privacy import OFFICERS

_ONE = "/v1/privacy/requests/{id}"
_MONTH = query(
    "month", {"type": "string", "pattern": r"^\d{4}-\d\d$"}, "The present one if absent."
)
_FORMAT = query(
    "format", {"type": "string", "enum": ["json", "csv"], "default": "json"}, "Of the copy."
)


def _ending(summary: str) -> Operation:
    return Operation(
        summary,
        OFFICERS,
        200,
        models.PrivacyRequestAnswer,
        models.ReasonRequest,
        (400, 404, 409, 413, 503),
    )


OPERATIONS = {
    "POST /v1/privacy/requests": Operation(
        "Take a data subject's request; a code goes to the address that it names. One that "
        "waits for its code is not taken twice.",
        OFFICERS,
        201,
        models.PrivacyRequestAnswer,
        models.PrivacyRequest,
        (400, 413, 503),
    ),
    "GET /v1/privacy/requests": Operation(
        "The requests that came in a month, newest first.",
        OFFICERS,
        200,
        models.PrivacyRequestPage,
        None,
        (400, 503),
        parameters=(_MONTH, *paging("Requests", 100, 20)),
    ),
    f"GET {_ONE}": Operation(
        "Where a request is; of a verified one for access, the simplified answer.",
        OFFICERS,
        200,
        models.PrivacyRequestAnswer,
        None,
        (404, 503),
    ),
    f"POST {_ONE}/verify": Operation(
        "Verify a request, by the code that its address got or by an officer's word; it is "
        "carried out then.",
        OFFICERS,
        200,
        models.PrivacyRequestAnswer,
        models.Verification,
        (400, 404, 413, 503),
    ),
    f"GET {_ONE}/export": Operation(
        "The complete copy of what is held, of a verified request for access or portability; of "
        "one over 5 MB a link to it, which works for five minutes.",
        OFFICERS,
        200,
        models.Copy,
        None,
        (400, 404, 409, 503),
        parameters=(_FORMAT,),
    ),
    f"GET {_ONE}/certificate": Operation(
        "The signed certificate of an erasure that is completed.",
        OFFICERS,
        200,
        models.Certificate,
        None,
        (404, 503),
    ),
    f"POST {_ONE}/cancel": _ending("Take a request back; possible until its fence is up."),
    f"POST {_ONE}/reject": _ending("Refuse a request, with the reasons that the law asks for."),
    f"POST {_ONE}/fulfil": _ending("Enter that what was asked for was handed over."),
    f"POST {_ONE}/extend": _ending("Put the deadline off, once, where the regulation allows it."),
    "POST /v1/privacy/holds": Operation(
        "Hold single records from erasure and retention.",
        OFFICERS,
        201,
        models.Hold,
        models.HoldRequest,
        (400, 413, 503),
    ),
    "GET /v1/privacy/holds": Operation(
        "Every legal hold.", OFFICERS, 200, models.HoldPage, None, (503,)
    ),
    "DELETE /v1/privacy/holds/{id}": Operation(
        "Release a legal hold, which finishes the erasures that it kept something from.",
        OFFICERS,
        200,
        models.Hold,
        None,
        (404, 503),
    ),
}
