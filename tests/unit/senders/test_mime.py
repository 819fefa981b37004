"""E-mails as they go out, read by the standard library and by the Rust crate ``mailparse``."""

from __future__ import annotations

import re
from dataclasses import replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

import fast_mail_parser
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from enlace.domain.outgoing import Attachment, Content, Links, Outgoing
from enlace.errors import Misconfigured, ProviderRejected
from enlace.senders.mime import (
    ATTACHABLE,
    MAX_ATTACHED_BYTES,
    compose,
    mailbox,
    one_line,
    plain_address,
)

SENDER = "Loja São João <sac@example.com>"
UNSUBSCRIBE = "https://go.example.com/u/" + "a1B2-_" * 40
PLAIN = Outgoing(
    message_id="0b7c7a0e-5a5e-5c3e-9d5c-3d1f9b0c6a52",
    kind="email",
    address="joao@example.com",
    purpose="transactional",
    template="protocol_opened",
    language="pt-BR",
    content=Content({"subject": "Olá", "text": "Olá, João", "html": "<p>Olá, João</p>"}),
)
MARKETING = replace(PLAIN, purpose="marketing", links=Links(unsubscribe=UNSUBSCRIBE))
PDF = Attachment("segunda via – março.pdf", "application/pdf", b"%PDF-1.7\n\x00\xff")

#: Any text at all, half surrogates, controls and line ends included.
anything = st.text(st.characters(), max_size=300)
EXAMPLES = settings(max_examples=150, deadline=None)


def written(subject: str = "Olá", text: str = "Olá", html: str = "<p>Olá</p>") -> Outgoing:
    return replace(PLAIN, content=Content({"subject": subject, "text": text, "html": html}))


def read(raw: bytes) -> EmailMessage:
    """By the standard library, which must find nothing wrong."""
    message = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert part.defects == []
        for value in part.values():
            assert value.defects == ()  # type: ignore[attr-defined]
    return message


def fits_every_hop(raw: bytes) -> None:
    assert raw.isascii()
    assert b"\r" not in raw.replace(b"\r\n", b"") and b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    head = raw.partition(b"\r\n\r\n")[0]
    # Only what cannot be folded, an address to unsubscribe at, is longer than RFC 5322 advises.
    for line in head.split(b"\r\n"):
        assert len(line) <= 78 or line.startswith(b"List-Unsubscribe: "), line


def shown(text: str) -> str:
    """A body as it reaches its reader: line ends are the transport's own."""
    lines = re.split("\r\n|\r|\n", text.encode("utf-8", "replace").decode())
    return "\n".join(lines[:-1] if lines[-1] == "" else lines)


def test_text_and_html_are_one_alternative() -> None:
    message = read(compose(PLAIN, sender=SENDER, reply_to="Atendimento <sac@example.com>"))

    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["From"].addresses[0].display_name == "Loja São João"
    assert message["From"].addresses[0].addr_spec == "sac@example.com"
    assert [a.addr_spec for a in message["To"].addresses] == ["joao@example.com"]
    assert message["Reply-To"] == "Atendimento <sac@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["MIME-Version"] == "1.0"
    # SES puts in its own, and a second recipient is nowhere.
    for absent in ("Date", "Message-ID", "Cc", "Bcc", "List-Unsubscribe", "List-Unsubscribe-Post"):
        assert message[absent] is None


def test_without_html_there_is_one_part() -> None:
    message = read(compose(written(html=""), sender=SENDER))

    assert message.get_content_type() == "text/plain"


def test_the_same_message_is_the_same_bytes() -> None:
    message = replace(PLAIN, attachments=(PDF,))

    assert compose(message, sender=SENDER) == compose(message, sender=SENDER)


def test_attachments_come_after_the_text() -> None:
    raw = compose(replace(PLAIN, attachments=(PDF,)), sender=SENDER)
    message = read(raw)

    assert message.get_content_type() == "multipart/mixed"
    text, attached = message.iter_parts()
    assert text.get_content_type() == "multipart/alternative"
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content_disposition() == "attachment"
    assert attached.get_filename() == PDF.name
    assert attached.get_content() == PDF.content
    [other] = fast_mail_parser.parse_email(raw).attachments
    assert (other.filename, other.mimetype, bytes(other.content)) == (
        PDF.name,
        "application/pdf",
        PDF.content,
    )


