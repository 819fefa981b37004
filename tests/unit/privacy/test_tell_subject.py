"""What a data subject is written about a request."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.interaction import Identifier
from enlace.domain.outgoing import Outgoing
from enlace.errors import ProviderAmbiguous, ProviderRejected, ProviderUnavailable
from enlace.usecases.erasure_ports import ErasureRequest
from enlace.usecases.message_templates import MessageTemplates
from enlace.usecases.tell_subject import Letters, TellSubject

MAIL = SubjectIdentifier("email#a", "email", "joao@example.com")
PHONE = SubjectIdentifier("phone#b", "phone", "+5511912345678")
SOCIAL = SubjectIdentifier("x_user#c", "x_user", "42")


class Post:
    """Two providers."""

    def __init__(self, error: Exception | None = None):
        self.sent: list[Outgoing] = []
        self.error = error

    def reaches(self, kind: str) -> bool:
        return kind in ("email", "phone")

    def provider(self, kind: str) -> Any:
        return self

    def send(self, message: Outgoing) -> str:
        self.sent.append(message)
        if self.error:
            raise self.error
        return "1"


def told(named: SubjectIdentifier, *known: SubjectIdentifier) -> list[str]:
    post = Post()
    tell = TellSubject(Letters(MessageTemplates(), post))
    tell(ErasureRequest("r1", named, True, "es"), Subject("r1", "", known), "r1-1")
    return [message.address for message in post.sent]


def test_the_address_that_was_named_is_told() -> None:
    assert told(PHONE, MAIL, PHONE) == [PHONE.value]


def test_where_that_one_cannot_be_written_to_another_of_theirs_is() -> None:
    assert told(SOCIAL, SOCIAL, MAIL) == [MAIL.value]


def test_who_cannot_be_written_to_is_not_told() -> None:
    assert told(SOCIAL, SOCIAL) == []
    assert told(MAIL, SubjectIdentifier("email#a", "email", "")) == []


@pytest.mark.parametrize("language", ["", "pt-BR", "es", "en"])
@pytest.mark.parametrize("to", [MAIL, PHONE])
def test_a_code_is_written_in_the_language_of_the_request(
    to: SubjectIdentifier, language: str
) -> None:
    post = Post()
    letters = Letters(MessageTemplates(), post)
    assert letters(
        Identifier(to.kind, to.value, "proven"),
        "dsr_code",
        language,
        {"code": "12345678", "minutes": "10"},
    )
    [message] = post.sent
    assert "12345678" in message.content.text and "12345678" in message.content.sms
    assert message.purpose == "dsr" and message.language == (language or "pt-BR")


def test_a_lost_acknowledgement_counts_as_sent() -> None:
    post = Post(ProviderAmbiguous("ses: lost"))
    tell = TellSubject(Letters(MessageTemplates(), post))
    tell(ErasureRequest("r1", MAIL, True), Subject("r1", "", (MAIL, PHONE)), "r1-1")
    assert len(post.sent) == 1


def test_a_dead_address_is_given_up_for_another() -> None:
    post = Post(ProviderRejected("ses: no"))
    tell = TellSubject(Letters(MessageTemplates(), post))
    tell(ErasureRequest("r1", MAIL, True), Subject("r1", "", (MAIL, PHONE)), "r1-1")
    assert [message.address for message in post.sent] == [MAIL.value, PHONE.value]


def test_what_certainly_did_not_go_out_is_tried_again() -> None:
    tell = TellSubject(Letters(MessageTemplates(), Post(ProviderUnavailable("ses: throttled"))))
    with pytest.raises(ProviderUnavailable):
        tell(ErasureRequest("r1", MAIL, True), Subject("r1", "", (MAIL,)), "r1-1")
