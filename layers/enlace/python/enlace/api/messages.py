"""Routes by which messages are asked for and followed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from enlace.api.app import Call, Route
from enlace.api.callers import ADMIN, AGENT, MARKETING, PRIVACY, require
from enlace.api.fields import identifier_of, object_of, text_of
from enlace.api.problems import Refused, answer
from enlace.domain.delivery import MessageRecord
from enlace.domain.http import Response
from enlace.domain.interaction import Identifier, parse_time
from enlace.domain.message_policy import MessagePolicy
from enlace.domain.outgoing import Attachment
from enlace.domain.template_source import is_name
from enlace.errors import InvalidPayload
from enlace.usecases.request_message import AskedOtherwise, RequestMessage, Wanted

EVERYBODY = frozenset({AGENT, MARKETING, PRIVACY, ADMIN})
#: Who may ask for what rests on consent, and who for answers to data subjects.
BULK = frozenset({MARKETING, ADMIN})
SUBJECTS = frozenset({PRIVACY, ADMIN})
#: With attachments in base 64; API Gateway's own limit is 10 MB, Lambda's 6.
MAX_BODY_BYTES = 5_000_000
MAX_ATTACHMENTS = 5
MAX_WAIT_SECONDS = 7 * 86_400

_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}\Z")
_FIELDS = (
    *("to", "purpose", "template", "data", "channels", "language", "expires_at"),
    *("fallback_after_seconds", "attachments"),
)


def message_routes(
    request: RequestMessage,
    get: Callable[[str], MessageRecord | None],
    policy: MessagePolicy,
) -> list[Route]:
    """The routes.

    Parameters
    ----------
    get : callable
        The record of a message, by its id.
    """

    def ask(call: Call) -> Response:
        wanted = _wanted(object_of(call.body()))
        if call.caller is not None:
            if wanted.purpose == "dsr":
                require(call.caller, SUBJECTS)
            elif policy.needs_consent(wanted.purpose):
                require(call.caller, BULK)
        key = call.request.headers.get("idempotency-key", "")[:256]
        try:
            message, warnings = request(
                wanted, caller=call.caller.id if call.caller else "", idempotency_key=key
            )
        except AskedOtherwise as error:
            raise Refused(422, str(error)) from error
        body = {"message_id": message.message_id, "status": str(message.state)}
        return answer(202, {**body, "warnings": warnings} if warnings else body)

    def show(call: Call) -> Response:
        message = get(call.id) if len(call.id) <= 64 else None
        if message is None:
            raise Refused(404, "no such message")
        return answer(200, shown(message))

    return [
        Route("POST /v1/messages", EVERYBODY, ask, MAX_BODY_BYTES),
        Route("GET /v1/messages/{id}", EVERYBODY, show),
    ]


def shown(message: MessageRecord) -> dict[str, Any]:
    """A message as the API shows it: ids and reasons, no address and no text."""
    return {
        "message_id": message.message_id,
        "status": str(message.state),
        "reason": message.reason or None,
        "purpose": message.purpose,
        "template": message.template,
        "template_version": message.version or None,
        "customer_id": message.customer_id,
        "channel": message.channel or None,
        "contact_point": {"kind": message.contact_kind} if message.contact_kind else None,
        "attempts": message.attempt,
        "accepted_at": message.accepted_at or None,
        "deferred_until": message.due_at or None,
        "settled_at": message.settled_at or None,
        "read_at": message.read_at or None,
        "expires_at": message.request.expires_at if message.request else None,
        "provider": message.provider or None,
        "provider_message_id": message.provider_message_id or None,
        "decisions": [
            {"at": step.at, "what": step.what, "why": step.why, "channel": step.channel or None}
            for step in message.steps
        ],
    }


def _wanted(body: Mapping[str, Any]) -> Wanted:
    unknown = sorted(set(body) - set(_FIELDS))
    if unknown:
        # A name that is no word may be a value that went astray: it is not repeated.
        name = next(filter(is_name, unknown), "?")
        raise InvalidPayload(f"{name}: no such field")
    purpose, template = text_of(body, "purpose", 64), text_of(body, "template", 64)
    if not is_name(purpose):
        raise InvalidPayload("purpose: must be a word of small letters, such as transactional")
    data = body.get("data", {})
    if not isinstance(data, dict):
        raise InvalidPayload("data: must be an object")
    channels = body.get("channels", ["preferred"])
    if not isinstance(channels, list) or not all(isinstance(name, str) for name in channels):
        raise InvalidPayload("channels: must be a list of channels")
    wait = body.get("fallback_after_seconds", 0)
    if type(wait) is not int or not 0 <= wait <= MAX_WAIT_SECONDS:
        raise InvalidPayload(f"fallback_after_seconds: must be 0 to {MAX_WAIT_SECONDS}")
    ends, language = body.get("expires_at"), body.get("language")
    return Wanted(
        to=_to(body.get("to")),
        purpose=purpose,
        template=template,
        data=data,
        channels=tuple(dict.fromkeys(channels)),
        language="" if language is None else text_of(body, "language", 16),
        expires_at="" if ends is None else parse_time(ends, "expires_at"),
        fallback_after_seconds=wait,
        attachments=_attachments(body.get("attachments", [])),
    )


def _to(to: Any) -> Identifier:
    if not isinstance(to, dict) or len(to) != 1 or not set(to) <= {"customer_id", "identifier"}:
        raise InvalidPayload("to: must have either customer_id or identifier")
    if "identifier" in to:
        return identifier_of(to, "identifier")
    return Identifier("customer_id", text_of(to, "customer_id", 128), "imported")


def _attachments(body: Any) -> tuple[Attachment, ...]:
    if not isinstance(body, list) or len(body) > MAX_ATTACHMENTS:
        raise InvalidPayload(f"attachments: must be a list of up to {MAX_ATTACHMENTS}")
    found = []
    for number, one in enumerate(body):
        where = f"attachments[{number}]"
        if not isinstance(one, dict):
            raise InvalidPayload(f"{where}: must be an object")
        type_ = one.get("content_type")
        if not isinstance(type_, str) or not _TYPE.match(type_):
            raise InvalidPayload(f"{where}.content_type: must be a type such as application/pdf")
        try:
            content = base64.b64decode(one.get("content", ""), validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise InvalidPayload(f"{where}.content: must be base 64") from None
        if not content:
            raise InvalidPayload(f"{where}.content: must not be empty")
        found.append(Attachment(text_of(one, "name", 200), type_, content))
    return tuple(found)