class TestOneClick:
    """RFC 8058 section 3.1, on the raw lines, as a mail program's provider reads them."""

    def test_marketing_can_be_stopped_with_one_click(self) -> None:
        raw = compose(MARKETING, sender=SENDER, unsubscribe_mailbox="sair@example.com")
        head = raw.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n ", " ")
        fields = [line.partition(": ") for line in head.split("\r\n")]

        said = [value for name, _, value in fields if name == "List-Unsubscribe"]
        post = [value for name, _, value in fields if name == "List-Unsubscribe-Post"]

        assert said == [f"<{UNSUBSCRIBE}>, <mailto:sair@example.com?subject=unsubscribe>"]
        assert post == ["List-Unsubscribe=One-Click"]
        # One HTTPS address, which both parsers give back whole.
        assert read(raw)["List-Unsubscribe"] == said[0]
        headers = fast_mail_parser.parse_email(raw).headers
        assert headers["List-Unsubscribe"] == said
        assert headers["List-Unsubscribe-Post"] == post
        fits_every_hop(raw)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "http://go.example.com/u/1",
            "https://go.example.com/u/1>\r\nBcc: x@example.com",
            "https://go.example.com/u/ 1",
            "https://go.example.com/ção",
            "javascript:alert(1)",
            "https://go.example.com/" + "a" * 1000,
        ],
    )
    def test_marketing_without_it_is_not_sent(self, url: str) -> None:
        with pytest.raises(ProviderRejected, match="unsubscribe"):
            compose(replace(MARKETING, links=Links(unsubscribe=url)), sender=SENDER)

    def test_a_laptop_has_no_certificate(self) -> None:
        links = Links(unsubscribe="http://localhost:8400/u/1")

        assert b"<http://localhost:8400/u/1>" in compose(
            replace(MARKETING, links=links), sender=SENDER
        )


@EXAMPLES
@given(subject=anything)
@example(subject="a\r\nBcc: x@example.com\r\n\r\n<script>")
@example(subject="=?utf-8?q?Bcc?=")
@example(subject="x" * 400)
@example(subject="Promoção imperdível: 50% de desconto em toda a loja só neste fim de semana 🎉🎉")
def test_no_subject_breaks_out_of_its_header(subject: str) -> None:
    raw = compose(written(subject), sender=SENDER)
    message = read(raw)

    assert sorted(message.keys()) == [
        "Auto-Submitted",
        "Content-Type",
        "From",
        "MIME-Version",
        "Subject",
        "To",
    ]
    assert message["Subject"] == one_line(subject)
    assert fast_mail_parser.parse_email(raw).subject == one_line(subject)
    fits_every_hop(raw)


@EXAMPLES
@given(text=anything, html=anything.filter(bool))
@example(text=".\r\nFrom here\r\n..", html="<p>" + "x" * 3000)
@example(text="--=_x\r\n\r\nx", html="=_=_")
@example(text="a\x0bb\x85c\u2028d", html="\x00")
def test_bodies_arrive_as_they_were_written(text: str, html: str) -> None:
    raw = compose(written(text=text, html=html), sender=SENDER)
    message = read(raw)

    plain, rich = (part.get_content() for part in message.iter_parts())

    assert (shown(plain), shown(rich)) == (shown(text), shown(html))
    other = fast_mail_parser.parse_email(raw)
    assert [shown(part) for part in other.text_plain] == [shown(text)]
    assert [shown(part) for part in other.text_html] == [shown(html)]
    fits_every_hop(raw)


