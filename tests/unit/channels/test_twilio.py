"""Twilio: who sent, who called, and what cannot be known of them."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enlace.channels import twilio, twilio_sms, twilio_voice
from enlace.channels.base import Interaction, Rejected
from enlace.domain.interaction import Identifier
from enlace.domain.opt_out import opt_out_in
from enlace.errors import InvalidPayload
from local.sign import sample
from tests.unit.channels.support import parse, parse_sample, request_of, secret_of


def test_an_sms_proves_its_number() -> None:
    [message] = parse_sample("twilio_sms", "message")
    assert message.channel == "sms"
    assert message.account == "+551140028922"
    assert message.contact_point == Identifier("phone", "+5511987650001", "proven")
    assert message.data["text"] == "Cadê meu pedido? Já faz uma semana + um dia"
    assert message.occurred_at is None


def test_whatsapp_through_twilio_is_whatsapp() -> None:
    [message] = parse_sample("twilio_sms", "message_whatsapp")
    assert message.channel == "whatsapp"
    assert message.contact_point == Identifier("phone", "+5511987650001", "proven")
    assert message.data["attachments"] == [
        {"url": "https://media.example.com/ME01", "content_type": "image/jpeg"}
    ]


def test_statuses_are_events_of_their_own_and_prove_nothing() -> None:
    [delivered] = parse_sample("twilio_sms", "status_delivered")
    [failed] = parse_sample("twilio_sms", "status_undelivered")
    assert delivered.source_id == "SM00000000000000000000000000000003:delivered"
    assert (failed.type, failed.data["reason"]) == ("message.failed", "30003")
    assert {delivered.contact_point.level, failed.contact_point.level} == {"stated"}


def test_a_status_callback_may_name_our_message() -> None:
    request = request_of(
        "twilio_sms", sample("twilio_sms", "status_delivered"), query="message_id=abc"
    )
    [status] = twilio_sms.parse(request, secret_of("twilio_sms"))
    assert isinstance(status, Interaction)
    assert status.data["message_id"] == "abc"


def test_statuses_on_the_way_are_passed_over() -> None:
    payload = sample("twilio_sms", "status_delivered")
    payload["MessageStatus"] = "queued"
    assert parse("twilio_sms", payload) == []


def test_a_callers_number_is_stated_unless_the_network_vouches_for_it() -> None:
    [shown] = parse_sample("twilio_voice", "ringing")
    assert shown.contact_point == Identifier("phone", "+5511987650001", "stated")
    payload = sample("twilio_voice", "ringing")
    payload["StirVerstat"] = "TN-Validation-Passed-A"
    [vouched] = parse("twilio_voice", payload)
    assert isinstance(vouched, Interaction)
    assert vouched.contact_point.level == "proven"
    payload["StirVerstat"] = "TN-Validation-Passed-C"
    [gateway] = parse("twilio_voice", payload)
    assert isinstance(gateway, Interaction)
    assert gateway.contact_point.level == "stated"


@pytest.mark.parametrize(
    "number",
    ["", "anonymous", "ANONYMOUS", "RESTRICTED", "+266696687", "+7378742833", "sip:a@example.com"],
)
def test_a_withheld_caller_is_nobody(number: str) -> None:
    payload = sample("twilio_voice", "ringing")
    payload["From"] = number
    assert parse("twilio_voice", payload) == []


def test_the_steps_of_a_call_share_a_conversation() -> None:
    [started] = parse_sample("twilio_voice", "ringing")
    [ended] = parse_sample("twilio_voice", "completed")
    [recorded] = parse_sample("twilio_voice", "recording")
    assert {i.conversation["id"] for i in (started, ended, recorded)} == {
        "CA00000000000000000000000000000001"
    }
    assert ended.source_id == "CA00000000000000000000000000000001:completed"
    assert (ended.data["outcome"], ended.data["duration_seconds"]) == ("completed", 183)
    assert recorded.type == "call.recorded"
    assert recorded.source_id == "RE00000000000000000000000000000001:completed"


def test_of_a_call_that_we_made_the_other_side_is_the_customer() -> None:
    payload = sample("twilio_voice", "completed")
    payload |= {"Direction": "outbound-api", "From": "+551140028922", "To": "+5511987650001"}
    [call] = parse("twilio_voice", payload)
    assert isinstance(call, Interaction)
    assert call.direction == "outbound"
    assert (call.contact_point.value, call.account) == ("+5511987650001", "+551140028922")


@pytest.mark.parametrize("time", ["soon", "Fri, 99 Nov 2026 12:40:00 +0000", "0"])
def test_an_unreadable_time_rejects_the_event(time: str) -> None:
    payload = sample("twilio_voice", "ringing")
    payload["Timestamp"] = time
    [found] = parse("twilio_voice", payload)
    assert isinstance(found, Rejected)


def test_the_answer_tells_twilio_to_do_nothing() -> None:
    for module in (twilio_sms, twilio_voice):
        answer = module.reply(request_of("twilio_sms", sample("twilio_sms", "message")), 1, 0)
        assert (answer.status, answer.body, answer.content_type) == (200, "<Response/>", "text/xml")


WORDS = st.text(st.characters(codec="utf-8"), max_size=12)


@given(pairs=st.lists(st.tuples(WORDS, WORDS), max_size=8))
def test_forms_are_read_as_the_standard_library_reads_them(pairs: list[tuple[str, str]]) -> None:
    body = urlencode(pairs)
    assert list(twilio._form(body.encode())) == parse_qsl(body, keep_blank_values=True)


@given(body=st.text(st.sampled_from("a1+&=%C3;é "), max_size=30))
def test_odd_forms_are_read_as_the_standard_library_reads_them(body: str) -> None:
    try:
        expected = parse_qsl(body, keep_blank_values=True, errors="strict")
    except ValueError:
        with pytest.raises(InvalidPayload):
            twilio._form(body.encode())
    else:
        assert list(twilio._form(body.encode())) == expected


def test_a_form_of_endless_fields_is_refused() -> None:
    with pytest.raises(InvalidPayload):
        twilio._form(b"&".join([b"a=1"] * 2000))


@pytest.mark.parametrize("sender", ["\ufffd", "+55\x0011987650001", "é" * 11, "1" * 81])
def test_a_sender_that_is_no_address_is_rejected(sender: str) -> None:
    [rejected] = parse("twilio_sms", {**sample("twilio_sms", "message"), "From": sender})
    assert isinstance(rejected, Rejected)


@pytest.mark.parametrize("sender", ["27182", "BANCO", "whatsapp:BR.1502576394655843"])
def test_short_codes_and_names_are_senders(sender: str) -> None:
    [message] = parse("twilio_sms", {**sample("twilio_sms", "message"), "From": sender})
    assert isinstance(message, Interaction)


def test_a_number_that_twilio_sends_nothing_to_has_opted_out() -> None:
    status = {**sample("twilio_sms", "status_undelivered"), "ErrorCode": "21610"}
    failed, withdrawn = parse("twilio_sms", status)
    assert (failed.type, failed.data["reason"]) == ("message.failed", "21610")
    assert (withdrawn.type, withdrawn.direction) == ("consent.withdrawn", "inbound")
    assert withdrawn.contact_point == failed.contact_point and withdrawn.id != failed.id
    assert withdrawn.data == {
        "channel": "sms",
        "purpose": "marketing",
        "actor": "subject",
        "reason": "stop",
    }


@pytest.mark.parametrize(
    ("read", "expected"), [("STOP", "stop"), ("START", "start"), ("HELP", None), ("", "ambiguous")]
)
def test_what_twilio_has_read_is_not_read_again(read: str, expected: str | None) -> None:
    body = "cancelar agendamento"
    form = {**sample("twilio_sms", "message"), "Body": body, "OptOutType": read}
    [message] = parse("twilio_sms", form)
    assert opt_out_in(message) == expected
