"""What Salesforce's answers say, and which error of ours each of its codes is.

Sources: as in :mod:`enlace.senders.salesforce`.
"""

from __future__ import annotations

import re
from typing import Any

from enlace.errors import (
    EnlaceError,
    ProviderAmbiguous,
    ProviderRejected,
    ProviderUnavailable,
    TemporaryFailure,
)
from enlace.senders.http_json import Answer

# Others were at the record, or the org was busy: nothing was done, and a moment later it works.
_PASSING = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT"})
_NOT_A_CAUSE = frozenset({"ALL_OR_NONE_OPERATION_ROLLED_BACK"})
_LATER = frozenset({"REQUEST_LIMIT_EXCEEDED", "STORAGE_LIMIT_EXCEEDED"})
# What an administrator has to mend, and where it is described.
_MENDABLE = {
    "INVALID_FIELD": "a field is missing or hidden: create the fields of docs/crm.md",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "a field cannot be written: see the rights in docs/crm.md",
    "INSUFFICIENT_ACCESS_OR_READONLY": "the user may not write: see the rights in docs/crm.md",
    "REQUIRED_FIELD_MISSING": "the org requires a field that Enlace does not fill",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "a validation rule of the org refuses the record",
    "INVALID_TYPE": "the user does not see the object: see the rights in docs/crm.md",
    "API_DISABLED_FOR_ORG": "this edition of Salesforce has no API",
    "API_CURRENTLY_DISABLED": "the API is not enabled for the user",
    "INVALID_SESSION_ID": "the token is refused: see the connected app in docs/crm.md",
    "CANNOT_EXECUTE_FLOW_TRIGGER": "a flow of the org fails on the record",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "a trigger of the org fails on the record",
}
# Two elements are all that is read: no XML parser for a vendor's text.
_SOAP_CODE = re.compile(rb"<(?:\w+:)?(?:statusCode|exceptionCode|faultcode)>(?:\w+:)?([A-Z_]+)</")


def soap_codes(answer: Answer) -> set[str]:
    """The codes of a SOAP answer."""
    return {code.decode() for code in _SOAP_CODE.findall(answer.raw)}


def codes_of(answer: Answer) -> set[str]:
    """The codes of the errors in an answer; none where it did what was asked."""
    errors: list[Any] = []
    for item in answer.items:
        if isinstance(item, dict):
            # An error of the whole request, or the errors of one record of it.
            errors += [item, *(item.get("errors") or ())]
    errors += answer.body.get("errors") or ()
    codes = {str(e.get("errorCode") or e.get("statusCode") or "") for e in errors}
    return {code for code in codes if code.replace("_", "").isalpha()}


def id_of(answer: Answer) -> str:
    """The id of what was written.

    Raises
    ------
    ProviderRejected
        If there is none, or as :func:`failure`.
    """
    require_success(answer)
    id_ = answer.body.get("id")
    if not isinstance(id_, str):
        raise ProviderRejected("salesforce: no id")
    return id_


def require_success(answer: Answer) -> None:
    """Raise what an answer's errors mean; see :func:`failure`."""
    codes = codes_of(answer)
    if answer.status >= 300 or codes or answer.body.get("success") is False:
        raise failure(answer.status, codes)


def failure(status: int, codes: set[str]) -> EnlaceError:
    """The error that a status and its codes are."""
    reason = f"salesforce: HTTP {status} {' '.join(sorted(codes - _NOT_A_CAUSE))}".rstrip()
    if codes & _PASSING:
        return TemporaryFailure(reason)
    for code in sorted(codes & _MENDABLE.keys()):
        return ProviderUnavailable(f"{reason}: {_MENDABLE[code]}")
    if codes & _LATER or status in (401, 403):
        return ProviderUnavailable(reason)
    if status >= 500:
        return ProviderAmbiguous(reason)
    return ProviderRejected(reason)
