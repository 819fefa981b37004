"""Telephone calls through Twilio: begun, ended, recorded.

Point the number's *status callback* here (and the recording status callback),
and keep the call flow where it is: this answers with empty TwiML.

A caller ID is shown by whoever calls and can be forged, so a caller's number is
``stated``; where the network itself vouches for it in full (STIR/SHAKEN
attestation A, reported as ``StirVerstat``), it is ``proven``. A withheld caller
ID is not a person: such calls give no interaction.

Sources: twilio.com/docs/voice/twiml, .../voice/api/call-resource (status callback
parameters), .../voice/trusted-calling-with-shakenstir; withheld callers come as
words since the changelog of 2022-11-16 (checked 2026-11-22), before as the digits
of those words.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from enlace.channels import twilio
from enlace.channels.base import (
    Interaction,
    Rejected,
    Request,
    build,
    collect,
    identifier,
    required_text,
)
from enlace.domain.interaction import utc_text
from enlace.errors import InvalidPayload

NAME = "voice"
MAX_BODY_BYTES = twilio.MAX_BODY_BYTES

CALLER_LEVEL = "stated"
ATTESTED_CALLER_LEVEL = "proven"
_FULL_ATTESTATION = "TN-Validation-Passed-A"

#: ANONYMOUS, RESTRICTED, UNAVAILABLE, UNKNOWN and BLOCKED on a telephone's keys.
_WITHHELD = frozenset(("+266696687", "+7378742833", "+86282452253", "+8656696", "+2562533"))

_ENDED = frozenset(("completed", "busy", "no-answer", "canceled", "failed"))

handshake = twilio.handshake
verify = twilio.verify
reply = twilio.reply


def parse(request: Request, secret: Mapping[str, Any]) -> list[Interaction | Rejected]:
    """Read the one call event that a request carries.

    Raises
    ------
    InvalidPayload
        If the body cannot be read.
    """
    form = twilio.parameters(request)
    return collect([form], lambda form: _read(request, form))


def _read(request: Request, form: dict[str, str]) -> list[Interaction]:
    sid = required_text(form, "CallSid")
    outbound = form.get("Direction", "inbound").startswith("outbound")
    ours, theirs = ("From", "To") if outbound else ("To", "From")
    number = form.get(theirs, "")
    event = _event(form, sid)
    if event is None or not _is_telephone(number):
        return []
    type_, source_id, data = event
    attested = form.get("StirVerstat") == _FULL_ATTESTATION
    level = ATTESTED_CALLER_LEVEL if attested and not outbound else CALLER_LEVEL
    return [
        build(
            NAME,
            type_,
            identifier("phone", number, level),
            account=required_text(form, ours),
            source_id=source_id,
            occurred_at=_time(form),
            received_at=request.received_at,
            direction="outbound" if outbound else "inbound",
            traits={"caller_name": form.get("CallerName") or None},
            conversation={"id": sid},
            data={"provider": "twilio", "attestation": form.get("StirVerstat"), **data},
        )
    ]


def _event(form: dict[str, str], sid: str) -> tuple[str, str, dict[str, Any]] | None:
    recording = form.get("RecordingSid")
    if recording:
        status = form.get("RecordingStatus", "completed")
        if status != "completed":
            return None
        data: dict[str, Any] = {
            "recording": {"id": recording, "url": form.get("RecordingUrl")},
            "duration_seconds": _seconds(form, "RecordingDuration"),
        }
        return "call.recorded", f"{recording}:{status}", data
    status = required_text(form, "CallStatus")
    if status in _ENDED:
        data = {"outcome": status, "duration_seconds": _seconds(form, "CallDuration")}
        return "call.ended", f"{sid}:{status}", data
    if status == "ringing":
        return "call.started", f"{sid}:{status}", {}
    return None  # queued, initiated and in-progress add nothing that the contract tells


def _is_telephone(number: str) -> bool:
    """Whether it is a number that somebody has, and no withheld, SIP or app caller."""
    return (
        number.startswith("+")
        and number[1:].isdecimal()
        and 7 <= len(number) <= 16
        and number not in _WITHHELD
    )


def _seconds(form: dict[str, str], name: str) -> int | None:
    text = form.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidPayload(f"{name}: must be whole seconds")
    return int(text)


def _time(form: dict[str, str]) -> str | None:
    """The callback's ``Timestamp`` (RFC 2822); None where there is none."""
    text = form.get("Timestamp")
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
        if not 1970 <= moment.year <= 9998:
            raise ValueError
        return utc_text(moment)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise InvalidPayload("Timestamp: must be a time") from None
