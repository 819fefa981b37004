"""SES, SNS and End User Messaging: requests that the services accept, errors told apart."""

from __future__ import annotations

from dataclasses import replace
from email.parser import BytesParser
from email.policy import default
from typing import Any

import botocore.session
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
from enlace.domain.outgoing import Attachment, Content, Links, Outgoing
from enlace.errors import (
    Misconfigured,
    ProviderAmbiguous,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from enlace.senders.ses import Ses
from enlace.senders.sms import MAX_TEXT
from enlace.senders.sms_eum import OPTED_OUT, EumSms
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


def test_who_told_aws_to_stop_has_told_us() -> None:
    failure = eum("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT")

    with pytest.raises(ProviderRejected) as caught:
        EumSms(calls(Client(failure), "eum")).send(sms())

    assert caught.value.reason == OPTED_OUT


class Client:
    """Fails by the list, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __getattr__(self, operation: str) -> Any:
        return self._answer

    def _answer(self, **request: Any) -> dict[str, str]:
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


def eum(code: str, reason: str, status: int = 400) -> ClientError:
    """As botocore gives the members of End User Messaging's errors: beside ``Error``."""
    failure = refused(code, status)
    failure.response["Reason"] = reason  # type: ignore[typeddict-unknown-key]
    return failure


#: Every error that the service models have for the three calls, and what it is to us.
CLASSIFIED: dict[str, dict[str, type[ProviderError]]] = {
    "sesv2.SendEmail": {
        "TooManyRequestsException": ProviderUnavailable,
        "LimitExceededException": ProviderUnavailable,
        "AccountSuspendedException": ProviderUnavailable,
        "SendingPausedException": ProviderUnavailable,
        "MailFromDomainNotVerifiedException": ProviderUnavailable,
        "NotFoundException": ProviderUnavailable,
        "MessageRejected": ProviderRejected,
        "BadRequestException": ProviderRejected,
    },
    "sns.Publish": {
        "InvalidParameter": ProviderRejected,
        "ParameterValueInvalid": ProviderRejected,
        "ValidationException": ProviderRejected,
        "EndpointDisabled": ProviderRejected,
        "PlatformApplicationDisabled": ProviderUnavailable,
        "AuthorizationError": ProviderUnavailable,
        "InvalidSecurity": ProviderUnavailable,
        "NotFound": ProviderUnavailable,
        "KMSThrottling": ProviderUnavailable,
        "KMSAccessDenied": ProviderUnavailable,
        "KMSDisabled": ProviderUnavailable,
        "KMSInvalidState": ProviderUnavailable,
        "KMSNotFound": ProviderUnavailable,
        "KMSOptInRequired": ProviderUnavailable,
        "InternalError": ProviderAmbiguous,
    },
    "pinpoint-sms-voice-v2.SendTextMessage": {
        "ThrottlingException": ProviderUnavailable,
        "ServiceQuotaExceededException": ProviderUnavailable,
        "AccessDeniedException": ProviderUnavailable,
        "ResourceNotFoundException": ProviderUnavailable,
        "ConflictException": ProviderRejected,
        "ValidationException": ProviderRejected,
        "InternalServerException": ProviderAmbiguous,
    },
}


def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@pytest.mark.parametrize("call", CLASSIFIED)
def test_every_documented_error_is_told_apart_on_purpose(call: str) -> None:
    service, operation = call.split(".")
    statuses = {}
    for shape in model(service).operation_model(operation).error_shapes:
        error = shape.metadata.get("error", {})
        # End User Messaging's model has no statuses; its protocol answers 400 and 500.
        usual = 500 if shape.name.startswith("Internal") else 400
        statuses[error.get("code", shape.name)] = error.get("httpStatusCode", usual)

    assert set(statuses) == set(CLASSIFIED[call])
    for code, status_code in statuses.items():
        with pytest.raises(ProviderError) as caught:
            calls(Client(*[refused(code, status_code)] * 3))("send_email")
        assert isinstance(caught.value, CLASSIFIED[call][code]), code
        assert "joao" not in str(caught.value)


#: The second codes that are about the set-up and not about one message or number.
MENDABLE = {
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED",
    "MESSAGE_TYPE_MISMATCH",
    "NO_ORIGINATION_IDENTITIES_FOUND",
    "NUMBER_CAPABILITIES_MISMATCH",
    "REGISTRATION_NOT_COMPLETE",
    "RESOURCE_NOT_ACTIVE",
    "CHANNEL_NOT_ENABLED",
    "INVALID_ARN",
    "RESOURCE_NOT_ACCESSIBLE",
}


@pytest.mark.parametrize("code", ["ConflictException", "ValidationException"])
def test_what_is_set_up_wrong_loses_no_message(code: str) -> None:
    reasons = model("pinpoint-sms-voice-v2").shape_for(f"{code}Reason").enum
    assert reasons
    for reason in reasons:
        with pytest.raises(ProviderError) as caught:
            calls(Client(eum(code, reason)), "eum")("send_text_message")
        expected = ProviderUnavailable if reason in MENDABLE else ProviderRejected
        assert type(caught.value) is expected, reason
        assert (caught.value.code, caught.value.reason.endswith(reason)) == (reason, True)


def test_an_identity_that_is_not_verified_is_mended_by_somebody() -> None:
    failure = refused("MessageRejected", 400)
    failure.response["Error"]["Message"] = (
        "Email address is not verified. The following identities failed: joao@example.com"
    )
    with pytest.raises(ProviderUnavailable) as caught:
        calls(Client(failure))("send_email")
    assert caught.value.reason == "ses.send_email: MessageRejected"


def test_a_second_code_that_is_a_text_stays_out_of_reasons() -> None:
    with pytest.raises(ProviderRejected) as caught:
        calls(Client(eum("ConflictException", "about joao@example.com")))("send_text_message")
    assert caught.value.reason == "ses.send_text_message: ConflictException"


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
