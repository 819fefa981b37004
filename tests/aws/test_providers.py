"""SES, SNS and End User Messaging: requests that the services accept."""

from __future__ import annotations

from dataclasses import replace
from email.parser import BytesParser
from email.policy import default
from typing import Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from enlace.domain.consent import CONFIRMATION
from enlace.domain.outgoing import Attachment, Content, Links
from enlace.errors import (
    Misconfigured,
    ProviderRejected,
)
from enlace.senders.ses import Ses
from enlace.senders.sms import MAX_TEXT
from enlace.senders.sms_eum import EumSms
from enlace.senders.sms_sns import SnsSms
from tests.aws.outgoing import MAIL, calls, sms
from tests.aws.test_delivery_table import make_client


def test_ses_takes_the_mail() -> None:
    with mock_aws():
        client = make_client("sesv2")
        client.create_email_identity(EmailIdentity="sac@example.com")
        id_ = Ses(calls(client), sender="sac@example.com").send(MAIL)
        (sent,) = ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sent_messages
        assert sent.id == id_
        assert set(sent.destinations) == {"joao@example.com"}
        mail = BytesParser(policy=default).parsebytes(sent.raw_data.encode())
        assert mail["Subject"] == "Recebemos sua reclamação"
        assert [part.get_content_type() for part in mail.walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]


class Asked:
    """Answers, and remembers the last request, after botocore has validated it."""

    def __init__(self, service: str) -> None:
        self.client = make_client(service)
        self.request: dict[str, Any] = {}

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        self.request = parameters
        with Stubber(self.client) as stub:
            stub.add_response(operation, {"MessageId": "x"}, parameters)
            answer: dict[str, Any] = getattr(self.client, operation)(**parameters)
            return answer


def test_sesv2_request_is_tagged_and_valid() -> None:
    asked = Asked("sesv2")
    ses = Ses(asked, sender="São João <sac@example.com>", configuration_set="mail")

    assert ses.send(MAIL) == "x"

    raw = asked.request.pop("Content")["Raw"]["Data"]
    assert asked.request == {
        "FromEmailAddress": "=?utf-8?b?U8OjbyBKb8Ojbw==?= <sac@example.com>",
        "Destination": {"ToAddresses": ["joao@example.com"]},
        "EmailTags": [
            {"Name": "message_id", "Value": MAIL.message_id},
            {"Name": "template", "Value": "protocol_opened"},
            {"Name": "purpose", "Value": "transactional"},
        ],
        "ConfigurationSetName": "mail",
    }
    assert BytesParser(policy=default).parsebytes(raw)["To"] == "joao@example.com"


def test_a_mail_with_a_file_goes_out_to_a_domain_of_any_script() -> None:
    asked = Asked("sesv2")
    file = Attachment("boleto.pdf", "application/pdf", b"%PDF-1.7")

    Ses(asked, sender="sac@example.com").send(
        replace(MAIL, address="joao@são-joão.example.com", attachments=(file,))
    )

    domain = "xn--so-joo-3tae.example.com"
    assert asked.request["Destination"]["ToAddresses"] == [f"joao@{domain}"]
    mail = BytesParser(policy=default).parsebytes(asked.request["Content"]["Raw"]["Data"])
    assert [part.get_filename() for part in mail.iter_attachments()] == ["boleto.pdf"]


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "marketing"},
        {"purpose": "marketing", "links": Links("ftp://example.com")},
        {"attachments": (Attachment("a.exe", "application/octet-stream", b"MZ"),)},
    ],
)
def test_what_must_not_go_out_never_reaches_the_provider(changes: dict[str, Any]) -> None:
    asked = Asked("sesv2")

    with pytest.raises(ProviderRejected):
        Ses(asked, sender="sac@example.com").send(replace(MAIL, **changes))

    assert asked.request == {}


def test_a_wrong_mailbox_of_ours_shows_at_the_start() -> None:
    for settings in ({"sender": "nobody"}, {"sender": "a@example.com", "reply_to": "x"}):
        with pytest.raises(Misconfigured):
            Ses(calls(None), **settings)


@pytest.mark.parametrize(
    "address",
    ["a@example.com,b@example.com", "A <a@example.com>", "a@example.com\nBcc: x", "a@", ""],
)
def test_a_mail_has_one_recipient(address: str) -> None:
    message = replace(MAIL, address=address)
    with pytest.raises(ProviderRejected) as caught:
        Ses(calls(None), sender="sac@example.com").send(message)
    assert "example" not in str(caught.value)


@pytest.mark.parametrize("provider", [SnsSms, EumSms])
@pytest.mark.parametrize("purpose", ["transactional", "marketing", CONFIRMATION])
def test_every_purpose_has_a_kind_at_the_provider(provider: Any, purpose: str) -> None:
    asked: list[dict[str, Any]] = []

    def call(operation: str, **arguments: Any) -> dict[str, str]:
        asked.append(arguments)
        return {"MessageId": "x"}

    provider(call, origin="pool-1").send(replace(sms(), purpose=purpose))
    kind = "Promotional" if purpose == "marketing" else "Transactional"
    assert kind.lower() in str(asked).lower()


def test_sns_takes_the_sms() -> None:
    with mock_aws():
        client = make_client("sns")
        id_ = SnsSms(calls(client, "sns"), origin="Enlace").send(sms())
        sent = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sms_messages
        assert sent[id_][:2] == ("+5511987654321", "Recebemos")


def test_eum_request_is_valid() -> None:
    client = make_client("pinpoint-sms-voice-v2")
    with Stubber(client) as stub:
        stub.add_response(
            "send_text_message",
            {"MessageId": "x"},
            {
                "DestinationPhoneNumber": "+5511987654321",
                "MessageBody": "Recebemos",
                "MessageType": "TRANSACTIONAL",
                "Context": {
                    "message_id": MAIL.message_id,
                    "template": MAIL.template,
                    "purpose": "transactional",
                },
                "TimeToLive": 86_400,
                "OriginationIdentity": "pool-1",
            },
        )
        assert EumSms(calls(client, "eum"), origin="pool-1").send(sms()) == "x"


@pytest.mark.parametrize("provider", [SnsSms, EumSms])
@pytest.mark.parametrize("number", ["", "11987654321", "+0123456789", "+5511987654321\n", "arn:x"])
def test_only_e164_numbers(provider: Any, number: str) -> None:
    with pytest.raises(ProviderRejected):
        provider(calls(None)).send(sms(number))


@pytest.mark.parametrize("provider", [SnsSms, EumSms])
@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAX_TEXT + 1)])
def test_a_text_is_sent_whole_or_not_at_all(provider: Any, text: str) -> None:
    with pytest.raises(ProviderRejected):
        provider(calls(None)).send(replace(sms(), content=Content({"text": "x", "sms": text})))


def test_the_longest_text_is_one_that_the_service_takes() -> None:
    asked = Asked("pinpoint-sms-voice-v2")
    content = Content({"text": "x", "sms": "x" * MAX_TEXT})

    EumSms(asked, origin="pool-1").send(replace(sms(), content=content))

    assert len(asked.request["MessageBody"]) == MAX_TEXT
