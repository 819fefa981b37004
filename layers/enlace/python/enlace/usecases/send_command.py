"""The command to send a message, as an event brings it, and the address as it is written to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from enlace.domain.delivery import Step
from enlace.domain.envelope import Event
from enlace.domain.records import IdentifierRecord
from enlace.errors import InvalidPayload

_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_TEXTS = (
    *("message_id", "customer_id", "purpose", "template", "language", "channel", "kind", "key"),
    "expires_at",
)


@dataclass(frozen=True, slots=True)
class Command:
    """The data of ``send.message``."""

    message_id: str
    customer_id: str
    purpose: str
    template: str
    language: str
    channel: str
    kind: str
    key: str
    data: Mapping[str, Any]
    expires_at: str
    attempt: int = 1
    version: str = ""
    why: tuple[Step, ...] = ()
    attachments: tuple[str, ...] = ()


def read_command(event: Event) -> Command:
    """The command in a ``send.message`` event.

    Raises
    ------
    InvalidPayload
        If it is another event or a field is missing or not of its type.
    """
    data = event.data
    try:
        if event.name != "send.message" or event.major != 1:
            raise InvalidPayload("not a send.message.v1 event")
        command = Command(
            message_id=data["message_id"],
            customer_id=data["customer_id"],
            purpose=data["purpose"],
            template=data["template"],
            language=data["language"],
            channel=data["channel"],
            kind=data["contact_point"]["kind"],
            key=data["contact_point"]["key"],
            data=data["data"],
            expires_at=data["expires_at"],
            attempt=data.get("attempt", 1),
            version=data.get("template_version", ""),
            why=tuple(Step(*step) for step in data.get("why", ())),
            attachments=tuple(data.get("attachments", ())),
        )
    except (KeyError, TypeError):
        raise InvalidPayload("send.message: a field is missing") from None
    texts = (getattr(command, name) for name in _TEXTS)
    if not all(isinstance(text, str) and text for text in texts):
        raise InvalidPayload("send.message: a field is not of its type")
    if not isinstance(command.data, dict) or type(command.attempt) is not int:
        raise InvalidPayload("send.message: a field is not of its type")
    return command


def address_of(identifier: IdentifierRecord) -> str:
    """An address as the vendor wrote it, where that can be sent to.

    Matching may have changed letters or digits that the network minds.
    """
    raw = identifier.raw.strip()
    if identifier.kind == "phone":
        digits = re.sub(r"[\s().-]", "", raw)
        return digits if _E164.match(digits) else identifier.value
    return raw if raw.count("@") == 1 and raw.isascii() else identifier.value
