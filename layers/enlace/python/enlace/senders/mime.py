"""An outgoing e-mail as MIME: the bytes that are sent, made from the standard library.

All of it is ASCII with lines of at most 998 bytes, so every hop takes it as it is: bodies
are quoted-printable, files base64, texts in headers encoded words. The same message gives
the same bytes each time.

``Date`` and ``Message-ID`` are left out: SES puts its own in the place of any it is given.
What ties events to our message is the tag ``message_id``.

The stock of :mod:`email` writes the parts. The few header lines are written here, since
its folding tears a long URL into encoded words (RFC 2047), which makes
``List-Unsubscribe`` unreadable to whoever should unsubscribe with one click.

Sources: RFC 5322, RFC 2047, RFC 2231, RFC 2369 and RFC 8058 (unsubscribing), RFC 3834
(``Auto-Submitted``); Amazon SES developer guide, "Amazon SES header fields" and
"Unsupported attachment types" (checked 2026-11-23).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, getaddresses
from urllib.parse import urlsplit

from enlace.domain.outgoing import Attachment, Outgoing
from enlace.domain.send_gate import MARKETING
from enlace.errors import Misconfigured, ProviderRejected

#: What may go along, and the endings a file of the type may have. No kind that runs, and no
#: archive, which could hold one.
ATTACHABLE = {
    "application/pdf": (".pdf",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "application/vnd.oasis.opendocument.spreadsheet": (".ods",),
    "application/vnd.oasis.opendocument.text": (".odt",),
    "image/gif": (".gif",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "text/calendar": (".ics",),
    "text/csv": (".csv",),
    "text/plain": (".txt",),
    "text/xml": (".xml",),
    "application/xml": (".xml",),
}
#: Base64 makes them a third larger; many mailboxes take no more than 10 MB in all.
MAX_ATTACHED_BYTES = 7_000_000
MAX_ATTACHMENTS = 10

_MAX_NAME = 120
#: No system has them in names; and a semicolon, at which some mail programs cut the name off.
_UNUSABLE = frozenset('/\\:*?"<>|;')
_MAX_URL = 900
#: Longer texts, and those that are not ASCII, become encoded words.
_MAX_PLAIN = 60
_URL = re.compile(r"https?://[!-;=?-~]+\Z")
_LAPTOP = frozenset(("localhost", "127.0.0.1", "::1"))
_ADDRESS = re.compile(r"[!-~]{1,64}\Z")
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+\Z")
_SPECIAL = frozenset('()<>[]:;@\\,"')


def compose(
    message: Outgoing, *, sender: str, reply_to: str = "", unsubscribe_mailbox: str = ""
) -> bytes:
    """The whole mail to its one recipient.

    Parameters
    ----------
    message : Outgoing
        One with the purpose ``marketing`` must have ``links.unsubscribe``.
    sender, reply_to : str
        A mailbox with or without a name.
    unsubscribe_mailbox : str, optional
        An address that a program reads, for mail programs that cannot unsubscribe over HTTPS.

    Raises
    ------
    ProviderRejected
        If there is not one plain address, marketing has no address to unsubscribe at, or
        an attachment cannot go along. The text names no value.
    Misconfigured
        If ``sender``, ``reply_to`` or ``unsubscribe_mailbox`` is no mailbox.
    """
    headers = [
        ("From", mailbox(sender)),
        ("To", plain_address(message.address)),
        ("Subject", _words("Subject", one_line(message.content.subject))),
    ]
    if reply_to:
        headers.append(("Reply-To", mailbox(reply_to)))
    # No out-of-office answer to what no person wrote.
    headers.append(("Auto-Submitted", "auto-generated"))
    if message.purpose == MARKETING:
        headers += _unsubscribing(message.links.unsubscribe, unsubscribe_mailbox)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode("ascii") + _body(message).as_bytes()


def _body(message: Outgoing) -> EmailMessage:
    body = EmailMessage(policy=SMTP)
    # Not "7bit" for ASCII: then no line of it can look like a boundary.
    body.set_content(_unicode(message.content.text), cte="quoted-printable")
    if message.content.html:
        body.add_alternative(_unicode(message.content.html), subtype="html", cte="quoted-printable")
    _check_attachments(message.attachments)
    for attachment in message.attachments:
        maintype, _, subtype = attachment.content_type.partition("/")
        name = one_line(attachment.name)
        body.add_attachment(attachment.content, maintype, subtype, filename=name)
    seed = hashlib.sha256(message.message_id.encode()).hexdigest()[:24]
    for number, part in enumerate(part for part in body.walk() if part.is_multipart()):
        # "=_" stands in no quoted-printable or base64 text.
        part.set_boundary(f"=_{seed}_{number}")
    return body


def _check_attachments(attachments: tuple[Attachment, ...]) -> None:
    if len(attachments) > MAX_ATTACHMENTS:
        raise ProviderRejected("email: too many attachments")
    if sum(len(attachment.content) for attachment in attachments) > MAX_ATTACHED_BYTES:
        raise ProviderRejected("email: the attachments are too large")
    for attachment in attachments:
        endings = ATTACHABLE.get(attachment.content_type)
        if endings is None:
            raise ProviderRejected("email: attachments of this type are not sent")
        name = one_line(attachment.name)
        if not name.isprintable() or _UNUSABLE.intersection(name) or len(name) > _MAX_NAME:
            raise ProviderRejected("email: an attachment's name cannot be used")
        # The ending is what a program on the other side goes by.
        stem, dot, ending = name.rpartition(".")
        if not stem.strip() or f"{dot}{ending}".lower() not in endings:
            raise ProviderRejected("email: an attachment's name does not fit its type")


def _unsubscribing(url: str, mail_to: str) -> list[tuple[str, str]]:
    if not url:
        raise ProviderRejected("email: marketing without an address to unsubscribe at")
    parts = urlsplit(url) if _URL.match(url) and len(url) <= _MAX_URL else None
    # One click needs HTTPS (RFC 8058); a stack on a laptop has no certificate.
    if parts is None or not (parts.scheme == "https" or parts.hostname in _LAPTOP):
        raise ProviderRejected("email: the address to unsubscribe at cannot be used")
    ways = [f"<{url}>"]
    if mail_to:
        ways.append(f"<mailto:{_configured(mail_to)}?subject=unsubscribe>")
    return [
        ("List-Unsubscribe", ",\r\n ".join(ways)),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]


def one_line(text: str) -> str:
    """Text for a header: line breaks and other controls become single blanks."""
    visible = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in _unicode(text)
    )
    return " ".join(visible.split())


def plain_address(address: str) -> str:
    """One address as it goes over SMTP: ASCII, the domain in the form of the DNS.

    Raises
    ------
    ProviderRejected
        If it is anything else: a comma or a name would smuggle in a second recipient, and
        SES takes no mailbox names beyond ASCII.
    """
    local, at, domain = address.rpartition("@")
    if not domain.isascii():
        import idna

        try:
            domain = idna.encode(domain, uts46=True).decode()
        except UnicodeError:
            domain = ""
    domain = domain.lower()
    if (
        not at
        or not _ADDRESS.match(local)
        or _SPECIAL.intersection(local)
        or not _DOMAIN.match(domain)
    ):
        raise ProviderRejected("email: not one plain address")
    return f"{local}@{domain}"


def mailbox(text: str) -> str:
    """A configured mailbox, with or without a name, as it stands in a header.

    Raises
    ------
    Misconfigured
        If it is none.
    """
    found = getaddresses([one_line(text)])
    if len(found) != 1:
        raise Misconfigured("a mailbox of ours is not one")
    name, address = found[0][0], _configured(found[0][1])
    if not name:
        return address
    if name.isascii() and len(name) <= _MAX_PLAIN:
        return formataddr((name, address))
    return f"{_words('Reply-To', name)}\r\n <{address}>"


def _configured(address: str) -> str:
    try:
        return plain_address(address)
    except ProviderRejected:
        raise Misconfigured("a mailbox of ours is no e-mail address") from None


def _words(name: str, text: str) -> str:
    # What looks like an encoded word would be decoded.
    if text.isascii() and len(text) <= _MAX_PLAIN and "=?" not in text:
        return text
    return Header(text, "utf-8", header_name=name).encode(linesep="\r\n")


def _unicode(text: str) -> str:
    # Half a surrogate pair has no encoding.
    return text.encode("utf-8", "replace").decode()
