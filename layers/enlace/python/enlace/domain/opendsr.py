"""OpenDSR: data subjects' requests from other companies, for whom we are a processor.

Source: OpenDSR specification (github.com/opengdpr/OpenDSR, ``specification.md``, checked
2026-11-23), sections 7 to 9. It knows four states, and no rejection: ours stand beside them
in ``extensions``, under our own domain, as the specification has it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from enlace.domain import privacy_request as ours
from enlace.domain.interaction import Identifier, parse_identifier, parse_time
from enlace.errors import InvalidPayload

API_VERSION = "3.0"
TYPES = ("erasure", "access", "portability")
REGULATIONS = ("gdpr", "lgpd")
#: Types of identities to kinds of ours. Hashed ones are of no use: ours have a key of our own.
IDENTITIES: Mapping[str, str] = {
    "email": "email",
    "phone": "phone",
    "phone_number": "phone",
    "mobile_number": "phone",
}
PENDING, IN_PROGRESS, DONE, CANCELLED = "pending", "in_progress", "completed", "cancelled"
_STATUS = {
    ours.RECEIVED: PENDING,
    ours.VERIFIED: PENDING,
    ours.COMPLETED: DONE,
    ours.CANCELLED: CANCELLED,
    ours.REJECTED: CANCELLED,
}
MAX_CALLBACKS = 5


@dataclass(frozen=True, slots=True)
class DsrRequest:
    """A controller's request.

    Parameters
    ----------
    id : str
        ``subject_request_id``.
    callbacks : tuple of str
        Addresses that are told of every change.
    """

    id: str
    type: str
    regulation: str
    identifier: Identifier
    submitted_at: str
    callbacks: tuple[str, ...]


def status_of(state: str) -> str:
    """OpenDSR's status of one of our states; whatever it lacks is under way."""
    return _STATUS.get(state, IN_PROGRESS)


def parse_dsr(body: Any, callback_hosts: Collection[str]) -> DsrRequest:
    """Read a request.

    Parameters
    ----------
    callback_hosts : collection of str
        Those that the controller may name; any other would make this a way to have us call
        whatever lies beside us.

    Raises
    ------
    InvalidPayload
        If a field cannot be used; names it, and no value.
    """
    if not isinstance(body, dict):
        raise InvalidPayload("the body must be an object")
    return DsrRequest(
        dsr_id(body.get("subject_request_id")),
        _one_of(body, "subject_request_type", TYPES),
        _one_of(body, "regulation", REGULATIONS),
        _identity(body.get("subject_identities")),
        _time(body.get("submitted_time")),
        _callbacks(body.get("status_callback_urls", []), callback_hosts),
    )


def dsr_id(value: Any) -> str:
    """A ``subject_request_id``; raises ``InvalidPayload`` if it is no UUID."""
    try:
        parsed = uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise InvalidPayload("subject_request_id: must be a UUID") from None
    if str(parsed) != value.lower():
        raise InvalidPayload("subject_request_id: must be a UUID")
    return str(parsed)


def _one_of(body: Mapping[str, Any], name: str, values: Collection[str]) -> str:
    value = body.get(name)
    if not isinstance(value, str) or value not in values:
        raise InvalidPayload(f"{name}: must be one of {', '.join(values)}")
    return value


def _time(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidPayload("submitted_time: must be a time")
    return parse_time(value, "submitted_time")


def _identity(body: Any) -> Identifier:
    # One request is about one address: it is the one that is verified.
    if not isinstance(body, list) or len(body) != 1 or not isinstance(body[0], dict):
        raise InvalidPayload("subject_identities: must be a list of one identity")
    kind = IDENTITIES[_one_of(body[0], "identity_type", tuple(IDENTITIES))]
    _one_of(body[0], "identity_format", ("raw",))
    named = {"kind": kind, "value": body[0].get("identity_value")}
    return parse_identifier(named, "subject_identities[0]")


def _callbacks(body: Any, hosts: Collection[str]) -> tuple[str, ...]:
    where = "status_callback_urls"
    if not isinstance(body, list) or len(body) > MAX_CALLBACKS:
        raise InvalidPayload(f"{where}: must be a list of {MAX_CALLBACKS} at most")
    for url in body:
        if not isinstance(url, str) or len(url) > 500 or not url.isascii():
            raise InvalidPayload(f"{where}: must be https addresses")
        try:
            parts = urlsplit(url)
            usable = parts.scheme == "https" and parts.port in (None, 443)
        except ValueError:
            raise InvalidPayload(f"{where}: must be https addresses") from None
        # Of "https://known@other/" the host is the other one, and a name has no place here.
        if not usable or "@" in parts.netloc or parts.hostname not in hosts:
            raise InvalidPayload(f"{where}: must be https, at a host that was agreed upon")
    return tuple(dict.fromkeys(body))
