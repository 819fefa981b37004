"""One outgoing message, as the deliver use case hands it to a provider's adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Content:
    """A rendered message: its parts by name; a sender takes those that its channel has.

    Parameters
    ----------
    parts : mapping
        ``text`` always; ``subject``, ``html``, ``sms``, ``whatsapp`` … where the template
        has them.
    """

    parts: Mapping[str, str]

    def part(self, *names: str) -> str:
        """The first of the named parts that there is, else the plain text."""
        for name in names:
            if name in self.parts:
                return self.parts[name]
        return self.parts["text"]

    @property
    def subject(self) -> str:
        """One line; "" where the template has none."""
        return self.parts.get("subject", "")

    @property
    def text(self) -> str:
        """Plain text."""
        return self.parts["text"]

    @property
    def html(self) -> str:
        """ "" where the template has none."""
        return self.parts.get("html", "")

    @property
    def sms(self) -> str:
        """The short text, else the plain one."""
        return self.part("sms")


class Links(NamedTuple):
    """Where the recipient of this message can say no; "" where the company has no address yet."""

    unsubscribe: str = ""
    preferences: str = ""


NO_LINKS = Links()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message, rendered, to one address.

    Parameters
    ----------
    message_id : str
        Goes along as a tag, so that a duplicate and a delivery report can be
        recognised.
    kind : str
        Of the address: ``email``, ``phone``, ``whatsapp_bsuid:<portfolio>`` …
    address : str
        One e-mail address, one E.164 number, one scoped id. Personal data: never log it.
    last_inbound_at : str
        Contract time of the newest message that came through this address; "" for none
        that is known. Some networks take free text only for a while after it.
    """

    message_id: str
    kind: str
    address: str
    purpose: str
    template: str
    language: str
    content: Content
    links: Links = NO_LINKS
    attachments: tuple[Attachment, ...] = ()
    last_inbound_at: str = ""
