"""E-mail: whose it is, what it says, and what became of ours."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from enlace.channels import ses_events, ses_inbound
from enlace.domain.interaction import Identifier, Interaction
from enlace.errors import InvalidInteraction, InvalidPayload
from local.sign import EVENTS, sample
from tests.unit.channels.support import RECEIVED_AT


def eml(name: str) -> bytes:
    return (EVENTS / "channels" / "email" / f"{name}.eml").read_bytes()


def received(name: str, raw: bytes | None = None) -> list[Interaction]:
    return ses_inbound.parse(sample("email", name), raw or eml(name), RECEIVED_AT)


def simple(headers: str, body: str = "Oi") -> list[Interaction]:
    return received("complaint", f"{headers}\n\n{body}".encode())


def test_a_complaint_with_an_attachment() -> None:
    [mail] = received("complaint")
    assert mail.contact_point == Identifier("email", "joao.silva@example.com", "proven")
    assert mail.account == "sac@empresa.example.com"
    assert mail.source_id == "o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1"
    assert mail.occurred_at == "2026-11-20T13:30:00.000Z"
    assert mail.traits == {"name": "João da Silva"}
    assert mail.conversation == {
        "id": "<20261119.9@example.com>",
        "message_id": "<20261120.2@example.com>",
        "reply_to": "<20261120.1@example.com>",
        "references": ["<20261119.9@example.com>", "<20261120.1@example.com>"],
    }
    assert mail.data["subject"] == "Reclamação sobre o pedido 5001"
    assert mail.data["text"] == "Olá, o pedido não chegou."
    assert mail.data["attachments"] == [
        {
            "part": 4,
            "filename": "nota-fiscal.pdf",
            "content_type": "application/pdf",
            "size_bytes": 19,
            "content_id": None,
        }
    ]
    assert mail.data["stored"] == {"bucket": "enlace-mail", "key": mail.source_id}


def test_without_dmarc_the_sender_is_only_stated() -> None:
    [mail] = received("unauthenticated")
    assert mail.contact_point.level == "stated"
    assert mail.data["text"] == "Sou o João & mudei de número."
    notification = sample("email", "complaint")
    for verdict in ("GRAY", "PROCESSING_FAILED", None):
        notification["receipt"]["dmarcVerdict"] = {"status": verdict}
        [mail] = ses_inbound.parse(notification, eml("complaint"), RECEIVED_AT)
        assert mail.contact_point.level == "stated"


@pytest.mark.parametrize(
    "headers",
    [
        "From: joao.silva@example.com, vitima@example.org",
        "From: vitima@example.org\nFrom: joao.silva@example.com",
        "From: vitima@example.org\nfrom: joao.silva@example.com",
    ],
)
def test_with_two_authors_dmarc_speaks_for_neither(headers: str) -> None:
    [mail] = simple(headers)
    assert mail.contact_point.level == "stated"


def test_names_do_not_pass_for_addresses() -> None:
    [mail] = simple('From: "vitima@example.org" <joao.silva@example.com>')
    assert mail.contact_point.value == "joao.silva@example.com"


@pytest.mark.parametrize("name", ["auto_reply", "bounce"])
def test_automatic_mail_is_no_contact(name: str) -> None:
    assert received(name) == []


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-generated",
        "Auto-Submitted: Auto-Replied; owner-email=x",
        "Precedence: bulk",
        "Precedence: List",
        "List-Id: <novidades.example.com>",
        "X-Autoreply: yes",
        "Content-Type: multipart/report; boundary=b",
    ],
)
def test_ways_in_which_machines_say_so(header: str) -> None:
    assert simple(f"From: joao.silva@example.com\n{header}") == []


def test_people_may_say_that_they_are_none() -> None:
    assert len(simple("From: joao.silva@example.com\nAuto-Submitted: no")) == 1


def test_a_long_text_is_cut() -> None:
    [mail] = simple("From: joao.silva@example.com", "ã" * 100_000)
    assert len(mail.data["text"]) == ses_inbound.MAX_TEXT_LENGTH
    assert mail.data["truncated"] is True


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: x\n\nno sender",
        b"From: nobody\n\nx",
        b"From: a@\xff.com\n\nx",
    ],
)
def test_messages_without_a_readable_sender(raw: bytes) -> None:
    try:
        found = ses_inbound.parse(sample("email", "complaint"), raw or b"\n", RECEIVED_AT)
    except (InvalidPayload, InvalidInteraction):
        return
    assert all(i.contact_point.value.isprintable() for i in found)


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Type: text/plain; charset=nonsense",
        "Content-Transfer-Encoding: base64",
        "Content-Type: multipart/mixed; boundary=",
        "Subject: =?utf-8?B?!!!?=",
        "Subject: =?nonsense?Q?x?=",
        "Content-Disposition: attachment; filename*=nonsense''%FF",
    ],
)
def test_broken_parts_do_not_lose_the_message(headers: str) -> None:
    assert len(simple(f"From: joao.silva@example.com\n{headers}")) == 1


def test_deeply_nested_mail_is_refused_or_read_but_never_crashes() -> None:
    raw = b"From: a@example.com\n"
    for n in range(2000):
        raw += b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n)
    try:
        ses_inbound.parse(sample("email", "complaint"), raw, RECEIVED_AT)
    except InvalidPayload:
        return


def outcome(name: str, **changes: Any) -> list[Interaction]:
    event = copy.deepcopy(sample("ses_events", name))
    event["mail"].update(changes)
    return ses_events.parse(event, RECEIVED_AT)


def test_a_delivery_joins_our_message() -> None:
    [delivered] = outcome("delivery")
    assert delivered.type == "message.delivered"
    assert delivered.direction == "outbound"
    assert delivered.contact_point == Identifier("email", "joao.silva@example.com", "stated")
    assert delivered.source_id == "7d9a1c2e-3f4b-5a6c-8d7e-9f0a1b2c3d4e:delivered"
    assert delivered.data["template"] == "protocol_opened"
    assert delivered.occurred_at == "2026-11-20T13:39:02.123Z"


def test_a_bounce_says_whether_it_is_for_good() -> None:
    [failed] = outcome("bounce")
    assert failed.type == "message.failed"
    assert (failed.data["reason"], failed.data["bounce_type"]) == ("bounce", "Permanent")


def test_a_complaint_also_withdraws_consent() -> None:
    failed, withdrawn = outcome("complaint")
    assert failed.data["reason"] == withdrawn.data["reason"] == "complaint"
    assert (withdrawn.type, withdrawn.data["purpose"]) == ("consent.withdrawn", "marketing")
    assert failed.data["purpose"] == "transactional"


def test_mail_of_other_systems_names_nobody_in_its_id() -> None:
    [delivered] = outcome("delivery", tags={})
    assert "joao" not in (delivered.source_id or "")
    assert delivered.source_id is not None
    assert delivered.source_id.startswith("010001932a4b5c6d-0a1b2c3d-sample-000000:")


@pytest.mark.parametrize("kind", ["Permanent", "Transient", "Undetermined"])
@pytest.mark.parametrize("subtype", ["General", "OnAccountSuppressionList", "MailboxFull"])
def test_every_kind_of_bounce_is_told_with_its_kind(kind: str, subtype: str) -> None:
    event = copy.deepcopy(sample("ses_events", "bounce"))
    event["bounce"] |= {"bounceType": kind, "bounceSubType": subtype}
    [failed] = ses_events.parse(event, RECEIVED_AT)
    assert failed.data["reason"] == "bounce"
    # Only a permanent one stops the address: enlace.usecases.follow_consents.
    assert (failed.data["bounce_type"], failed.data["bounce_subtype"]) == (kind, subtype)


@pytest.mark.parametrize(
    ("kind", "is_complaint"),
    [
        ("abuse", True),
        ("fraud", True),
        ("other", True),
        ("virus", True),
        (None, True),
        ("not-spam", False),
        ("auth-failure", False),
    ],
)
def test_only_a_complaint_withdraws_consent(kind: str | None, is_complaint: bool) -> None:
    event = copy.deepcopy(sample("ses_events", "complaint"))
    del event["complaint"]["complaintFeedbackType"]
    if kind is not None:
        event["complaint"]["complaintFeedbackType"] = kind
    types = [outcome.type for outcome in ses_events.parse(event, RECEIVED_AT)]
    assert types == (["message.failed", "consent.withdrawn"] if is_complaint else [])


def test_an_open_is_told_once_and_names_no_browser() -> None:
    event = copy.deepcopy(sample("ses_events", "open"))
    [first] = ses_events.parse(event, RECEIVED_AT)
    event["open"]["timestamp"] = "2026-11-21T08:00:00.000Z"
    [again] = ses_events.parse(event, "2026-11-21T08:00:01.000Z")
    assert (first.type, first.direction) == ("message.read", "outbound")
    assert first.contact_point == Identifier("email", "joao.silva@example.com", "stated")
    assert first.data["message_id"] == "7d9a1c2e-3f4b-5a6c-8d7e-9f0a1b2c3d4e"
    # Without a time, the first receipt's is pinned to the id.
    assert (first.id, first.occurred_at) == (again.id, None)
    assert "203.0.113.7" not in str(first) and "Mozilla" not in str(first)


def test_a_click_is_told_once_for_each_link_and_hides_where_it_led() -> None:
    event = copy.deepcopy(sample("ses_events", "click"))
    [first] = ses_events.parse(event, RECEIVED_AT)
    [again] = ses_events.parse(event, RECEIVED_AT)
    event["click"]["link"] += "2"
    [other] = ses_events.parse(event, RECEIVED_AT)
    assert (first.type, first.data["via"]) == ("message.read", "click")
    assert first.data["link_tags"] == {"place": ["order"]}
    assert first.id == again.id != other.id
    assert "segredo" not in str(first)


def test_who_opened_a_mail_to_several_is_not_known() -> None:
    assert outcome("open", destination=["a@example.com", "b@example.com"]) == []