@EXAMPLES
@given(
    stem=st.text(st.characters(), min_size=1, max_size=100),
    content=st.binary(max_size=500),
)
def test_names_of_files_arrive_or_are_refused(stem: str, content: bytes) -> None:
    attachment = Attachment(f"{stem}.pdf", "application/pdf", content)
    try:
        raw = compose(replace(PLAIN, attachments=(attachment,)), sender=SENDER)
    except ProviderRejected:
        return
    [attached] = read(raw).iter_attachments()

    assert attached.get_filename() == one_line(attachment.name)
    assert attached.get_content() == content
    [other] = fast_mail_parser.parse_email(raw).attachments
    assert (other.filename, bytes(other.content)) == (one_line(attachment.name), content)
    fits_every_hop(raw)


@EXAMPLES
@given(name=anything.filter(lambda text: "<" not in one_line(text)))
def test_no_name_breaks_out_of_a_mailbox(name: str) -> None:
    try:
        header = mailbox(f'"{one_line(name)}" <sac@example.com>')
    except Misconfigured:
        return
    raw = compose(PLAIN, sender=f'"{one_line(name)}" <sac@example.com>')

    assert [a.addr_spec for a in read(raw)["From"].addresses] == ["sac@example.com"]
    assert header.isascii()
    fits_every_hop(raw)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("boleto.exe", "application/pdf"),
        ("boleto.pdf.exe", "application/pdf"),
        ("boleto.pdf", "application/x-msdownload"),
        ("boleto.exe", "application/octet-stream"),
        ("tudo.zip", "application/zip"),
        ("page.html", "text/html"),
        ("image.svg", "image/svg+xml"),
        ("boleto", "application/pdf"),
        (".pdf", "application/pdf"),
        ("../boleto.pdf", "application/pdf"),
        ("a\\b.pdf", "application/pdf"),
        ("a;b.pdf", "application/pdf"),
        ("boleto\u202efdp.exe.pdf", "application/pdf"),
        ("x" * 200 + ".pdf", "application/pdf"),
        ("boleto.pdf", "APPLICATION/PDF\r\nX: y"),
    ],
)
def test_what_could_run_does_not_go_along(name: str, content_type: str) -> None:
    attachment = Attachment(name, content_type, b"x")

    with pytest.raises(ProviderRejected, match="attachment"):
        compose(replace(PLAIN, attachments=(attachment,)), sender=SENDER)


def test_attachments_are_bounded() -> None:
    large = Attachment("a.pdf", "application/pdf", bytes(MAX_ATTACHED_BYTES // 2 + 1))
    for attachments in ((large, large), (PDF,) * 11):
        with pytest.raises(ProviderRejected, match="attachments"):
            compose(replace(PLAIN, attachments=attachments), sender=SENDER)
    assert len(compose(replace(PLAIN, attachments=(large,)), sender=SENDER)) < 10_000_000


def test_no_type_that_goes_along_has_an_ending_that_runs() -> None:
    endings = {ending for group in ATTACHABLE.values() for ending in group}

    assert not endings & {".exe", ".js", ".html", ".htm", ".svg", ".zip", ".docm", ".xlsm", ".jar"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("joao@example.com", "joao@example.com"),
        ("João@example.com", None),
        ("joao@padaria-são.example.com", "joao@xn--padaria-so-n5a.example.com"),
        ("joao@PADARIA.example.com", "joao@padaria.example.com"),
        ("a@b@example.com", None),
        ("a@example.com,b@example.com", None),
        ("A <a@example.com>", None),
        ("a@example.com\r\nBcc: x@example.com", None),
        ("a@example", None),
        ("@example.com", None),
        ("a@", None),
        ("", None),
        ('"a b"@example.com', None),
        ("a;b@example.com", None),
    ],
)
def test_one_plain_address_goes_out(address: str, expected: str | None) -> None:
    if expected is not None:
        assert plain_address(address) == expected
        return
    with pytest.raises(ProviderRejected) as caught:
        plain_address(address)
    assert "example" not in str(caught.value)


@pytest.mark.parametrize("sender", ["", "Loja", "Loja <>", "a@example.com, b@example.com"])
def test_a_sender_must_be_a_mailbox(sender: str) -> None:
    with pytest.raises(Misconfigured):
        compose(PLAIN, sender=sender)
