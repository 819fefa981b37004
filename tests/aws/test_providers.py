"""SES, SNS and End User Messaging: requests that the services accept, errors told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.stub import Stubber
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from enlace.aws.provider_calls import NO_RETRIES, ProviderCalls
from enlace.domain.consent import CONFIRMATION
from enlace.domain.outgoing import Content, Outgoing
from enlace.errors import ProviderAmbiguous, ProviderRejected, ProviderUnavailable
from enlace.senders.ses import Ses
from enlace.senders.sms_eum import EumSms
from enlace.senders.sms_sns import SnsSms
from tests.aws.test_delivery_table import make_client
from tests.stores.loopback import loopback, status

MAIL = Outgoing(
    message_id="0b7c7a0e-5a5e-5c3e-9d5c-3d1f9b0c6a52",
    kind="email",
    address="joao@example.com",
    purpose="transactional",
    template="protocol_opened",
    language="pt-BR",
    content=Content(
        {
            "subject": "Recebemos sua reclamação",
            "text": "Olá",
            "html": "<p>Olá</p>",
            "sms": "Recebemos",
        }
    ),
)


def sms(address: str = "+5511987654321") -> Outgoing:
    return replace(MAIL, kind="phone", address=address)


def calls(client: Any, name: str = "ses") -> ProviderCalls:
    return ProviderCalls(client, name, sleep=lambda seconds: None)


def test_ses_takes_the_mail() -> None:
    with mock_aws():
        client = make_client("sesv2")
        client.create_email_identity(EmailIdentity="sac@example.com")
        id_ = Ses(calls(client), sender="sac@example.com").send(MAIL)
        (sent,) = ses_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].sent_messages
        assert sent.id == id_
        assert sent.destinations["ToAddresses"] == ["joao@example.com"]
        assert sent.subject == "Recebemos sua reclamação"


def test_sesv2_request_is_tagged_and_valid() -> None:
    client = make_client("sesv2")
    with Stubber(client) as stub:
        stub.add_response(
            "send_email",
            {"MessageId": "x"},
            {
                "FromEmailAddress": "sac@example.com",
                "Destination": {"ToAddresses": ["joao@example.com"]},
                "Content": {
                    "Simple": {
                        "Subject": {"Data": MAIL.content.subject, "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": "Olá", "Charset": "UTF-8"},
                            "Html": {"Data": "<p>Olá</p>", "Charset": "UTF-8"},
                        },
                    }
                },
                "EmailTags": [
                    {"Name": "message_id", "Value": MAIL.message_id},
                    {"Name": "template", "Value": "protocol_opened"},
                    {"Name": "purpose", "Value": "transactional"},
                ],
                "ConfigurationSetName": "mail",
            },
        )
        ses = Ses(calls(client), sender="sac@example.com", configuration_set="mail")
        assert ses.send(MAIL) == "x"


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
                "Context": {"message_id": MAIL.message_id, "template": MAIL.template},
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


class Client:
    """Fails by the list, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def send_email(self, **request: Any) -> dict[str, str]:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return {"MessageId": "x"}


def refused(code: str, status: int) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "about joao@example.com"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },  # type: ignore[typeddict-item]
        "SendEmail",
    )


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (refused("MessageRejected", 400), ProviderRejected),
        (refused("BadRequestException", 400), ProviderRejected),
        (refused("AccessDeniedException", 403), ProviderUnavailable),
        (refused("SendingPausedException", 400), ProviderUnavailable),
        (refused("InternalFailure", 500), ProviderAmbiguous),
        (refused("ServiceUnavailable", 503), ProviderAmbiguous),
        (ConnectTimeoutError(endpoint_url="x"), ProviderUnavailable),
        (EndpointConnectionError(endpoint_url="x"), ProviderUnavailable),
        (ReadTimeoutError(endpoint_url="x"), ProviderAmbiguous),
        (ConnectionClosedError(endpoint_url="x"), ProviderAmbiguous),
    ],
)
def test_one_call_and_its_error_told_apart(failure: Exception, expected: type) -> None:
    client = Client(failure)
    with pytest.raises(expected) as caught:
        calls(client)("send_email")
    assert type(caught.value) is expected
    assert client.calls == 1
    assert "joao" not in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.parametrize(
    "failure", [refused("ThrottlingException", 400), refused("TooManyRequestsException", 429)]
)
def test_throttling_alone_is_repeated_and_bounded(failure: Exception) -> None:
    waits: list[float] = []
    client = Client(failure, failure)
    call = ProviderCalls(client, "ses", sleep=waits.append)
    assert call("send_email") == {"MessageId": "x"}
    assert client.calls == 3 and len(waits) == 2 and all(0 < wait < 1 for wait in waits)
    client = Client(*[failure] * 5)
    with pytest.raises(ProviderUnavailable):
        ProviderCalls(client, "ses", sleep=waits.append)("send_email")
    assert client.calls == 3


@pytest.mark.parametrize(
    ("code", "expected"),
    [(500, ProviderAmbiguous), (0, ProviderAmbiguous), (429, ProviderUnavailable)],
)
def test_botocore_itself_repeats_nothing(code: int, expected: type) -> None:
    """The real client on a socket: one request on the wire for each of our calls."""
    with loopback(status(code)) as server:
        client = make_client("sesv2", endpoint_url=server.url, config=NO_RETRIES)
        with pytest.raises(expected):
            Ses(ProviderCalls(client, "ses", attempts=1), sender="sac@example.com").send(MAIL)
        assert server.requests == 1
