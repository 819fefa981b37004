"""The last message that an erased person gets."""

from __future__ import annotations

from typing import Any

import pytest

from enlace.domain.erasure import Subject, SubjectIdentifier
from enlace.domain.outgoing import Content, Outgoing
from enlace.errors import ProviderAmbiguous, ProviderRejected, ProviderUnavailable
from enlace.usecases.erasure_ports import ErasureRequest
from enlace.usecases.tell_subject import TellSubject

MAIL = SubjectIdentifier("email#a", "email", "joao@example.com")
PHONE = SubjectIdentifier("phone#b", "phone", "+5511912345678")
SOCIAL = SubjectIdentifier("x_user#c", "x_user", "42")


class Post:
    def __init__(self, error: Exception | None = None):
        self.sent: list[Outgoing] = []
        self.error = error

    def send(self, message: Outgoing) -> str:
        self.sent.append(message)
        if self.error:
            raise self.error
        return "1"


class Texts:
    def render(self, name: str, language: str, data: Any) -> Content:
        return Content({"text": f"{name} {language} {data['certificate_id']}"})


def told(named: SubjectIdentifier, *known: SubjectIdentifier) -> tuple[list[Any], list[Any]]:
    mail, sms = Post(), Post()
    tell = TellSubject(Texts(), {"email": mail, "phone": sms})
    tell(ErasureRequest("r1", named, True, "es"), Subject("r1", "", known), "r1-1")
    return ([m.address for m in mail.sent], [m.address for m in sms.sent])


def test_the_address_that_was_named_is_told() -> None:
    assert told(PHONE, MAIL, PHONE) == ([], [PHONE.value])


def test_where_that_one_cannot_be_written_to_another_of_theirs_is() -> None:
    assert told(SOCIAL, SOCIAL, MAIL) == ([MAIL.value], [])


def test_who_cannot_be_written_to_is_not_told() -> None:
    assert told(SOCIAL, SOCIAL) == ([], [])
    assert told(MAIL, SubjectIdentifier("email#a", "email", "")) == ([], [])


def test_it_says_which_certificate_in_the_language_of_the_request() -> None:
    post = Post()
    TellSubject(Texts(), {"email": post})(
        ErasureRequest("r1", MAIL, True, "es"), Subject("r1", "", (MAIL,)), "r1-1"
    )
    assert post.sent[0].content.text == "dsr_completed es r1-1"
    assert post.sent[0].purpose == "dsr"


@pytest.mark.parametrize("error", [ProviderAmbiguous("ses: lost"), ProviderRejected("ses: no")])
def test_what_may_have_gone_out_or_never_will_is_over(error: Exception) -> None:
    tell = TellSubject(Texts(), {"email": Post(error)})
    tell(ErasureRequest("r1", MAIL, True), Subject("r1", "", (MAIL,)), "r1-1")


def test_what_certainly_did_not_is_tried_again() -> None:
    tell = TellSubject(Texts(), {"email": Post(ProviderUnavailable("ses: throttled"))})
    with pytest.raises(ProviderUnavailable):
        tell(ErasureRequest("r1", MAIL, True), Subject("r1", "", (MAIL,)), "r1-1")
