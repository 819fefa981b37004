"""WhatsApp through Meta's Cloud API.

Free text is taken only while the customer service window is open, 24 hours from the
person's last message to the company; outside it, and for marketing always, a template
that Meta approved goes out. Which one, the message's own part ``[whatsapp]`` says
(``docs/whatsapp.md``).

Meta has no idempotency key, so a lost answer is never followed by a second call; the
message id travels as ``biz_opaque_callback_data``, and the statuses that come back
through the webhook tell by it what became of the message.

Sources: Meta's OpenAPI description of the API (github.com/facebook/openapi, v23.0);
developers.facebook.com, WhatsApp Business Platform, "Error codes" (2026-05-15) and
"Business-scoped user IDs", read through mirrors (2026-11-23); pywa 4.5.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from enlace.domain.outgoing import Outgoing
from enlace.domain.sender_channel import SenderChannel
from enlace.errors import (
    ProviderAmbiguous,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from enlace.senders.http_json import Answer, JsonHttp
from enlace.senders.sms import require_e164

#: Cost: a utility template to Brazil, $0.0068 (Meta's rate card of January 2026).
CHANNEL = SenderChannel(
    "whatsapp",
    ("phone", "whatsapp_bsuid"),
    cost=6_800,
    read_receipts=True,
    quiet_hours=True,
    needs_contact=True,
)

BASE_URL = "https://graph.facebook.com/v26.0"
#: The reason of a message that Meta refuses because the person stopped marketing there.
OPTED_OUT = "opted_out"
NO_WAY = "outside the 24-hour window and the template has no whatsapp part"

_WINDOW = timedelta(hours=24)
#: For clocks that differ, and for the time that the call takes.
_MARGIN = timedelta(minutes=5)
_MAX_TEXT = 4096
#: Meta returns up to 512 characters; our ids are UUIDs.
_MAX_CALLBACK_DATA = 512
_BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}\Z")
_NAME = re.compile(r"[a-z0-9_]{1,512}\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:_[A-Z]{2})?\Z")
_CATEGORIES = frozenset(("authentication", "marketing", "utility"))

_STOPPED_MARKETING = 131050
#: Nothing was sent, and the same request may do later or after somebody mended the set-up:
#: token and rights, throttling, an account that is blocked, unpaid, not set up or being serviced.
_LATER = frozenset(
    (
        *(0, 3, 10, 190, *range(200, 300)),
        *(4, 80007, 130429, 131048, 131056, 131064, 133016),
        *(33, 368, 131005, 131016, 131031, 131037, 131042, 131045, 131057, 131063),
        *(133004, 133010),
    )
)
#: "Object does not exist or lacks permissions": the phone number id or the token is wrong.
_UNKNOWN_OBJECT = (100, 33)
_MENDABLE = frozenset((401, 402, 403, 404, 405, 407, 429))
_READ_HERE = frozenset(range(300, 600))


@dataclass(frozen=True, slots=True)
class Template:
    """An approved template, and what goes into it."""

    name: str
    language: str
    category: str
    body: tuple[str, ...]


def read_template(part: str, language: str) -> Template:
    """What a message's rendered part ``[whatsapp]`` names.

    Parameters
    ----------
    part : str
        Lines of ``key: value``. ``name``; ``language`` as Meta writes it, else the
        message's own; ``category``, else ``utility``; ``body`` once for each of the
        body's parameters, in order.
    language : str
        Of the message: ``pt-BR``.

    Raises
    ------
    ProviderRejected
        If it cannot be used; names the field, not its value.
    """
    fields: dict[str, str] = {}
    body: list[str] = []
    for line in part.split("\n"):
        key, colon, value = (piece.strip() for piece in line.partition(":"))
        if key == "body" and colon:
            # Meta takes no line breaks, tabs or rows of blanks in a parameter, and no empty one.
            body.append(" ".join(value.split()))
        elif key in ("name", "language", "category") and colon and key not in fields:
            fields[key] = value
        elif line.strip():
            raise ProviderRejected("whatsapp: the whatsapp part has a line that is not known")
    template = Template(
        fields.get("name", ""),
        fields.get("language") or language.replace("-", "_"),
        fields.get("category", "utility"),
        tuple(body),
    )
    checks = {
        "name": _NAME.match(template.name),
        "language": _LANGUAGE.match(template.language),
        "category": template.category in _CATEGORIES,
        "body": all(body),
    }
    wrong = [name for name, right in checks.items() if not right]
    if wrong:
        raise ProviderRejected(f"whatsapp: the whatsapp part's {', '.join(wrong)} cannot be used")
    return template


class WhatsApp:
    """Sends WhatsApp messages.

    Parameters
    ----------
    http : JsonHttp
        To :data:`BASE_URL`, with the access token as a bearer.
    phone_number_id : str
        Meta's id of the company's number; "" where none is set up yet.
    now : callable
        The current time, with a zone.
    """

    name = "whatsapp"
    idempotent = False
    #: Asks the deliver use case for ``Outgoing.last_inbound_at``.
    wants_last_inbound = True

    def __init__(self, http: JsonHttp, phone_number_id: str, *, now: Callable[[], datetime]):
        self._http = http
        self._phone_number_id = phone_number_id
        self._now = now

    def send(self, message: Outgoing) -> str:
        """See :meth:`enlace.usecases.sender_ports.MessageProvider.send`."""
        if not self._phone_number_id:
            # For good, so that another channel is tried at once.
            raise ProviderRejected("whatsapp: no phone number is set up")
        answer = self._http(
            "POST",
            f"/{self._phone_number_id}/messages",
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                **_recipient(message),
                **self._content(message),
                "biz_opaque_callback_data": message.message_id[:_MAX_CALLBACK_DATA],
            },
            expected=_READ_HERE,
            repeatable=False,
        )
        if answer.status >= 300:
            raise _error(answer)
        try:
            return str(answer.body["messages"][0]["id"])
        except (KeyError, IndexError, TypeError):
            raise ProviderAmbiguous("whatsapp: an answer without an id") from None

    def _content(self, message: Outgoing) -> dict[str, Any]:
        marketing = message.purpose == "marketing"
        if not marketing and self._window_is_open(message.last_inbound_at):
            text = message.content.text
            if not 0 < len(text) <= _MAX_TEXT:
                raise ProviderRejected("whatsapp: the text is empty or too long")
            return {"type": "text", "text": {"body": text, "preview_url": False}}
        part = message.content.parts.get("whatsapp", "")
        if not part.strip():
            raise ProviderRejected(
                "marketing needs a whatsapp part and the template has none" if marketing else NO_WAY
            )
        template = read_template(part, message.language)
        if marketing and template.category != "marketing":
            # Meta lets people stop its marketing category; another one would get round that.
            raise ProviderRejected("whatsapp: marketing needs a template of that category")
        parameters = [{"type": "text", "text": text} for text in template.body]
        content: dict[str, Any] = {
            "name": template.name,
            "language": {"code": template.language, "policy": "deterministic"},
        }
        if parameters:
            content["components"] = [{"type": "body", "parameters": parameters}]
        return {"type": "template", "template": content}

    def _window_is_open(self, last_inbound_at: str) -> bool:
        if not last_inbound_at:
            return False
        return self._now() < datetime.fromisoformat(last_inbound_at) + _WINDOW - _MARGIN


def _recipient(message: Outgoing) -> dict[str, str]:
    if message.kind == "phone":
        require_e164(message.address, WhatsApp.name)
        return {"to": message.address}
    if not CHANNEL.reaches(message.kind) or not _BSUID.match(message.address):
        raise ProviderRejected("whatsapp: neither an E.164 number nor a business-scoped user id")
    return {"recipient": message.address}


def _error(answer: Answer) -> ProviderError:
    """What Meta's answer means; by its code, which it says to build upon, else by the status."""
    error = answer.body.get("error")
    error = error if isinstance(error, dict) else {}
    code, subcode = error.get("code"), error.get("error_subcode")
    if type(code) is not int:
        reason = f"whatsapp: HTTP {answer.status}"
        if answer.status >= 500 or answer.status == 408:
            return ProviderAmbiguous(reason)
        if answer.status in _MENDABLE or answer.status < 400:
            return ProviderUnavailable(reason)
        return ProviderRejected(reason)
    reason = f"whatsapp: error {code}"
    if code == _STOPPED_MARKETING:
        return ProviderRejected(OPTED_OUT)
    if code in _LATER or (code, subcode) == _UNKNOWN_OBJECT:
        return ProviderUnavailable(reason)
    if answer.status >= 500:
        return ProviderAmbiguous(reason)
    return ProviderRejected(reason)
