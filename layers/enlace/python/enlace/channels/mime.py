"""What stands in an e-mail: headers as text, addresses, the text written, what is attached.

Built on the standard library's lenient parser (``compat32``), because its modern
policy raises on some hostile headers. A message can only be hard to read, so
what cannot be decoded is replaced and never refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from html.parser import HTMLParser
from typing import Any

#: What is read of an HTML part, in characters.
MAX_HTML_LENGTH = 512 * 1024
_MAX_PARTS = 200
_MAX_ADDRESSES = 50


def header_text(message: Message, name: str) -> str:
    """A header as text; empty where it is absent."""
    value = message.get(name)
    return "" if value is None else _decoded_words(str(value))


def _decoded_words(raw: str) -> str:
    """Decoded by RFC 2047 as far as that goes."""
    raw = raw.replace("\r", "").replace("\n", "")
    try:
        return _clean(str(make_header(decode_header(raw))))
    except (HeaderParseError, LookupError, ValueError):
        return _clean(raw)


def addresses(message: Message, name: str) -> list[tuple[str, str]]:
    """``(name, address)`` of each mailbox of a header."""
    values = [str(v).replace("\r", "").replace("\n", "") for v in message.get_all(name, [])]
    found = [
        (_decoded_words(display).strip(), address)
        for display, address in getaddresses(values[:_MAX_ADDRESSES])
        if address.count("@") == 1
    ]
    return found[:_MAX_ADDRESSES]


def content(message: Message) -> tuple[str, list[dict[str, Any]]]:
    """The text that a person wrote, and what is attached."""
    plain: list[str] = []
    html: list[str] = []
    attachments: list[dict[str, Any]] = []
    for number, part in _parts(message):
        kind, filename = part.get_content_type(), _filename(part)
        if filename is None and kind == "text/plain":
            plain.append(_decoded(part))
        elif filename is None and kind == "text/html":
            html.append(_decoded(part))
        else:
            content = part.get_payload(decode=True)
            attachments.append(
                {
                    "part": number,
                    "filename": filename,
                    "content_type": kind,
                    "size_bytes": len(content) if isinstance(content, bytes) else 0,
                    "content_id": header_text(part, "content-id").strip() or None,
                }
            )
    text = "\n".join(plain)
    if not text.strip() and html:
        text = "\n".join(_html_text(h) for h in html)
    return text.strip(), attachments


def _parts(message: Message) -> Iterator[tuple[int, Message]]:
    for number, part in enumerate(message.walk()):
        if number >= _MAX_PARTS:
            return
        if not part.is_multipart():
            yield number, part


def _filename(part: Message) -> str | None:
    name = part.get_filename()
    if name is None:
        return "" if part.get_content_disposition() == "attachment" else None
    return _decoded_words(name)


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return _clean(content.decode(charset, "replace"))
    except LookupError:
        return _clean(content.decode("utf-8", "replace"))


def _clean(text: str) -> str:
    """Without the surrogates that stand for undecodable bytes."""
    return text.encode("utf-8", "replace").decode()


class _TextOnly(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "head"):
            self._silent += 1
        elif tag in ("br", "p", "div", "tr", "li"):
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "head") and self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def _html_text(html: str) -> str:
    reader = _TextOnly()
    reader.feed(html[:MAX_HTML_LENGTH])
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return "\n".join(line for line in lines if line)
